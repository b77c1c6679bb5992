"""The vigil over an import: when nothing moves any more, its volumes are asked whether they still answer.

Whatever hangs in a dead mount can say nothing itself, so others are sent to look, and left behind if need be.
"""

import asyncio
import errno
from collections.abc import Coroutine
from typing import Any, TypeVar

from core.errors import ArchiveAwayError, WorkerDiedError
from core.importing.halting import HaltError, away
from core.importing.run import Run
from core.models import Waits
from core.paths import display
from core.workers import messages
from core.workers.messages import Fault, Place, Source
from core.workers.pool import Pool, TaskFailedError, TaskStoppedError
from core.workers.shelf import ARCHIVE_TOML

LOOK = 0.5
"""Seconds between two looks at the counters."""

STILL = 3.0
"""Seconds without any movement after which the volumes are asked."""

ANSWER = 4.0
"""Seconds that a volume gets to answer."""

T = TypeVar("T")


async def vigil(run: Run) -> HaltError:
    """Ends with the reason when a volume of the import does not answer."""
    clock = asyncio.get_running_loop().time
    seen, since = run.life(), clock()
    while True:
        await asyncio.sleep(LOOK)
        if run.paused or run.life() != seen:
            seen, since = run.life(), clock()
        elif clock() - since >= STILL:
            silent = await _silent(run)
            if silent is not None and not run.paused and run.life() == seen:
                return silent
            since = clock()


async def _silent(run: Run) -> HaltError | None:
    source, archive = await asyncio.gather(
        answer(run.pool, run.source, run.read_well), answer(run.pool, *of_archive(run.archive.place))
    )
    if archive is not None:
        return away(run, Waits.ARCHIVE)
    if source is not None and run.source_wanted:
        return away(run, Waits.SOURCE, check=b"" if source.lost else run.read_well)
    return None


def of_archive(place: Place) -> tuple[Source, bytes]:
    """What is asked of an archive."""
    return Source(place.root, place.device, place.inode), ARCHIVE_TOML.encode()


async def answer(pool: Pool, root: Source, path: bytes) -> Fault | None:
    """None when the volume of a folder answers: the folder is what it was, and the file `path` can be read."""
    try:
        async with pool.worker("look") as worker:
            # One that is just starting gets the time for that: a busy machine is no dead volume.
            await worker.ask(messages.Answers(Source(b"/")), messages.Done)
            async with asyncio.timeout(ANSWER):
                await worker.ask(messages.Answers(root, path), messages.Done)
    except TaskFailedError as error:
        return error.fault if error.fault.lost or error.fault.code == errno.EIO else None
    except TimeoutError:
        return Fault("", "it does not answer", lost=True)
    except (WorkerDiedError, TaskStoppedError, OSError):
        return None  # that says nothing of the volume
    return None


async def while_answering(pool: Pool, place: Place, work: Coroutine[Any, Any, T]) -> T:
    """The result of work on an archive, which is given up when that does not answer any more.

    Raises ArchiveAwayError, and what the work raises.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=STILL))[0]:
            if await answer(pool, *of_archive(place)) is not None and not task.done():
                raise ArchiveAwayError(f"{display(place.root)} does not answer any more.", "Mount it again.")
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
