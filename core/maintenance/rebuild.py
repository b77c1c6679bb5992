"""Rebuilds the catalog from what an archive holds beside its journals: receipts, manifests, and the payload
itself."""

import hashlib
import os
import time
from contextlib import suppress
from typing import Any

from core import archive_layout
from core.archives import location_sync
from core.archives.archive import Archive
from core.archives.presence import present
from core.bagit.folder import BagFolder
from core.catalog import Catalog, ImportRow
from core.catalog.linking import link
from core.errors import ArchiveError, WorkerDiedError
from core.journal.end_import import ADDED
from core.journal.import_order import BegunImport, in_order
from core.journal.journal_format import Line
from core.journal.replay_rows import ABSENT, LineReplay
from core.maintenance import receipt_list
from core.maintenance.rebuild_payload import UnrecordedPayload
from core.models import ENDED
from core.paths import decode, display, join
from core.queue import frame_jobs
from core.receipts import parse, parse_old_text
from core.receipts.files import DAMAGED
from core.receipts.parse import Recalled
from core.receipts.text import data_line
from core.results import Rebuilt
from core.workers.pool import Pool, TaskFailedError

PAGE = 1000
"""Items per page."""

NAMED = 1000
"""The most problems that a result names."""

OTHERWISE_COLUMNS = ("otherwise", "otherwise_reason")
"""Columns that only the data of a receipt states, not the text of old ones."""

_NAME = "UPDATE location SET name = ? WHERE id = ? AND name = folder"
"""Names a location that neither a journal nor its bag has named."""

_PROVEN = """
    UPDATE item SET level = ?1, read_back = ?2 WHERE archive_id = ?3 AND xxh128 = ?4 AND path = ?5
    AND (read_back IS NULL OR read_back < ?2) AND damage IS NULL
"""
_VOID = """
    UPDATE item SET level = '', read_back = NULL WHERE archive_id = ? AND xxh128 = ? AND path = ?
    AND read_back <= ?
"""
"""Forgets that payload was read back at the given time or before it. Receipts give times in whole seconds."""


class Rebuild:
    """Completes the catalog from an archive whose journals have been replayed. It only adds to the catalog.

    With `whole` it also checks that the payload of every item in the catalog is present: another copy was in use
    before. With `listed` the payload has its size, but not its content: what no manifest names is reported, not
    read.
    """

    def __init__(
        self, archive: Archive, catalog: Catalog, pool: Pool, *, whole: bool = False, listed: bool = False
    ) -> None:
        self._whole = whole
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._problems: list[str] = []
        self._unrecorded = UnrecordedPayload(archive, catalog, self._problem, listed=listed)
        self._differing: list[tuple[ImportRow, list[Line]]] = []
        """Files that differ from what another import read. They are replayed last, since that import may come
        later."""
        self._damaged: list[tuple[int, bytes, str, float]] = []
        """Payload that a receipt calls damaged, for _VOID. An earlier receipt may call it intact, whichever of the
        two is read first."""

    async def run(self) -> Rebuilt:
        """Read the bags, receipts and payload. Raises ArchiveError."""
        try:
            folders = await location_sync.sync(self._archive.id, self._archive.place, self._pool, self._catalog)
            await self._lost(folders)
            for folder in folders:
                await self._location(folder)
            for row, lines in self._differing:
                await LineReplay(self._archive, self._catalog, self._pool, row).files(lines)
            await self._catalog.database.run((_VOID, self._damaged))
            if self._whole:
                await self._absent()
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            raise ArchiveError(
                f"{display(self._archive.place.root)} cannot be read: {error}.",
                "Check that it is mounted; then rebuild once more: it goes on where it was.",
            ) from error
        return await self._result()

    async def _absent(self) -> None:
        """Record as damaged the items whose payload is not in this copy."""
        after = 0
        while page := await self._catalog.items_after(self._archive.id, after, PAGE):
            after = page[-1].id
            async with self._pool.worker("rebuild") as worker:
                there = await present(worker.ask, self._archive.place, page)
            gone = [item for item in page if item.path not in there]
            await self._catalog.read_again([(item.id, item.level, None, ABSENT) for item in gone])

    async def _result(self) -> Rebuilt:
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
            unrecorded_count=self._unrecorded.count,
            unrecorded=tuple(map(display, self._unrecorded.named)),
            problems=tuple(map(display, self._problems)),
        )

    def _problem(self, text: str) -> None:
        if len(self._problems) < NAMED and text not in self._problems:
            self._problems.append(text)

    # Locations

    async def _location(self, folder: str) -> None:
        bag = BagFolder(self._pool, self._archive.place, folder, lambda: None)
        number = await self._catalog.location(self._archive.id, folder, folder)
        for path in await self._receipts(bag):
            await self._receipt(bag, number, path)
        await self._unrecorded.take(bag, number)

    # Receipts

    async def _receipts(self, bag: BagFolder) -> list[str]:
        """The paths of a bag's receipts, without suffix."""
        return [
            text.removesuffix(".txt")
            for text in map(os.fsdecode, await bag.tag_files())
            if text.startswith(f"{archive_layout.RECEIPTS}/")
            and text.endswith(".txt")
            and text.count("/") == 1
            and ADDED not in text
        ]

    async def _lost(self, folders: list[str]) -> None:
        """Insert the imports that only receipts know, in the order in which they began: a later import has a later
        row."""
        lost: dict[str, tuple[Recalled, int]] = {}
        known: list[BegunImport] = []
        for folder in folders:
            bag = BagFolder(self._pool, self._archive.place, folder, lambda: None)
            number = await self._catalog.location(self._archive.id, folder, folder)
            for path in await self._receipts(bag):
                name = path.removeprefix(f"{archive_layout.RECEIPTS}/")
                if await self._catalog.import_named(name):
                    continue
                text = b"".join([data async for data in bag.pieces(f"{path}.txt")])
                with suppress(ValueError):  # what is no receipt is told by `_receipt`
                    recalled = await self._recalled(bag, path, text.decode(errors="replace"))
                    if recalled.name == name:
                        digest = hashlib.sha256(text).hexdigest()
                        lost[digest] = recalled, number
                        known.append((digest, recalled.values["started"], recalled.values["previous"]))
        for digest in in_order(known):
            recalled, number = lost[digest]
            if await self._catalog.import_named(recalled.name) is None:
                await self._import(recalled, number)

    async def _receipt(self, bag: BagFolder, location_id: int, path: str) -> None:
        """Add what an import's receipt states and its journal did not."""
        text = b"".join([data async for data in bag.pieces(f"{path}.txt")])
        try:
            recalled = await self._recalled(bag, path, text.decode(errors="replace"))
        except ValueError:
            self._problem(f"{bag.path}/{path}.txt is no receipt")
            return
        if path != f"{archive_layout.RECEIPTS}/{recalled.name}":
            return
        await self._catalog.database.run((_NAME, [(recalled.location, location_id)]))
        row = await self._catalog.import_named(recalled.name) or await self._import(recalled, location_id)
        if row is None or (row.archive_id, row.location_id) != (self._archive.id, location_id) or row.runs:
            return  # one with runs was run by this catalog's engine
        values = {key: recalled.values[key] for key in ("listed", "bytes_read")}
        if row.state not in ENDED:
            values |= {
                key: recalled.values[key] for key in ("state", "ended", "verdict", "verdict_reason", "previous")
            }
            values |= {key: recalled.values[key] for key in OTHERWISE_COLUMNS if key in recalled.values}
            values |= {"reason": "", "advice": ""}
        values["receipt"] = hashlib.sha256(text).hexdigest()
        await self._catalog.set_import(row.id, **values)
        row = await self._catalog.import_named(row.name) or row
        await self._list(bag, row, path, recalled)
        if recalled.accepted:
            await self._catalog.accept(row.id, *recalled.accepted)

    async def _recalled(self, bag: BagFolder, path: str, text: str) -> Recalled:
        """Parse a receipt: its data, if the text lists its digest; else the text of an old receipt.

        Raises ValueError.
        """
        name = path.removeprefix(f"{archive_layout.RECEIPTS}/")
        data = b"".join([data async for data in bag.pieces(f"{path}.json")])
        if f"\n{data_line(name, hashlib.sha256(data).hexdigest())}\n" in text:
            return parse.of_json(data, self._archive.path)
        if f"\n{data_line(name, '')}" in text:
            self._problem(f"{bag.path}/{path}.json is gone or damaged")
        return parse_old_text.of_text(text, self._archive.path)

    async def _import(self, recalled: Recalled, location_id: int) -> ImportRow | None:
        values: dict[str, Any] = dict(recalled.values)
        values["options"] = ImportRow.options_of(values.pop("request"))
        values |= {"name": recalled.name, "archive_id": self._archive.id, "location_id": location_id}
        values["volume_id"] = await self._catalog.volume(*recalled.volume)
        await self._catalog.new_import(values)
        return await self._catalog.import_named(recalled.name)

    async def _list(self, bag: BagFolder, row: ImportRow, path: str, recalled: Recalled) -> None:
        """Add the files of an import from its list (`ID.tsv`), unless its digest differs from the receipt's."""
        sha = hashlib.sha256()
        async for data in bag.pieces(f"{path}.tsv"):
            sha.update(data)
        if sha.hexdigest() != recalled.tsv_sha256:
            self._problem(f"{bag.path}/{path}.tsv is gone or damaged")
            return
        for step in ("items", "files"):
            replay = LineReplay(self._archive, self._catalog, self._pool, row)
            replay.ended = True
            async for rows in receipt_list.pages(bag, f"{path}.tsv"):
                missing = await self._missing(row, rows, recalled)
                if step == "items":
                    await replay.items(missing)
                else:
                    await replay.files(missing)
                    if differing := [line for line in missing if "before" in line]:
                        self._differing.append((row, differing))
                    if not self._whole:  # the receipts are about the other copy
                        await self._proven(rows)
                        self._doubt(rows, row.ended or time.time())
        await link(self._catalog, row.id, row.root)
        await frame_jobs.add(self._catalog, row)

    async def _missing(self, row: ImportRow, rows: list[dict[str, str]], recalled: Recalled) -> list[Line]:
        """The list's files that have no row in the import, as journal lines."""
        paths = [join(row.root, decode(one["path"])) for one in rows]
        seen = await self._catalog.seen(row.volume_id, paths, self._archive.id)
        mine = {path for path, found in seen.items() if any(one.import_id == row.id for one in found)}
        lines = [receipt_list.journal_line(one) for one, path in zip(rows, paths, strict=True) if path not in mine]
        for line in lines:
            if before := recalled.differing.get(line["file"]):
                line["before"] = before
        return lines

    async def _proven(self, rows: list[dict[str, str]]) -> None:
        """Record the verification level that payload reached, and when it was last read back."""
        values = [
            (
                one["level"],
                receipt_list.moment(one["read_back"]),
                self._archive.id,
                bytes.fromhex(one["xxh128"]),
                one["payload"],
            )
            for one in rows
            if one["level"] not in ("", DAMAGED) and one["payload"]
        ]
        await self._catalog.database.run((_PROVEN, values))

    def _doubt(self, rows: list[dict[str, str]], ended: float) -> None:
        """Note the payload that a receipt calls damaged; `ended`: when its import had ended (Unix time)."""
        self._damaged += [
            (self._archive.id, bytes.fromhex(one["xxh128"]), one["payload"], ended)
            for one in rows
            if one["level"] == DAMAGED and one["payload"]
        ]
