"""Checks whether the volumes of an import still work, after something on them has failed."""

import errno
from collections.abc import Iterable
from contextlib import suppress

from core.errors import WorkerDiedError
from core.files.open_beneath import REFUSED
from core.importing.halt_reasons import FAILS, HaltError, away, full, gone, halt_for, no_more_files
from core.importing.import_run import Run
from core.models import Side, Waits
from core.workers import archive_messages, messages, source_messages
from core.workers.faults import DOUBTFUL
from core.workers.messages import Fault
from core.workers.pool import TaskFailedError, Worker

NO_ROOM = 4 << 20
"""Free bytes below which a failing archive counts as full."""

ALL_OF_IT = DOUBTFUL | {errno.EIO}
"""Errors that may concern one file, or the whole volume."""
NO_FILES = 32
"""Free files (inodes) below which an archive that reports a lack of space counts as full of files."""


class VolumeChecks:
    """The checks of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def source_answers(self, worker: Worker) -> None:
        """Raises HaltError when a file that could be read before cannot be read any more: then not just one file
        is bad."""
        run = self._run
        if run.readable_file:
            try:
                await run.workers.ask(
                    worker, source_messages.Answers(run.source, run.readable_file), messages.Done
                )
            except TaskFailedError as error:
                raise away(run, Waits.SOURCE, "cannot be read any more", run.readable_file) from error

    async def archive_answers(self, faults: Iterable[Fault]) -> None:
        """Raises HaltError when a fault of a file may concern the whole archive, and nothing can be written to it
        any more."""
        run = self._run
        # A server may just be overloaded, which is no reason to halt; its controller finds that out.
        if not run.network and any(fault.side == Side.ARCHIVE and fault.code in ALL_OF_IT for fault in faults):
            try:
                async with run.workers.worker([]) as worker:
                    await run.workers.ask(
                        worker, archive_messages.TryWriting(run.archive.place, run.staging), messages.Done
                    )
            except TaskFailedError as error:
                if halt := halt_for(error.fault, run):
                    raise halt from error
                if error.fault.code in REFUSED:
                    raise gone(error.fault, run, Waits.ARCHIVE) from error
                why = f"cannot be written any more ({error.fault.text})"
                raise away(run, Waits.ARCHIVE, why, advice=FAILS) from error

    async def more_files_fit(self, faults: Iterable[Fault]) -> None:
        """Raises HaltError when the archive can hold no more files. To be called before a batch's staging is
        removed."""
        run = self._run
        if any((fault.side, fault.code) == (Side.ARCHIVE, errno.ENOSPC) for fault in faults):
            with suppress(TaskFailedError, WorkerDiedError):
                async with run.workers.worker([]) as worker:
                    room = await run.workers.ask(
                        worker, archive_messages.Space(run.archive.place), archive_messages.SpaceFound
                    )
                if room.files is not None and room.files < NO_FILES and (room.available or 0) >= NO_ROOM:
                    raise no_more_files(room.available or 0)

    async def why_archive_fails(self) -> HaltError:
        """The reason why the archive keeps failing, even with one file at a time."""
        run = self._run
        room: int | None = None
        with suppress(TaskFailedError, WorkerDiedError):
            async with run.workers.worker([]) as worker:
                request = archive_messages.Space(run.archive.place)
                room = (await run.workers.ask(worker, request, archive_messages.SpaceFound)).available
        if room is not None and room < NO_ROOM:
            # Some clients of servers do not pass on ENOSPC.
            return HaltError(*full(f"{room:,} bytes are free"))
        return away(run, Waits.ARCHIVE, "fails again and again, even with one file at a time")
