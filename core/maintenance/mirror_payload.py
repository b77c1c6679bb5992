"""Brings payload, thumbnails and proxies from one copy of an archive to another one.

Files take the steps of an import's batch: read once and hashed, staged, flushed, read back past the cache,
published without replacing. What was read is compared with size and XXH3-128 in the catalog, which also has its
SHA-256, else with the digest in the file's name. A file that differs is damaged in the source, and is not brought.
"""

import asyncio
from collections.abc import AsyncIterable

import msgspec

from core.bagit.manifest import digest_of_name
from core.catalog import Item
from core.errors import WorkerDiedError
from core.maintenance.audit import Audit
from core.maintenance.mirror_run import MirrorRun
from core.workers import archive_messages, batch_messages, messages, source_messages
from core.workers.batch_messages import Checked, ToStage
from core.workers.messages import Fault, Source
from core.workers.pool import TaskFailedError, Worker
from core.workers.read_source import ARENA, OTHER
from core.workers.source_messages import Digest, SourceMetadata, Taken, ToRead

FILES_PER_BATCH = 512
"""The most files in one batch."""

PAGE = 2048
"""Files per look-up of digests."""

ATTEMPTS = 3

ROTTEN = "what the other copy holds is not what was archived"
FOREIGN = "other content has its name there, and is kept: lading audit --heal puts that aside"


class Wanted(msgspec.Struct):
    """A file to be brought. `item`: its item in the catalog; None when it has none."""

    path: str
    size: int
    item: Item | None

    def to_read(self, number: int) -> ToRead:
        """How it is read: one with an item is compared with that in the reading."""
        path, taken = self.path.encode(errors="surrogateescape"), None
        if self.item is not None:
            taken = Taken(path, 0, self.item.xxh128, self.item.sha256, "", SourceMetadata())
        return ToRead(number, path, self.size, "other", taken=taken, content_only=True)

    def rotten(self, found: Digest) -> bool:
        """Whether the content that was read is not the expected one."""
        if found.fault is not None:
            return found.fault.code == OTHER
        named = digest_of_name(self.path.encode(errors="surrogateescape")) if _is_payload(self.path) else b""
        return self.item is None and named not in (b"", found.xxh128)


class PayloadCopier:
    """Brings files, several batches at a time."""

    def __init__(self, run: MirrorRun) -> None:
        self._run = run
        self._room = asyncio.Semaphore(2 * run.copy.ceiling)

    async def bring(self, pages: AsyncIterable[list[str]]) -> None:
        """Bring the files with these paths, which the target lacks. Raises ArchiveError, and what asking a worker
        raises."""
        async with asyncio.TaskGroup() as tasks:
            batch: list[Wanted] = []
            filled = 0
            async for page in pages:
                for at in range(0, len(page), PAGE):
                    for one in await self._with_sizes(page[at : at + PAGE]):
                        large = one.size > ARENA
                        if batch and (large or len(batch) >= FILES_PER_BATCH or filled + one.size > ARENA):
                            await self._start(tasks, batch)
                            batch, filled = [], 0
                        batch.append(one)
                        filled += one.size
                        if large:
                            await self._start(tasks, batch)
                            batch, filled = [], 0
            if batch:
                await self._start(tasks, batch)

    async def _start(self, tasks: asyncio.TaskGroup, batch: list[Wanted]) -> None:
        await self._room.acquire()
        task = tasks.create_task(self._bring(batch))
        task.add_done_callback(lambda _: self._room.release())

    async def _with_sizes(self, paths: list[str]) -> list[Wanted]:
        """The files with their sizes; those that have disappeared meanwhile are reported as lacking."""
        run = self._run
        raw = {path: path.encode(errors="surrogateescape") for path in paths}
        digests = [digest for path in paths if _is_payload(path) and (digest := digest_of_name(raw[path]))]
        known = await run.catalog.with_digests(run.target.id, None, digests, run.source.copy.number)
        items = {item.path: item for item in known}
        unknown = [path for path in paths if path not in items]
        sizes: dict[str, int] = {}
        if unknown:
            async with run.worker() as worker:
                request = archive_messages.FileSizes(run.source.place, [raw[path] for path in unknown])
                found = (await worker.ask(request, archive_messages.Sizes)).sizes
            sizes = dict(zip(unknown, found, strict=True))
        for path in [path for path in unknown if sizes[path] < 0]:
            run.lack(path, "it has gone from the other copy meanwhile")
        return [
            Wanted(path, item.size if (item := items.get(path)) else sizes[path], item)
            for path in paths
            if path in items or sizes[path] >= 0
        ]

    async def _bring(self, batch: list[Wanted]) -> None:
        faults: dict[str, Fault] = {}
        left = batch
        for attempt in range(ATTEMPTS):
            try:
                faults = await self._try(left)
            except WorkerDiedError:
                if attempt == ATTEMPTS - 1:
                    raise
                continue
            left = [one for one in left if one.path in faults]
            if not left:
                return
        for one in left:
            self._run.lack(one.path, faults[one.path].text)

    async def _try(self, batch: list[Wanted]) -> dict[str, Fault]:
        """Bring a batch. Returns the faults, by path, of files that may be retried. Raises ArchiveError."""
        run = self._run
        async with run.copy, run.worker(batch[0].path) as worker:
            try:
                return await self._through(worker, batch)
            except TaskFailedError as error:
                await run.give_up(error.fault)
                return {one.path: error.fault for one in batch}

    async def _through(self, worker: Worker, batch: list[Wanted]) -> dict[str, Fault]:
        run = self._run
        faults: dict[str, Fault] = {}
        source = Source(run.source.place.root, run.source.place.device, run.source.place.inode)
        files = [one.to_read(number) for number, one in enumerate(batch)]
        if batch[0].size > ARENA:
            copied = batch_messages.CopyLarge(source, run.target.place, run.staging, files[0])
            read = (await worker.ask(copied, source_messages.Digests)).files
        else:
            read = (
                await worker.ask(source_messages.ReadBatch(source, files, keep=True), source_messages.Digests)
            ).files
        sound = [found.number for found in read if await self._sound(batch[found.number], found, faults)]
        orders = [ToStage(number, batch[number].path, "archived") for number in sound]
        if orders:
            await self._store(worker, batch, orders, faults)
        await worker.ask(batch_messages.Drop(), messages.Done)
        return faults

    async def _sound(self, one: Wanted, found: Digest, faults: dict[str, Fault]) -> bool:
        """Whether the content that was read is the expected one; if not, the file is reported as lacking, or
        retried."""
        run = self._run
        if one.rotten(found):
            run.lack(one.path, ROTTEN)
            await self._doubt(one)
            return False
        if found.fault is not None:
            await run.give_up(found.fault)
            if found.fault.again:
                faults[one.path] = found.fault
                return False
            run.lack(one.path, f"the other copy cannot be read: {found.fault.text}")
            if found.fault.side == "source":
                await self._doubt(one)
            return False
        return True

    async def _doubt(self, one: Wanted) -> None:
        """Read what the source has of a file once more, as an audit does, which tells damage from a file that may
        not be read and from a disk that has died, and record it. Raises ArchiveError."""
        run = self._run
        if one.item is not None:
            await Audit(run.source, run.catalog, run.pool, run.verify).read_again([one.item])

    async def _store(
        self, worker: Worker, batch: list[Wanted], orders: list[ToStage], faults: dict[str, Fault]
    ) -> None:
        run = self._run
        stage = batch_messages.StageBatch(run.target.place, run.staging, orders)
        levels: dict[int, str] = {}
        for request in (stage, batch_messages.Flush(), batch_messages.Verify("readback")):
            checked = await worker.ask(request, Checked)
            levels.update(checked.levels)
            for number, fault in checked.faults:
                await run.give_up(fault)
                faults[batch[number].path] = fault
        arrived = await worker.ask(batch_messages.Publish(), batch_messages.Published)
        for number, fault in arrived.faults:
            await run.give_up(fault)
            faults[batch[number].path] = fault
        for number, _ in arrived.taken:
            run.lack(batch[number].path, FOREIGN)
        here = [batch[number] for number, _ in arrived.published]
        well = [(one.item, levels[number]) for number, _ in arrived.published if (one := batch[number]).item]
        await run.proven([(item, level) for item, level in well if item is not None])
        for one in here:
            if _is_payload(one.path):
                run.brought[0] += 1
                run.brought[1] += one.size
                run.locations.add(one.path.split("/")[1])
            else:
                run.others += 1


def _is_payload(path: str) -> bool:
    """Whether the path lies in the payload folder of a bag."""
    return path.startswith("locations/") and path.split("/")[2:3] == ["data"]
