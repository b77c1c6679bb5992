"""A second verification of a sample of archived files: by then, a drive with less capacity than it reports has
overwritten some.

It takes place at the end of each run, and during it whenever the used space of the archive's volume has doubled.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import suppress

from core.aio import first_error
from core.archives.item_batches import by_bytes, not_read
from core.catalog import Item
from core.errors import WorkerDiedError
from core.importing import archive_reading
from core.importing.halt_reasons import HaltError
from core.importing.import_run import Run
from core.models import Outcome
from core.words import counted
from core.workers import archive_messages
from core.workers.pool import TaskFailedError, TaskStoppedError

log = logging.getLogger("lading.imports")

FILES, BYTES = 64, 256 << 20
"""A sample is complete with this many files or bytes, whichever comes first."""

SAMPLE_TIME = 0.01
"""Part of a run's time for which its sample may be extended beyond that."""

STEP = 50 * BYTES
"""Bytes that a run archives between two samples during it, so that these take at most 2 % of its time."""

LOOK_INTERVAL = 1.0
"""Seconds between two checks of how much a run has archived."""

PAGE = 512
"""Files per page of the catalog."""

READERS = 2
"""Requests of a sample in progress at a time, each in a worker of its own. They take no places among all that
verify: at an import's end it waits for nothing else, and a machine with two processors has one place."""

FILES_PER_REQUEST = 16
"""The most files in one request."""

RUINED = (
    "Do not trust that disk with anything: begin a new import to another one. What is damaged is named by "
    "lading audit. To fill this one all the same, resume."
)


def differ(count: int) -> str:
    """The sentence that so many archived files differ by now, and why that may be."""
    verb = "differs" if count == 1 else "differ"
    return (
        f"{counted(count, 'file')} that had been read back well {verb} now: the drive may be counterfeit or "
        "failing; do not trust it"
    )


class Sampling:
    """Reads archived files again, past the cache, and records those that differ as damaged."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._over = asyncio.Event()
        self._read: set[int] = set()
        self._bytes = 0

    async def read_again(self) -> str:
        """A sentence for the verdict; empty when nothing differs.

        With `verify` end, everything that the import archived is read; else a sample: half of it are the files
        written first, the rest is random. Older files of the archive are sampled when the used space of its volume
        has doubled since the last time. Raises HaltError, and what asking a worker raises.
        """
        run = self._run
        if run.request.verify == "none" or not run.counters.counted(Outcome.ARCHIVED).files:
            return ""
        if run.request.verify == "end":
            await self._everything()
        else:
            now = time.monotonic()
            first = await run.catalog.archived(run.row.id, 0, FILES // 2)
            await self._read_some([item for _, item in first], FILES // 2, BYTES // 2)
            spread = await run.catalog.some_archived(run.row.id, PAGE)
            await self._read_some(spread, FILES, BYTES, until=now + SAMPLE_TIME * (now - run.began))
        await self._older()
        return differ(run.verdict.ruined) if run.verdict.ruined else ""

    async def on_the_way(self) -> None:
        """Sample older files at intervals until `stop`. Raises HaltError when any of them is destroyed, because
        every further file could destroy more."""
        run, last = self._run, 0
        if run.request.verify == "none":
            return
        while not self._over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), LOOK_INTERVAL)
            archived = run.counters.counted(Outcome.ARCHIVED).bytes
            if archived - last < STEP or self._over.is_set():
                continue
            last = archived
            self._read.clear()
            try:
                await self._older()
            except (TaskFailedError, TaskStoppedError, WorkerDiedError) as error:
                # If the archive is away, the import notices itself; a sample is read at its end, too.
                log.warning("no sample was read", extra={"import": run.row.name, "reason": str(error)})
            if run.verdict.ruined:
                raise HaltError(differ(run.verdict.ruined), RUINED)

    def stop(self) -> None:
        """Let `on_the_way` end after the current sample. It is not cancelled, because that would kill its
        worker."""
        self._over.set()

    async def _everything(self) -> None:
        after = 0
        while page := await self._run.catalog.archived(self._run.row.id, after, PAGE):
            after = page[-1][0]
            items = [item for _, item in page if item.damage is None]
            for part in by_bytes(items, lambda item: item.size):
                await self._read_items(part)

    async def _older(self) -> None:
        """Sample the oldest items of the archive, if the used space of its volume has doubled since the last
        time."""
        run = self._run
        async with run.workers.worker([]) as worker:
            room = await run.workers.ask(
                worker, archive_messages.Space(run.archive.place), archive_messages.SpaceFound
            )
        if room.total is None or room.available is None:
            return
        used = room.total - room.available
        if used >= 2 * await run.catalog.sampled(run.archive.id):
            first = await run.catalog.items_after(run.archive.id, 0, FILES)
            # The sample of the first import into an archive began with the archive's first files already.
            if first and first[0].id not in self._read:
                await self._read_some(first, len(self._read) + FILES, self._bytes + BYTES)
            if not self._over.is_set():
                await run.catalog.set_sampled(run.archive.id, used)

    async def _read_some(self, items: list[Item], files: int, size: int, until: float = 0.0) -> None:
        """Read these items until `files` files or `size` bytes are read in the whole sample, and it is later than
        `until`."""
        room = asyncio.Semaphore(READERS)
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in self._parts(items, files, size, until):
                    await room.acquire()
                    tasks.create_task(self._read_part(part, room))
        except ExceptionGroup as errors:
            raise first_error(errors) from None

    def _parts(self, items: list[Item], files: int, size: int, until: float) -> Iterator[list[Item]]:
        """The items that `_read_some` reads, divided into requests. It is a generator, because how much has been
        read decides when it ends."""
        part: list[Item] = []
        for item in items:
            if item.id in self._read or item.damage is not None or item.read_back is None:
                continue
            if self._over.is_set():
                return
            if (len(self._read) >= files or self._bytes >= size) and time.monotonic() >= until:
                break
            self._read.add(item.id)
            self._bytes += item.size
            part.append(item)
            if len(part) >= FILES_PER_REQUEST or sum(one.size for one in part) >= size // FILES_PER_REQUEST:
                yield part
                part = []
        if part:
            yield part

    async def _read_part(self, items: list[Item], room: asyncio.Semaphore) -> None:
        try:
            await self._read_items(items, limited=False)
        finally:
            room.release()

    async def _read_items(self, items: list[Item], *, limited: bool = True) -> None:
        for _, fault in await archive_reading.read(self._run, items, limited=limited):
            if not_read(fault):
                raise TaskFailedError(fault)
            self._run.verdict.ruined += 1
