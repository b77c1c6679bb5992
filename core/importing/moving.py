"""Moving an import to another location of its archive, and finishing moves that were begun: by whichever engine.

Payload that other imports of the old location need stays there. An import whose duplicates are sought in its
location alone gets copies of that; any other one refers to it, as it does to duplicates. Every engine carries a
move out that it has not seen, which changes nothing where that was done already, and takes it into its catalog.
"""

import errno
import secrets
import time
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiosqlite
import msgspec

from core.archives.archive import Archive
from core.catalog import Catalog, ImportRow
from core.importing.adopting import ABSENT
from core.importing.journal import Line
from core.importing.moves import Found, Moves, sound
from core.importing.receipt import Receipt
from core.models import Outcome
from core.queue import plan
from core.queue.kinds import QUEUES
from core.queue.work import Work, adding
from core.results import Moved
from core.workers import messages
from core.workers.journals import MOVES
from core.workers.messages import Fault, Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

PAGE = 256
"""Items carried together."""

# Items at the old location that the import refers to; whether another import there does, too; the item that the
# new location has of the same content.
_ITEMS = """
    SELECT i.id, i.path, i.size, i.xxh128, i.sha256, i.kind, EXISTS (
        SELECT 1 FROM file AS g JOIN import AS j ON j.id = g.import_id
        WHERE g.item_id = i.id AND j.id != ?1 AND j.location_id = ?2 AND g.outcome IN (?6, ?7)), (
        SELECT path FROM item AS o WHERE o.archive_id = i.archive_id AND o.location_id = ?3
        AND o.xxh128 = i.xxh128 AND o.sha256 = i.sha256 AND o.size = i.size AND o.damage IS NULL)
    FROM item AS i WHERE i.location_id = ?2 AND i.damage IS NULL AND i.id > ?4 AND EXISTS (
        SELECT 1 FROM file AS f WHERE f.item_id = i.id AND f.import_id = ?1 AND f.outcome IN (?6, ?7))
    ORDER BY i.id LIMIT ?5
"""

_OPEN = "UPDATE bag SET sealed = NULL, note = 'an import is moved' WHERE location_id = ?"
_OF_ITEM = ("metadata", "probe", "derivative", "job")


class Mover:
    """Moves within one archive that is open, and that no import runs into."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._moves = Moves(archive, pool)

    async def move(self, row: ImportRow, location_id: int, folder: str, name: str) -> Moved:
        """Move an import that has ended. Raises what asking a worker raises: then the next engine that opens the
        archive finishes it, or nothing has been done."""
        now = datetime.now(UTC)
        file = f"{now:%Y%m%d-%H%M%S%f}-{secrets.token_hex(3)}.jsonl"
        moved = await self._intend(file, row, location_id, folder, name)
        # A bag that cannot be valid for now says so, and its job brings a new engine here after a crash.
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
                to = there or path.replace(f"locations/{row.location_folder}/", f"locations/{folder}/", 1)
                line = {"item": path, "to": to, "copy": bool(shared), "size": bytes_, "kind": kind}
                lines.append(line | {"xxh128": xxh128.hex(), "sha256": sha256.hex()})
            await self._moves.append(file, *lines)

    async def take_up(self) -> None:
        """Bring the catalog up to all moves in the archive, and finish those that were begun.

        Raises what asking a worker raises.
        """
        known = await self._catalog.journals(self._archive.id)
        for name, size in await self._moves.files():
            if size > known.get(f"{MOVES}/{name}", 0):
                found = await self._moves.look(name)
                if found.whole:
                    await self._finish(found)
                else:
                    await self._catalog.read_journal(self._archive.id, f"{MOVES}/{name}", size)

    # Carrying it out

    async def _finish(self, found: Found) -> list[str]:
        """Carry a move out and take it into the catalog; what could not be moved, and why."""
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
                faults = await (self._seen(part) if found.done else self._carried(part))
                done = [line for line, fault in zip(part, faults, strict=True) if fault is None]
                failed = [(line, fault) for line, fault in zip(part, faults, strict=True) if fault is not None]
                # Where a later move took it, or lost: either way it is not where it was.
                gone = [line for line, fault in failed if found.done and fault.code == errno.ENOENT]
                stayed += [f"{line['item']}: {fault.text}" for line, fault in failed]
                await self._take_in(row, new, done, gone)
        if row is None and not found.done:
            return stayed  # its receipts cannot be written yet
        if row is not None:
            await self._catalog.database.run(
                ("UPDATE import SET location_id = ?, receipt = '' WHERE id = ?", [(new, row.id)]),
                *self._bags(old, new),
            )
        if not found.done:
            if row is not None:
                await self._receipts(found.name, row, *(place["folder"] for place in places))
            await self._moves.append(found.name, {"moved": time.time()})
            await self._moves.join(found.name)
        size = dict(await self._moves.files())[found.name]
        await self._catalog.read_journal(self._archive.id, f"{MOVES}/{found.name}", size)
        return stayed

    async def _carried(self, lines: list[Line]) -> list[Fault | None]:
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
                request = messages.Carry(self._archive.place, files, copy)
                for number, fault in zip(some, (await self._ask(request, messages.Carried)).faults, strict=True):
                    faults[number] = fault
                    if fault is not None and fault.lost:
                        raise TaskFailedError(fault)
        return faults

    async def _seen(self, lines: list[Line]) -> list[Fault | None]:
        """Of a move that was finished: None for what went, the fault for what did not or is gone since."""
        paths = [(line[name], line["size"]) for name in ("item", "to") for line in lines]
        there = (await self._ask(messages.Presence(self._archive.place, paths), messages.Present)).there
        before, after = there[: len(lines)], there[len(lines) :]
        faults: list[Fault | None] = []
        for line, old, new in zip(lines, before, after, strict=True):
            if not new:
                faults.append(Fault("archive", ABSENT, errno.ENOENT if line["copy"] or not old else errno.EEXIST))
            elif old and not line["copy"]:
                faults.append(Fault("archive", "it could not be moved", errno.EEXIST))
            else:
                faults.append(None)
        return faults

    async def _take_in(self, row: ImportRow | None, location_id: int, done: list[Line], gone: list[Line]) -> None:
        """The catalog's side of items that have moved; of those that are `gone` from where they moved to."""

        async def unit(connection: aiosqlite.Connection) -> list[int]:
            lacking: list[int] = []
            for line in (*done, *gone):
                damage = None if line in done else ABSENT
                lacking += await self._one(connection, row, location_id, line, damage)
            return lacking

        lacking = await self._catalog.items(await self._catalog.database.write(unit), self._archive.id)
        new = [(self._archive.id, item) for item in lacking.values() if item.damage is None]
        await self._catalog.database.run(*plan.of_items(new, row.id if row else 0))

    async def _one(
        self,
        connection: aiosqlite.Connection,
        row: ImportRow | None,
        location_id: int,
        line: Line,
        damage: str | None,
    ) -> list[int]:
        """One item; its number when nothing has been derived from it yet."""
        xxh128, sha256 = bytes.fromhex(line["xxh128"]), bytes.fromhex(line["sha256"])
        there: dict[str, tuple[int, str | None]] = {}
        for path, number, harm in await connection.execute_fetchall(
            "SELECT path, id, damage FROM item WHERE archive_id = ? AND xxh128 = ? AND path IN (?, ?)",
            (self._archive.id, xxh128, line["item"], line["to"]),
        ):
            there[path] = number, harm
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
            lacking.append(after[0])
        if row is not None:
            await connection.execute(
                "UPDATE file SET item_id = ? WHERE import_id = ? AND item_id IN "
                "(SELECT id FROM item WHERE archive_id = ? AND xxh128 = ? AND sha256 = ?)",
                (after[0], row.id, self._archive.id, xxh128, sha256),
            )
        if before is not None and not line["copy"]:
            # The new location had it already.
            await connection.execute("UPDATE file SET item_id = ? WHERE item_id = ?", (after[0], before[0]))
            await connection.execute("DELETE FROM live_pair WHERE ? IN (still_id, movie_id)", (before[0],))
            for table in _OF_ITEM:
                await connection.execute(f"DELETE FROM {table} WHERE item_id = ?", (before[0],))  # noqa: S608
            await connection.execute("DELETE FROM item WHERE id = ?", (before[0],))
        return lacking

    async def _receipts(self, file: str, row: ImportRow, old: str, new: str) -> None:
        """The receipt for the new location; the one before, which the next import's names, stays beside it."""
        moment = file.removesuffix(".jsonl")
        for ending in ("txt", "tsv"):
            path = f"locations/{old}/lading/{row.name}.{ending}"
            kept = f"locations/{new}/lading/{row.name}.before-{moment}.{ending}"
            try:
                await self._ask(messages.MoveText(self._archive.place, path, kept), messages.Done)
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
