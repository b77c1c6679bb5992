"""Tells bad sectors of archived files from a disk that has failed or was disconnected.

Both give EIO. If a file that was intact can still be read, past the cache, the files are damaged; else the disk
has failed. On a network a session that ended while a file was being read gives EIO, too, and the next one reads it
well: there such a file is read once more before it is called damaged.
"""

import errno

from core.archives.liveness import answer, of_archive
from core.catalog import Catalog, Item
from core.errors import ArchiveAwayError
from core.paths import display
from core.words import counted
from core.workers import archive_messages
from core.workers.messages import Fault, Place
from core.workers.pool import Pool, TaskFailedError

_ERRORS = frozenset({errno.EIO, getattr(errno, "ENOMEDIUM", errno.EIO)})
"""Errors of disks and drivers for a medium that cannot be read: errno(3)."""

IN_A_ROW = 8
"""This many unreadable files, with no readable one to compare with, mean a dead disk."""

CANDIDATES = 512
"""Items from which those to read as a test are chosen."""

TEST_ITEMS = 3
"""Test items, of which at least one has to be readable."""

AuditedItem = tuple[Item, str, Fault | None]
"""An item, the verification level that its reading reached, and why it is not intact."""


class ArchiveDisk:
    """The disk that holds one copy of an archive, while its files are read."""

    def __init__(self, place: Place, copy: int, catalog: Catalog, pool: Pool) -> None:
        """`copy`: the number of the copy, 0 for the one in use."""
        self._place = place
        self._copy = copy
        self._catalog = catalog
        self._pool = pool
        self._well: Item | None = None
        """The smallest item that was read and found intact."""

    async def answers(self, archive_id: int, found: list[tuple[Item, Fault | None]]) -> None:
        """Check that the disk still answers, if reading these items gave an I/O error. Returns when only single
        files cannot be read. Raises ArchiveAwayError when the disk does not answer; TaskFailedError,
        WorkerDiedError."""
        for item, fault in found:
            if fault is None and item.size and (self._well is None or item.size < self._well.size):
                self._well = item
        errors = [(item, fault) for item, fault in found if fault is not None and fault.code in _ERRORS]
        if not errors:
            return
        if self._well is not None:
            if await self._readable(self._well):
                return
        elif not await answer(self._pool, *of_archive(self._place)):
            bad = {item.id for item, _ in errors}
            page = await self._catalog.items_after(archive_id, 0, CANDIDATES, self._copy)
            others = [item for item in page if item.size and item.damage is None and item.id not in bad]
            for item in sorted(others, key=lambda item: item.size)[:TEST_ITEMS]:
                if await self._readable(item):
                    self._well = item
                    return
            if not others and len(errors) < IN_A_ROW:
                return
        (_, fault), count = errors[0], len(errors)
        raise ArchiveAwayError(
            f"the disk or the server of {display(self._place.root)} does not answer any more: "
            f"{counted(count, 'file')} could not be read ({fault.text}), nor what was well.",
            "Check its cable, its power and the network, and mount it again. Nothing is recorded of what was not "
            "read.",
        )

    async def confirm_faults(self, archive_id: int, read: list[AuditedItem]) -> list[AuditedItem]:
        """The results `read` of reading these items, with those of a second reading in place of EIO on a network,
        where a session may just have ended. Raises as `answers`."""
        await self.answers(archive_id, [(item, fault) for item, _, fault in read])
        if not self._place.network:
            return read
        again = [item for item, _, fault in read if fault is not None and fault.code in _ERRORS]
        found = {item.id: one for item, one in zip(again, await self._audited(again), strict=True)}
        if lost := next((fault for _, fault in found.values() if fault is not None and fault.lost), None):
            raise TaskFailedError(lost)
        return [(item, *found.get(item.id, (level, fault))) for item, level, fault in read]

    async def _readable(self, item: Item) -> bool:
        ((_, fault),) = await self._audited([item])
        return fault is None or fault.code not in _ERRORS

    async def _audited(self, items: list[Item]) -> list[tuple[str, Fault | None]]:
        if not items:
            return []
        wanted = [(item.path, item.size, item.xxh128, item.sha256) for item in items]
        async with self._pool.worker("look") as worker:
            request = archive_messages.Audit(self._place, wanted)
            return (await worker.ask(request, archive_messages.Audited)).files
