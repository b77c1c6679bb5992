"""The archived files that a check of a source relies on: whether they are present, and what they contain."""

import os
import time
from collections.abc import Collection, Sequence

from core.archives.dead_disk import ArchiveDisk
from core.archives.item_batches import Result, not_read
from core.archives.presence import present
from core.archives.readonly import FoundArchive
from core.catalog import Catalog, Item
from core.concurrency import Limit
from core.errors import ArchiveError, WorkerDiedError
from core.paths import display
from core.volumes import macos_permissions
from core.workers import archive_messages
from core.workers.messages import Fault
from core.workers.pool import Pool, TaskFailedError, code_of

ItemBlock = tuple[Item, int, int]
"""A part of an item's payload: the item, offset, length in bytes."""


class ArchiveReader:
    """Reads one copy of an archive. `verifying` limits how many workers read it at once."""

    def __init__(self, catalog: Catalog, pool: Pool, archive: FoundArchive, verifying: Limit) -> None:
        self.archive = archive
        self.intact: set[int] = set()
        """Ids of the items that this reader has read back well."""
        self._catalog = catalog
        self._pool = pool
        self._verifying = verifying
        self._disk = ArchiveDisk(archive.place, archive.copy.number, catalog, pool)

    async def present(self, items: Collection[Item]) -> set[int]:
        """Ids of those items whose payload is present at its size. Raises ArchiveError."""
        if not items:
            return set()
        try:
            async with self._pool.worker("check") as worker:
                there = await present(worker.ask, self.archive.place, items)
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error), code_of(error)) from error
        return {item.id for item in items if item.path in there}

    async def with_content(self, contents: Sequence[bytes]) -> list[Item]:
        """The archive's items with one of these XXH3-128 digests."""
        return await self._catalog.with_digests(self.archive.id, None, contents, self.archive.copy.number)

    async def verify(self, items: list[Item]) -> dict[int, Fault]:
        """Read items past the cache, and record the results in the catalog. Returns the faults, by item id; the
        others are `intact`. Raises ArchiveError."""
        faults: dict[int, Fault] = {}
        if not items:
            return faults
        request = archive_messages.Audit(
            self.archive.place, [(item.path, item.size, item.xxh128, item.sha256) for item in items]
        )
        try:
            async with self._verifying, self._pool.worker("check") as worker:
                reply = await worker.ask(request, archive_messages.Audited)
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error), code_of(error)) from error
        read = [(item, *one) for item, one in zip(items, reply.files, strict=True)]
        try:
            read = await self._disk.confirm_faults(self.archive.id, read)
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error), code_of(error)) from error
        now, results = time.time(), list[Result]()
        for item, level, fault in read:
            if fault is not None and fault.lost:
                raise self._silent(fault.text, fault.code)
            if fault is None:
                self.intact.add(item.id)
                results.append((item.id, level, now, None))
            else:
                faults[item.id] = fault
                if not not_read(fault):
                    results.append((item.id, item.level, None, fault.text))
        await self._catalog.read_again(results, self.archive.copy.number)
        return faults

    async def blocks(self, wanted: list[ItemBlock]) -> list[tuple[bytes, Fault | None]]:
        """(digest, fault) of these parts of items. Raises ArchiveError."""
        request = archive_messages.Blocks(
            self.archive.place, [(os.fsencode(item.path), at, length) for item, at, length in wanted]
        )
        try:
            async with self._verifying, self._pool.worker("check") as worker:
                found = (await worker.ask(request, archive_messages.BlocksRead)).files
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error), code_of(error)) from error
        read = [(item, fault) for (item, _, _), (_, fault) in zip(wanted, found, strict=True)]
        try:
            await self._disk.answers(self.archive.id, read)
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error), code_of(error)) from error
        return found

    def _silent(self, why: str, code: int) -> ArchiveError:
        return ArchiveError(
            f"{display(self.archive.place.root)} does not answer: {why}.",
            macos_permissions.permission_advice(code, os.environ) or "Mount it again, then check again.",
        )
