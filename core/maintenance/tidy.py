"""Counts and removes junk files that file managers and servers leave in the bags of an archive.

Junk files are not payload. But a file that looks like one is kept when an import refers to it, because an item was
once made of it: nothing of an import is ever removed.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from core import archive_layout
from core.archives import location_sync
from core.archives.archive import Archive
from core.bagit.bag import COUNTED_ON, named_like_junk
from core.bagit.folder import BagFolder
from core.catalog import Catalog
from core.errors import ArchiveError, WorkerDiedError
from core.media.system_junk import within_junk
from core.paths import display
from core.queue.forget_items import forget
from core.results import Tidied
from core.workers import archive_messages
from core.workers.pool import Pool, TaskFailedError

PAGE = 5000
"""Items per page of the catalog."""

BATCH = 256
"""Files and folders that are removed per request."""

NAMED = 1000
"""The most files and folders of each sort that a result names."""

_NOTE = "UPDATE bag SET sealed = iif(?, NULL, sealed), junk = ? WHERE location_id = ?"


class Tidy:
    """The junk files in the bags of one archive. `locations`: those whose bags have to be made anew afterwards."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool) -> None:
        self.locations: set[int] = set()
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._files = 0
        self._counts = {"removed": 0, "kept": 0}
        self._removed: list[tuple[str, str]] = []
        self._kept: list[tuple[str, str]] = []

    async def count(self) -> int:
        """Count the junk files in the bags now, record the count for each bag, and return the sum. Raises
        ArchiveError."""
        with self._answering():
            return sum([await self._count(number, bag) for number, bag in await self._bags()])

    async def _count(self, number: int, bag: BagFolder) -> int:
        async for _ in bag.files(b"data"):
            pass
        in_payload = bag.junk > 0
        await bag.tag_files()
        rows = await self._catalog.database.read("SELECT junk FROM bag WHERE location_id = ?", (number,))
        if rows and rows[0][0] and not bag.junk:
            # Another program has removed them.
            self.locations.add(number)
        await self._catalog.database.run((_NOTE, [(in_payload, bag.junk, number)]))
        return bag.junk

    async def run(self, *, remove: bool) -> Tidied:
        """Remove what is certainly junk, or without `remove` find out what that is. Raises ArchiveError."""
        with self._answering():
            bags = await self._bags()
            await self._tidy(await self._above_bags(), remove)
            for number, bag in bags:
                await self._bag(number, bag, remove)
        return Tidied(
            dry=not remove,
            files=self._files,
            removed_count=self._counts["removed"],
            removed=tuple(self._removed),
            kept_count=self._counts["kept"],
            kept=tuple(self._kept),
        )

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            root = display(self._archive.place.root)
            raise ArchiveError(
                f"{root} cannot be read: {error}.", "Mount it again; then try once more."
            ) from error

    async def _bags(self) -> list[tuple[int, BagFolder]]:
        folders = await location_sync.sync(self._archive.id, self._archive.place, self._pool, self._catalog)
        return [
            (
                await self._catalog.location(self._archive.id, folder, folder),
                BagFolder(self._pool, self._archive.place, folder, lambda: None),
            )
            for folder in folders
        ]

    async def _above_bags(self) -> list[bytes]:
        names: list[tuple[bytes, str]] = []
        more = True
        while more:
            request = archive_messages.ListFolder(self._archive.place, b"locations", len(names))
            async with self._pool.worker("tidy") as worker:
                listed = await worker.ask(request, archive_messages.FolderListed)
            names, more = names + listed.names, listed.more
        return [f"{archive_layout.LOCATIONS}/".encode() + name for name, what in names if what == "junk"]

    async def _bag(self, number: int, bag: BagFolder, remove: bool) -> None:
        items = await self._items(number, bag)
        rows = await self._catalog.database.read(COUNTED_ON, (json.dumps(list(items.values())),))
        counted = {id for (id,) in rows}
        spared = [path for path, id in items.items() if id in counted]
        gone: set[bytes] = set()
        junk: list[bytes] = []
        async for page in bag.files(b""):
            for path in (path for path, what in page if what == "junk"):
                if any(one == path or one.startswith(path + b"/") for one in spared):
                    self._note("kept", self._kept, bag.below(path), "a file of an import is in the archive by it")
                else:
                    junk.append(path)
        # After the listing, because a folder that changes while it is listed may not be listed completely.
        for at in range(0, len(junk), BATCH):
            part = junk[at : at + BATCH]
            went = await self._tidy([bag.below(path) for path in part], remove)
            gone.update(path for path, all_of_it in zip(part, went, strict=True) if all_of_it)
        if gone and remove:
            self.locations.add(number)
        if remove:
            await self._forget(number, bag, {path: id for path, id in items.items() if id not in counted}, gone)

    async def _tidy(self, paths: list[bytes], remove: bool) -> list[bool]:
        """For each path, whether all of it was removed, or would be."""
        if not paths:
            return []
        async with self._pool.worker("tidy") as worker:
            request = archive_messages.Tidy(self._archive.place, paths, remove)
            found = (await worker.ask(request, archive_messages.Tidied)).found
        for path, (what, files, left, why) in zip(paths, found, strict=True):
            self._files += files
            if files or (what and not left):
                self._note("removed", self._removed, path, what)
            if left:
                self._note("kept", self._kept, path, why)
        return [bool(what) and not left for what, _, left, _ in found]

    def _note(self, sort: str, notes: list[tuple[str, str]], path: bytes, why: str) -> None:
        self._counts[sort] += 1
        if len(notes) < NAMED:
            notes.append((display(path), display(why)))

    # Items that an earlier version made of junk

    async def _items(self, number: int, bag: BagFolder) -> dict[bytes, int]:
        """The location's items whose paths look like those of junk files, by path below the bag."""
        found: dict[bytes, int] = {}
        root, after = f"{bag.path}/", 0
        while rows := await self._catalog.database.read(
            "SELECT id, path FROM item WHERE location_id = ? AND id > ? ORDER BY id LIMIT ?", (number, after, PAGE)
        ):
            after = rows[-1][0]
            paths = ((path.removeprefix(root).encode(), id) for id, path in rows if path.startswith(root))
            found.update((path, id) for path, id in paths if named_like_junk(path))
        return found

    async def _forget(self, number: int, bag: BagFolder, items: dict[bytes, int], gone: set[bytes]) -> None:
        """Delete the items whose files were removed now or earlier."""
        beside = [path for path in items if not within_junk(path) and path not in gone]
        whole = {path: _whole(path) for path in beside}
        wanted = json.dumps([f"{bag.path}/{os.fsdecode(path)}" for path in whole.values()])
        rows = await self._catalog.database.read(
            "SELECT path FROM item WHERE location_id = ? AND path IN (SELECT value FROM json_each(?))",
            (number, wanted),
        )
        there = {path for (path,) in rows}
        # A missing `._NAME` was macOS's own file if NAME is present: dot_clean(1) removes it.
        unsure = {path for path in beside if f"{bag.path}/{os.fsdecode(whole[path])}" not in there}
        maybe = [path for path in items if path not in unsure]
        for at in range(0, len(maybe), BATCH):
            part = maybe[at : at + BATCH]
            sizes = await bag.sizes(part)
            lost = [items[path] for path, size in zip(part, sizes, strict=True) if size < 0]
            if lost:
                await forget(self._catalog.database, lost)
                self.locations.add(number)


def _whole(path: bytes) -> bytes:
    """The path of the file that a `._NAME` belongs to."""
    folder, slash, name = path.rpartition(b"/")
    return folder + slash + name.removeprefix(b"._")
