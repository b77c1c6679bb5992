"""The catalog from what an archive holds beside its journals: receipts, manifests, and the payload itself."""

import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, TypeVar

from core.archives import told
from core.archives.archive import Archive
from core.catalog import Catalog, ImportRow, Item, beside
from core.errors import ArchiveError, WorkerDiedError
from core.importing.adopting import Adopter
from core.importing.ingest import ENDED
from core.importing.journal import Line
from core.paths import decode, display
from core.queue import plan
from core.receipts.machine import COLUMNS
from core.receipts.recall import Recalled
from core.results import Rebuilt
from core.tasks import manifest
from core.tasks.bag import MANIFEST
from core.tasks.bagfolder import BagFolder
from core.tasks.ledger import Ledger
from core.workers.messages import Digest
from core.workers.pool import Pool, TaskFailedError

T = TypeVar("T")

PAGE = 1000
"""Rows handled together."""

BATCH = 64
"""Files measured or hashed together."""

NAMED = 1000
"""Files and problems that a result names; all are counted."""

TASK = "rebuild"

_NAME = "UPDATE location SET name = ? WHERE id = ? AND name = folder"
"""For a location that neither a journal nor its bag calls by its name."""

_PROVEN = """
    UPDATE item SET level = ?, read_back = ? WHERE archive_id = ? AND xxh128 = ? AND path = ?
    AND read_back IS NULL AND damage IS NULL
"""


class Rebuild:
    """Brings the catalog up to an archive whose journals have been read already. It only adds to it."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._problems: list[str] = []
        self._unrecorded: list[str] = []
        self._count = 0

    async def run(self) -> Rebuilt:
        """Read everything that is left to be read. Raises ArchiveError."""
        try:
            for folder in await told.learn(self._archive.id, self._archive.place, self._pool, self._catalog):
                await self._location(folder)
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            raise ArchiveError(
                f"{display(self._archive.place.root)} cannot be read: {error}.",
                "Check that it is mounted; then rebuild once more: it goes on where it was.",
            ) from error
        return await self._told()

    async def _told(self) -> Rebuilt:
        read, number = self._catalog.database.read, self._archive.id
        ((imports, unfinished),) = await read(
            "SELECT count(*), count(*) FILTER (WHERE state NOT IN ('done', 'cancelled')) FROM import "
            "WHERE archive_id = ?",
            (number,),
        )
        ((items, size, absent),) = await read(
            "SELECT count(*), coalesce(sum(size), 0), count(damage) FROM item WHERE archive_id = ?", (number,)
        )
        return Rebuilt(
            locations=len(await self._catalog.locations(number)),
            imports=imports,
            unfinished=unfinished,
            items=items,
            bytes=size,
            damaged=absent,
            unrecorded_count=self._count,
            unrecorded=tuple(map(display, self._unrecorded)),
            problems=tuple(map(display, self._problems)),
        )

    def _problem(self, text: str) -> None:
        if len(self._problems) < NAMED:
            self._problems.append(text)

    # Locations

    async def _location(self, folder: str) -> None:
        bag = BagFolder(self._pool, self._archive.place, folder, lambda: None)
        number = await self._catalog.location(self._archive.id, folder, folder)
        tags = await bag.tag_files()
        for path in tags:
            text = os.fsdecode(path)
            if text.startswith("lading/") and text.endswith(".txt") and text.count("/") == 1:
                await self._receipt(bag, number, text.removesuffix(".txt"))
        await self._payload(bag, number)

    # Receipts

    async def _receipt(self, bag: BagFolder, location_id: int, path: str) -> None:
        """What the receipt of an import says that its journal did not."""
        text = b"".join([data async for data in bag.pieces(f"{path}.txt")])
        try:
            recalled = Recalled(text.decode(errors="replace"), self._archive.path)
        except ValueError:
            self._problem(f"{bag.path}/{path}.txt is no receipt")
            return
        if path != f"lading/{recalled.name}":
            return
        await self._catalog.database.run((_NAME, [(recalled.location, location_id)]))
        row = await self._catalog.import_named(recalled.name) or await self._import(recalled, location_id)
        if row is None or (row.archive_id, row.location_id) != (self._archive.id, location_id) or row.runs:
            return  # one with runs is this catalog's own
        values = {key: recalled.values[key] for key in ("listed", "bytes_read")}
        if row.state not in ENDED:
            values |= {
                key: recalled.values[key] for key in ("state", "ended", "verdict", "verdict_reason", "previous")
            }
            values |= {"reason": "", "advice": ""}
        values["receipt"] = hashlib.sha256(text).hexdigest()
        await self._catalog.set_import(row.id, **values)
        row = await self._catalog.import_named(row.name) or row
        await self._list(bag, row, path, recalled.tsv_sha256)

    async def _import(self, recalled: Recalled, location_id: int) -> ImportRow | None:
        values: dict[str, Any] = dict(recalled.values)
        values["options"] = ImportRow.options_of(values.pop("request"))
        values |= {"name": recalled.name, "archive_id": self._archive.id, "location_id": location_id}
        values["volume_id"] = await self._catalog.volume(*recalled.volume)
        await self._catalog.new_import(values)
        return await self._catalog.import_named(recalled.name)

    async def _list(self, bag: BagFolder, row: ImportRow, path: str, wanted: str) -> None:
        """The files of an import from its list, unless the list is not what the receipt says."""
        sha = hashlib.sha256()
        async for data in bag.pieces(f"{path}.tsv"):
            sha.update(data)
        if sha.hexdigest() != wanted:
            self._problem(f"{bag.path}/{path}.tsv is gone or damaged")
            return
        for step in ("items", "files"):
            adopter = Adopter(self._archive, self._catalog, self._pool, row)
            adopter.ended = True
            async for rows in _pages(bag, f"{path}.tsv"):
                missing = await self._missing(row, rows)
                if step == "items":
                    await adopter.items(missing)
                else:
                    await adopter.files(missing)
                    await self._proven(rows)

    async def _missing(self, row: ImportRow, rows: list[dict[str, str]]) -> list[Line]:
        """Lines of the files that the import has no row of."""
        paths = [beside(row.root, decode(one["path"])) for one in rows]
        seen = await self._catalog.seen(row.volume_id, paths, self._archive.id)
        mine = {path for path, found in seen.items() if any(one.import_id == row.id for one in found)}
        return [_line(one) for one, path in zip(rows, paths, strict=True) if path not in mine]

    async def _proven(self, rows: list[dict[str, str]]) -> None:
        """Which level the payload reached, and when it was last read back."""
        values = [
            (
                one["level"],
                _moment(one["read_back"]),
                self._archive.id,
                bytes.fromhex(one["xxh128"]),
                one["payload"],
            )
            for one in rows
            if one["level"] and one["payload"]
        ]
        await self._catalog.database.run((_PROVEN, values))

    # Payload

    async def _payload(self, bag: BagFolder, location_id: int) -> None:
        """Items for payload that no import tells of: by the bag's manifest, else by what it holds."""
        with tempfile.TemporaryDirectory(prefix="lading-rebuild-") as scratch:
            async with Ledger.open(os.path.join(scratch, "ledger.db")) as ledger:
                async for found in bag.files(b"data"):
                    files = [path for path, what in found if what == "file"]
                    await ledger.on_disk((path, False) for path in await self._unknown(bag, files))
                lines = manifest.Lines()
                async for data in bag.pieces(MANIFEST):
                    await ledger.note(lines.feed(data))
                await ledger.note(lines.end())
                await ledger.merge()
                async for rows in ledger.lines():
                    for part in _parts(rows, BATCH):
                        await self._take(bag, location_id, [(path, sha256) for path, sha256, _ in part])

    async def _unknown(self, bag: BagFolder, paths: list[bytes]) -> list[bytes]:
        by_name = {path: manifest.digest_of_name(path) for path in paths}
        hashes = [digest for digest in by_name.values() if digest]
        known = {item.path for item in await self._catalog.known(self._archive.id, None, hashes)}
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

    async def _take(self, bag: BagFolder, location_id: int, files: list[tuple[bytes, bytes | None]]) -> None:
        listed = [
            (path, sha256, digest)
            for path, sha256 in files
            if sha256 and (digest := manifest.digest_of_name(path))
        ]
        named = {path for path, _, _ in listed}
        read = [path for path, _ in files if path not in named]
        sizes = await bag.sizes([path for path, _, _ in listed]) if listed else []
        found = [
            Digest(0, size=size, xxh128=digest, sha256=sha256)
            for (_, sha256, digest), size in zip(listed, sizes, strict=True)
        ]
        found += await bag.digests(read) if read else []
        items: list[tuple[int, Item]] = []
        for path, one in zip([*(path for path, _, _ in listed), *read], found, strict=True):
            where = f"{bag.path}/{os.fsdecode(path)}"
            if one.fault is not None or one.size < 0:
                self._problem(f"{where} cannot be read")
                continue
            items.append((self._archive.id, self._item(location_id, where, one)))
            self._count += 1
            if len(self._unrecorded) < NAMED:
                self._unrecorded.append(where)
        await self._catalog.settle(items, [], plan.of_items(items, 0))

    def _item(self, location_id: int, path: str, digest: Digest) -> Item:
        kind = path.split("/")[3] if path.count("/") > 3 else "other"
        number = self._catalog.new_item_id()
        return Item(number, location_id, digest.xxh128, digest.sha256, digest.size, kind, path, "", None)


def _moment(text: str) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


def _parts(rows: list[T], count: int) -> Iterable[list[T]]:
    return (rows[at : at + count] for at in range(0, len(rows), count))


def _line(row: dict[str, str]) -> Line:
    """A row of an import's list as a line of its journal."""
    line: Line = {
        "file": row["path"],
        "outcome": row["outcome"],
        "size": int(row["size"]),
        "mtime_ns": int(row["mtime_ns"]),
        "kind": row["kind"],
        "reason": row["reason"],
    }
    if row["xxh128"]:
        line |= {"xxh128": row["xxh128"], "sha256": row["sha256"]}
    if row["outcome"] == "archived":
        line["payload"] = row["payload"]
    return line


async def _pages(bag: BagFolder, path: str) -> AsyncIterator[list[dict[str, str]]]:
    """The rows of an import's list, by the page."""
    page: list[dict[str, str]] = []
    rest = b""
    async for data in bag.pieces(path):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            fields = line.decode().split("\t")
            if len(fields) == len(COLUMNS) and fields[0] != COLUMNS[0]:
                page.append(dict(zip(COLUMNS, fields, strict=True)))
        if len(page) >= PAGE:
            for part in _parts(page, PAGE):
                yield part
            page = []
    for part in _parts(page, PAGE):
        yield part
