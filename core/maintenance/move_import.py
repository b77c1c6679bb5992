"""Moves an import to another location of its archive, and finishes moves that any engine has begun.

Payload that other imports of the old location refer to stays there. If the moved import looks for duplicates in
its own location only, that payload is copied; else the import goes on referring to it, as it does to duplicates.
Every engine replays moves that it has not seen yet: what was moved already does not change, and the catalog is
updated.
"""

import errno
import secrets
import time
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiosqlite
import msgspec

from core import archive_layout
from core.archives.archive import Archive
from core.catalog import Catalog, ImportRow
from core.journal.end_import import ENDINGS, REPORT, Receipt
from core.journal.journal_format import Line
from core.journal.replay_rows import ABSENT
from core.maintenance.move_log import MoveRecord, Moves, sound
from core.models import Outcome, Side
from core.queue import enqueue
from core.queue.enqueue import Work, adding
from core.queue.queue_defs import QUEUES
from core.results import Moved
from core.workers import archive_messages, messages, text_messages
from core.workers.messages import Fault, Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

PAGE = 256
"""Items per page."""

# Selects, by page, the items at the old location that the import refers to, each with the first of its files;
# whether another import of that location refers to it, too; the path of the item with the same content at the new
# location. The query is driven by the import's files in order of their ids, so that other items of the location
# are not read. (`+` keeps SQLite from using that column's index, which it cannot tell from a better one without
# statistics.)
_ITEMS = """
    SELECT f.id, i.path, i.size, i.xxh128, i.sha256, i.kind, EXISTS (
        SELECT 1 FROM file AS g CROSS JOIN import AS j ON j.id = g.import_id
        WHERE g.item_id = i.id AND j.id != ?1 AND j.location_id = ?2 AND +g.outcome IN (?6, ?7)), (
        SELECT path FROM item AS o WHERE o.archive_id = i.archive_id AND +o.location_id = ?3
        AND o.xxh128 = i.xxh128 AND o.sha256 = i.sha256 AND o.size = i.size AND o.damage IS NULL)
    FROM file AS f CROSS JOIN item AS i ON i.id = f.item_id
    WHERE f.import_id = ?1 AND f.id > ?4 AND +f.outcome IN (?6, ?7) AND +i.location_id = ?2 AND i.damage IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM file AS e WHERE e.item_id = f.item_id AND +e.import_id = ?1 AND +e.id < f.id
        AND +e.outcome IN (?6, ?7))
    ORDER BY f.id LIMIT ?5
"""

_OPEN = "UPDATE bag SET sealed = NULL, note = 'an import is moved' WHERE location_id = ?"
_OF_ITEM = ("adjusted", "metadata", "probe", "derivative", "unopenable", "job", "copy_item")


class Mover:
    """Moves imports within one archive, which must be open and have no import running into it."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._moves = Moves(archive, pool)

    async def move(self, row: ImportRow, location_id: int, folder: str, name: str) -> Moved:
        """Move an import that has ended. Raises what asking a worker raises: then either nothing was done, or the
        next engine that opens the archive finishes the move."""
        now = datetime.now(UTC)
        file = f"{now:%Y%m%d-%H%M%S%f}-{secrets.token_hex(3)}.jsonl"
        moved = await self._intend(file, row, location_id, folder, name)
        # Both bags are marked as not valid for now. Their jobs make an engine open the archive again after a
        # crash.
        await self._catalog.database.run(
            (_OPEN, [(row.location_id,), (location_id,)]), *self._bags(row.location_id, location_id)
        )
        await self._moves.append(file, {"go": moved.files + moved.copied})
        stayed = await self._finish(await self._moves.look(file))
        return msgspec.structs.replace(moved, problems=tuple(stayed))

    async def _intend(self, file: str, row: ImportRow, location_id: int, folder: str, name: str) -> Moved:
        head = {
            "move": row.name,
            "from": {"folder": row.location_folder, "name": row.location_name},
            "to": {"folder": folder, "name": name},
            "at": time.time(),
        }
        await self._moves.append(file, head)
        own = row.request().duplicates == "location"
        after = files = size = copied = kept = 0
        while True:
            held = (Outcome.ARCHIVED, Outcome.DUPLICATE)
            parameters = (row.id, row.location_id, location_id, after, PAGE, *held)
            page = await self._catalog.database.read(_ITEMS, parameters)
            if not page:
                return Moved(id=row.name, location=name, files=files, bytes=size, copied=copied, kept=kept)
            after = page[-1][0]
            lines: list[dict[str, object]] = []
            for _, path, bytes_, xxh128, sha256, kind, shared, there in page:
                if shared and not own:
                    kept += 1
                    continue
                files, copied, size = files + (not shared), copied + shared, size + bytes_
                to = there or path.replace(
                    f"{archive_layout.location(row.location_folder)}/", f"{archive_layout.location(folder)}/", 1
                )
                line = {"item": path, "to": to, "copy": bool(shared), "size": bytes_, "kind": kind}
                lines.append(line | {"xxh128": xxh128.hex(), "sha256": sha256.hex()})
            await self._moves.append(file, *lines)

    async def take_up(self) -> None:
        """Replay the moves in the archive that the catalog has not seen, and finish those that were begun.

        Raises what asking a worker raises.
        """
        known = await self._catalog.journals(self._archive.id)
        for name, size in await self._moves.files():
            if size > known.get(f"{archive_layout.MOVES}/{name}", 0):
                found = await self._moves.look(name)
                if not self._archive.writable and not found.done:
                    continue
                if found.whole:
                    await self._finish(found)
                else:
                    await self._catalog.read_journal(self._archive.id, f"{archive_layout.MOVES}/{name}", size)

    # Carrying it out

    async def _finish(self, found: MoveRecord) -> list[str]:
        """Carry out a move and record it in the catalog. Returns what could not be moved, and why."""
        head = found.head or {}
        places = [head["from"], head["to"]]
        old, new = [
            await self._catalog.location(self._archive.id, place["folder"], place["name"]) for place in places
        ]
        row = await self._catalog.import_named(head["move"])
        stayed: list[str] = []
        async for lines in self._moves.lines(found.name):
            items = [line for line in lines if "item" in line and sound(line, places)]
            for at in range(0, len(items), PAGE):
                part = items[at : at + PAGE]
                faults = await (self._seen(part) if found.done else self.carried(part))
                done = [line for line, fault in zip(part, faults, strict=True) if fault is None]
                failed = [(line, fault) for line, fault in zip(part, faults, strict=True) if fault is not None]
                # A later move took it elsewhere, or it was lost: in both cases its payload is not at that path.
                gone = [line for line, fault in failed if found.done and fault.code == errno.ENOENT]
                stayed += [f"{line['item']}: {fault.text}" for line, fault in failed]
                await self.take_in(row, new, done, gone)
        if row is None and not found.done:
            return stayed  # its receipts cannot be written before its journal was replayed
        if row is not None:
            await self._catalog.database.run(
                ("UPDATE import SET location_id = ?, receipt = '' WHERE id = ?", [(new, row.id)]),
                *self._bags(old, new),
            )
        if not found.done:
            if row is not None:
                await self.move_receipts(found.name, row, *(place["folder"] for place in places))
            await self._moves.append(found.name, {"moved": time.time()})
            await self._moves.join(found.name)
        size = dict(await self._moves.files())[found.name]
        await self._catalog.read_journal(self._archive.id, f"{archive_layout.MOVES}/{found.name}", size)
        return stayed

    async def carried(self, lines: list[Line]) -> list[Fault | None]:
        faults: list[Fault | None] = [None] * len(lines)
        for copy in (False, True):
            some = [number for number, line in enumerate(lines) if line["copy"] == copy]
            files = [
                (
                    lines[number]["item"],
                    lines[number]["to"],
                    lines[number]["size"],
                    bytes.fromhex(lines[number]["xxh128"]),
                    bytes.fromhex(lines[number]["sha256"]),
                )
                for number in some
            ]
            if files:
                request = archive_messages.Carry(self._archive.place, files, copy)
                for number, fault in zip(
                    some, (await self._ask(request, archive_messages.Carried)).faults, strict=True
                ):
                    faults[number] = fault
                    if fault is not None and fault.lost:
                        raise TaskFailedError(fault)
        return faults

    async def _seen(self, lines: list[Line]) -> list[Fault | None]:
        """For a finished move: None for each item that was moved, a fault for one that was not, or has disappeared
        since."""
        paths = [(line[name], line["size"]) for name in ("item", "to") for line in lines]
        there = (
            await self._ask(archive_messages.Presence(self._archive.place, paths), archive_messages.Present)
        ).there
        before, after = there[: len(lines)], there[len(lines) :]
        faults: list[Fault | None] = []
        for line, old, new in zip(lines, before, after, strict=True):
            if not new:
                faults.append(
                    Fault(Side.ARCHIVE, ABSENT, errno.ENOENT if line["copy"] or not old else errno.EEXIST)
                )
            elif old and not line["copy"]:
                faults.append(Fault(Side.ARCHIVE, "it could not be moved", errno.EEXIST))
            else:
                faults.append(None)
        return faults

    async def take_in(self, row: ImportRow | None, location_id: int, done: list[Line], gone: list[Line]) -> None:
        """Record in the catalog that the items of `done` were moved, and that those of `gone` are missing since
        they were."""

        async def unit(connection: aiosqlite.Connection) -> list[int]:
            lacking: list[int] = []
            for lines, damage in ((done, None), (gone, ABSENT)):
                for line in lines:
                    lacking += await self._one(connection, row, location_id, line, damage)
            return lacking

        lacking = await self._catalog.items(await self._catalog.database.write(unit), self._archive.id)
        new = [(self._archive.id, item) for item in lacking.values() if item.damage is None]
        await self._catalog.database.run(*enqueue.of_items(new, row.id if row else 0))

    async def _one(
        self,
        connection: aiosqlite.Connection,
        row: ImportRow | None,
        location_id: int,
        line: Line,
        damage: str | None,
    ) -> list[int]:
        """Record the move of one item. Returns the ids of items that need jobs, since nothing was derived from
        them yet."""
        xxh128, sha256 = bytes.fromhex(line["xxh128"]), bytes.fromhex(line["sha256"])
        there: dict[str, tuple[int, str | None]] = {}
        same: list[int] = []
        for path, number, harm, found in await connection.execute_fetchall(
            "SELECT path, id, damage, sha256 FROM item WHERE archive_id = ? AND xxh128 = ?",
            (self._archive.id, xxh128),
        ):
            there[path] = number, harm
            if found == sha256:
                same.append(number)
        before, after = there.get(line["item"]), there.get(line["to"])
        if after is None and before is not None and not line["copy"]:
            await connection.execute(
                "UPDATE item SET path = ?, location_id = ?, damage = ? WHERE id = ?",
                (line["to"], location_id, damage, before[0]),
            )
            return [before[0]] if before[1] is not None and damage is None else []
        lacking: list[int] = []
        if after is None:
            if damage is not None:
                return []
            after = self._catalog.new_item_id(), None
            values = (after[0], self._archive.id, location_id, xxh128, sha256, line["size"], line["kind"])
            await connection.execute(
                "INSERT INTO item (id, archive_id, location_id, xxh128, sha256, size, kind, path, level) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')",
                (*values, line["to"]),
            )
            await connection.executemany(
                "INSERT OR IGNORE INTO adjusted "
                "SELECT ?, made, import_id, what, by, captured, captured_local, offset, captured_zone "
                "FROM adjusted WHERE item_id = ?",
                [(after[0], number) for number in same],
            )
            lacking.append(after[0])
        if row is not None:
            await connection.executemany(
                "UPDATE file SET item_id = ? WHERE item_id = ? AND +import_id = ?",
                [(after[0], number, row.id) for number in same if number != after[0]],
            )
        if before is not None and not line["copy"]:
            # The new location had an item with this content already.
            await connection.execute("UPDATE file SET item_id = ? WHERE item_id = ?", (after[0], before[0]))
            await connection.execute("UPDATE differing SET item_id = ? WHERE item_id = ?", (after[0], before[0]))
            await connection.execute("DELETE FROM live_pair WHERE still_id = ?", (before[0],))
            await connection.execute("DELETE FROM live_pair WHERE movie_id = ?", (before[0],))
            for table in _OF_ITEM:
                await connection.execute(f"DELETE FROM {table} WHERE item_id = ?", (before[0],))  # noqa: S608
            await connection.execute("DELETE FROM item WHERE id = ?", (before[0],))
        return lacking

    async def move_receipts(self, file: str, row: ImportRow, old: str, new: str) -> None:
        """Move an import's receipt to the new location, under a name of its own because the next receipt names its
        digest; then write a new one there."""
        moment = file.removesuffix(".jsonl")
        for ending in (*ENDINGS, REPORT):
            path = f"{archive_layout.receipt(old, row.name)}.{ending}"
            # The report is named by nothing, and is made anew at its new place.
            before = "" if ending == REPORT else f".before-{moment}"
            kept = f"{archive_layout.receipt(new, row.name)}{before}.{ending}"
            try:
                await self._ask(text_messages.MoveText(self._archive.place, path, kept), messages.Done)
            except TaskFailedError as error:
                if error.detail != "FileNotFoundError":
                    raise
        moved = await self._catalog.import_named(row.name)
        if moved is not None:
            async with self._archive.closing:
                await Receipt(self._archive, self._catalog, self._pool).write(moved)

    def _bags(self, *locations: int) -> list[tuple[str, list[Any]]]:
        works = [
            Work(queue=queue.name, priority=queue.priority, archive_id=self._archive.id, location_id=number)
            for queue in QUEUES
            if queue.subject == "location"
            for number in locations
        ]
        sql, rows = adding(works)
        return [(sql, list(rows))]

    async def _ask(self, request: Request, wanted: type[R]) -> R:
        async with self._pool.worker("move") as worker:
            return await worker.ask(request, wanted)
