"""Records in the catalog which payload was compared at a remote. Paths are below the archive's root."""

import os
import time
from collections.abc import Sequence

from core.bagit import manifest
from core.catalog import Catalog, CopyRow, Item
from core.offsite.rclone import Remote

REMOTE_LEVEL = "remote"
"""The verification level of what was compared at a remote."""


class RemoteBook:
    """The catalog's record of one remote, which counts as a copy of the archive `archive_id`."""

    def __init__(self, catalog: Catalog, archive_id: int, remote: Remote) -> None:
        self._catalog = catalog
        self._archive_id = archive_id
        self._path = os.fsencode(str(remote))
        self._number = 0

    async def begin(self) -> tuple[int, int]:
        """Record that the remote is a copy of the archive, seen now: to be called once it is known that it holds
        this archive, or nothing. Returns how many (items, bytes) were found well there."""
        known = await self._catalog.copies_of(self._archive_id)
        row = next((row for row in known if row.path == self._path), None)
        row = row or CopyRow(0, self._archive_id, self._path, "", b"", "", "")
        # The copy in use has the number 0, and is in another table.
        if row != known[0]:
            self._number = await self._catalog.copy_seen(row)
        return await self._catalog.proven(self._archive_id, self._number)

    async def unproven(self, paths: Sequence[str]) -> set[str]:
        """Those of the paths whose payload is not recorded as intact at the remote."""
        items = await items_at(self._catalog, self._archive_id, paths, self._number)
        return {item.path for item in items if not _is_intact(item)}

    async def record(self, paths: Sequence[str], damage: str | None = None) -> tuple[int, int]:
        """Record that the payload at these paths was compared just now: it is intact, or `damage` says what is
        wrong. Returns (items, bytes) of those that were not recorded as intact before."""
        items, now = await items_at(self._catalog, self._archive_id, paths, self._number), time.time()
        found = [(item.id, REMOTE_LEVEL, None if damage else now, damage) for item in items]
        await self._catalog.read_again(found, self._number)
        new = [item for item in items if not _is_intact(item)]
        return len(new), sum(item.size for item in new)


async def items_at(catalog: Catalog, archive_id: int, paths: Sequence[str], copy: int) -> list[Item]:
    """The items with these paths, as they are known in the copy with the number `copy`."""
    wanted = set(paths)
    digests = {manifest.digest_of_name(os.fsencode(path)) for path in paths} - {b""}
    items = await catalog.with_digests(archive_id, None, sorted(digests), copy) if digests else []
    return [item for item in items if item.path in wanted]


def _is_intact(item: Item) -> bool:
    return item.read_back is not None and item.damage is None
