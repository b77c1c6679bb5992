"""Counts on how many devices verified copies of an archive's items are present now, for the verdict."""

import asyncio
import os
from collections.abc import Collection, Sequence

import msgspec

from core.archives.archive import reading_place
from core.archives.copies import Copy, examine, recognised
from core.archives.locate import Locate
from core.archives.presence import present
from core.catalog import Catalog, CopyRow
from core.errors import LadingError, WorkerDiedError
from core.paths import display, is_remote
from core.volumes.devices import UNKNOWN_SERVER, devices_at, distinct, on_server
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError


class Standing(msgspec.Struct, frozen=True):
    """A known copy and whether it can be reached now. `place` is None for one that is away; `devices` are those
    that it lies on, empty where they are not known."""

    archive_id: int
    number: int
    path: bytes
    place: Place | None = None
    devices: frozenset[str] = frozenset()


async def standing(row: CopyRow, pool: Pool, catalog: Catalog, whereabouts: Locate) -> Standing:
    """Look for a copy at its last path and where its volume is mounted now."""
    wanted = Copy(row.archive_id, row.number, b"")
    for path in (row.path, *await whereabouts.places(row.volume, row.root)):
        try:
            facts = await examine(os.fsdecode(path), pool, look=True)
            found = await recognised(facts, pool, catalog)
        except LadingError:
            continue
        if (found.archive_id, found.number) == (wanted.archive_id, wanted.number):
            place = reading_place(facts)
            return Standing(row.archive_id, row.number, facts.root, place, await _devices(facts.mount))
    return Standing(row.archive_id, row.number, row.path)


async def _devices(mount: bytes) -> frozenset[str]:
    try:
        return await asyncio.to_thread(devices_at, mount)
    except OSError:
        return frozenset()


class CopyCount:
    """Counts the copies of items of one archive. `wanted`: how many copies, on distinct devices, each item should
    have. Items of other archives with the same content are copies, too. Copies on remotes are named, not counted:
    whether they are still there is not looked up for a verdict."""

    def __init__(
        self,
        archive_id: int,
        wanted: int,
        copies: Sequence[Standing],
        catalog: Catalog,
        pool: Pool,
        remotes: Sequence[bytes] = (),
    ) -> None:
        self.wanted = wanted
        self._remotes = remotes
        self._archive_id = archive_id
        self._copies = copies
        self._catalog = catalog
        self._pool = pool
        self._wanting: set[bytes] = set()
        """Paths of copies that are present, but do not hold all items."""

    @classmethod
    async def of(
        cls,
        archive_id: int,
        wanted: int,
        catalog: Catalog,
        pool: Pool,
        whereabouts: Locate,
        others: Sequence[int] = (),
    ) -> "CopyCount":
        """A count over all known copies, each looked for now. `others`: further archives that are filled from the
        same sources."""
        rows: list[CopyRow] = []
        if wanted > 1:
            archives = dict.fromkeys([archive_id, *others])
            rows = [row for archive in archives for row in await catalog.copies_of(archive)]
        here = [row for row in rows if not is_remote(row.path)]
        found = await asyncio.gather(*(standing(row, pool, catalog, whereabouts) for row in here))
        remotes = [row.path for row in rows if is_remote(row.path)]
        return cls(archive_id, wanted, found, catalog, pool, remotes)

    async def lacking(self, items: Collection[int]) -> dict[int, int]:
        """The items with fewer copies than `wanted`, and how many they have. A copy counts if the item's payload
        is present at its size, was read back well, and is not known to be damaged; copies on one device count
        once."""
        if self.wanted < 2 or not items:
            return {}
        held: dict[int, list[frozenset[str]]] = {item: [] for item in items}
        for copy in self._copies:
            if copy.place is None:
                continue
            well = await self._well(copy, copy.place, items)
            if len(well) < len(held):
                self._wanting.add(copy.path)
            for item in well:
                held[item].append(copy.devices)
        counted = {item: distinct(found) for item, found in held.items()}
        return {item: count for item, count in counted.items() if count < self.wanted}

    async def _well(self, copy: Standing, place: Place, items: Collection[int]) -> list[int]:
        if copy.archive_id == self._archive_id:
            found = list((await self._catalog.items(items, self._archive_id, copy.number)).items())
        else:
            found = await self._catalog.same_content(items, copy.archive_id, copy.number)
        well = [(id, item) for id, item in found if item.read_back is not None and item.damage is None]
        try:
            async with self._pool.worker("copies") as worker:
                there = await present(worker.ask, place, [item for _, item in well])
        except (TaskFailedError, WorkerDiedError):
            return []
        return list(dict.fromkeys(id for id, item in well if item.path in there))

    def said(self, count: int) -> str:
        """A sentence on how many copies there are, and why not more. To be called after `lacking`."""
        why = [f"{display(copy.path)} is away" for copy in self._copies if copy.place is None]
        here = [copy for copy in self._copies if copy.place is not None]
        if len(self._copies) < 2:
            why.append("no other copy is known: lading mirror ARCHIVE TO makes one")
        unknown = [display(copy.path) for copy in here if not copy.devices]
        servers = [copy for copy in here if on_server(copy.devices)]
        if unknown and len(here) > 1:
            why.append(f"on which disk {' and '.join(unknown)} lies is not known")
        elif len(servers) > 1 and any(UNKNOWN_SERVER in copy.devices for copy in servers):
            shares = " and ".join(display(copy.path) for copy in servers)
            why.append(f"whether {shares} lie on one server is not known")
        elif len(here) > 1 and distinct([copy.devices for copy in here]) < min(self.wanted, len(here)):
            why.append(f"{' and '.join(display(copy.path) for copy in here)} lie on one disk")
        wanting = [copy for copy in here if copy.path in self._wanting]
        lacks = [display(copy.path) for copy in wanting if copy.archive_id == self._archive_id]
        if lacks:
            why.append(f"not all was read back in {' and in '.join(lacks)}: lading mirror brings it")
        others = [display(copy.path) for copy in wanting if copy.archive_id != self._archive_id]
        if others:
            why.append(f"not all was read back in {' and in '.join(others)} yet")
        why += [f"{display(path)} is off-site, and not counted" for path in self._remotes]
        return f"{count} of {self.wanted} copies" + (f"; {'; '.join(why)}" if why else "")
