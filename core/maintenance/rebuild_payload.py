"""Payload that no journal and no receipt names, found in the bags while a catalog is rebuilt."""

import json
import os
import tempfile
from collections.abc import Callable, Sequence

from core.archives.archive import BACKGROUND, REQUEST, Archive
from core.bagit import manifest
from core.bagit.folder import BagFolder
from core.bagit.manifest_merge import Ledger
from core.bagit.tag_files import MANIFEST
from core.catalog import Catalog, Item
from core.paths import display
from core.queue import enqueue
from core.workers.source_messages import Digest

BATCH = 64
"""Files per request for sizes or digests."""

NAMED = 1000
"""The most files that are named; all are counted."""


class UnrecordedPayload:
    """Makes items for payload that no import has. `problem` is called with what cannot be used. With `listed` that
    is also what no manifest names, which is not read then."""

    def __init__(
        self, archive: Archive, catalog: Catalog, problem: Callable[[str], None], *, listed: bool = False
    ) -> None:
        self._only_listed = listed
        self.count = 0
        self.named: list[str] = []
        """Paths below the archive's root."""
        self._archive = archive
        self._catalog = catalog
        self._problem = problem

    async def take(self, bag: BagFolder, location_id: int) -> None:
        """Make the items of one location: with the digests of the bag's manifest, else of the payload itself.
        Raises what asking a worker raises."""
        with tempfile.TemporaryDirectory(prefix="lading-rebuild-") as scratch:
            async with Ledger.open(os.path.join(scratch, "ledger.db")) as ledger:
                async for found in bag.files(b"data"):
                    files = [path for path, what in found if what == "file"]
                    for path in files:
                        if not manifest.utf8(path):
                            self._problem(f"{bag.path}/{display(path)}: its name is not UTF-8")
                    files = [path for path in files if manifest.utf8(path)]
                    await ledger.add_on_disk((path,) for path in await self._unknown(bag, files))
                lines = manifest.ManifestLines()
                async for data in bag.pieces(MANIFEST):
                    await ledger.add_noted(lines.feed(data))
                await ledger.add_noted(lines.end())
                await ledger.merge()
                async for rows in ledger.lines():
                    for at in range(0, len(rows), BATCH):
                        part = [(path, sha256) for path, sha256, _ in rows[at : at + BATCH]]
                        await self._add(bag, location_id, part)

    async def _unknown(self, bag: BagFolder, paths: list[bytes]) -> list[bytes]:
        by_name = {path: manifest.digest_of_name(path) for path in paths}
        hashes = [digest for digest in by_name.values() if digest]
        known = {item.path for item in await self._catalog.with_digests(self._archive.id, None, hashes)}
        unknown = [path for path in paths if f"{bag.path}/{os.fsdecode(path)}" not in known]
        nameless = [path for path in unknown if not by_name[path]]
        if nameless:
            rows = await self._catalog.database.read(
                "SELECT path FROM item WHERE archive_id = ? AND path IN (SELECT value FROM json_each(?))",
                (self._archive.id, json.dumps([f"{bag.path}/{os.fsdecode(path)}" for path in nameless])),
            )
            there = {path for (path,) in rows}
            unknown = [path for path in unknown if f"{bag.path}/{os.fsdecode(path)}" not in there]
        return unknown

    async def _add(self, bag: BagFolder, location_id: int, files: Sequence[tuple[bytes, bytes | None]]) -> None:
        listed = [
            (path, sha256, digest)
            for path, sha256 in files
            if sha256 and (digest := manifest.digest_of_name(path))
        ]
        named = {path for path, _, _ in listed}
        read = [path for path, _ in files if path not in named]
        if self._only_listed:
            for path in read:
                self._problem(f"{bag.path}/{display(path)} is not named by its bag")
            read = []
        sizes = await bag.sizes([path for path, _, _ in listed]) if listed else []
        found = [
            Digest(0, size=size, xxh128=digest, sha256=sha256)
            for (_, sha256, digest), size in zip(listed, sizes, strict=True)
        ]
        found += await bag.digests(read) if read else []
        paths = [*(path for path, _, _ in listed), *read]
        if busy := sorted(name for name in self._archive.active if not name.startswith((REQUEST, BACKGROUND))):
            # Payload that this import has just published will be committed in a moment.
            self._problem(f"{bag.path}: {display(busy[0])} runs into it; rebuild once more after its end")
            return
        unknown = set(await self._unknown(bag, paths))
        items: list[tuple[int, Item]] = []
        for path, one in zip(paths, found, strict=True):
            if path not in unknown:
                continue  # it was committed meanwhile
            where = f"{bag.path}/{os.fsdecode(path)}"
            if one.fault is not None or one.size < 0:
                self._problem(f"{where} cannot be read")
                continue
            items.append((self._archive.id, self._item(location_id, where, one)))
            self.count += 1
            if len(self.named) < NAMED:
                self.named.append(where)
        await self._catalog.settle(items, [], enqueue.of_items(items, 0))

    def _item(self, location_id: int, path: str, digest: Digest) -> Item:
        kind = path.split("/")[3] if path.count("/") > 3 else "other"
        number = self._catalog.new_item_id()
        return Item(number, location_id, digest.xxh128, digest.sha256, digest.size, kind, path, "", None)
