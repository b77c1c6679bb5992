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

import msgspec

from core import archive_layout
from core.archives.archive import Archive
from core.catalog import Catalog, ImportRow, moved_items
from core.catalog.moved_items import MovedItem, MovedItems
from core.journal.end_import import RECEIPT_ENDINGS, REPORT, ReceiptWriter
from core.journal.journal_format import Line
from core.journal.replay_rows import ABSENT
from core.maintenance.audit import Progress
from core.maintenance.move_log import MoveRecord, Moves, sound
from core.models import Count, Side
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

_OPEN = "UPDATE bag SET sealed = NULL, note = 'an import is moved' WHERE location_id = ?"


class Mover:
    """Moves imports within one archive, which must be open and have no import running into it. `progress` is
    called after each page of `move` with what was moved or copied so far, and the total."""

    def __init__(
        self,
        archive: Archive,
        catalog: Catalog,
        pool: Pool,
        progress: Progress = lambda done, total: None,
    ) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._progress = progress
        self._moves = Moves(archive, pool)
        self._moved = MovedItems(catalog, archive.id)

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
        total = Count(files=moved.files + moved.copied, bytes=moved.bytes)
        stayed = await self._finish(await self._moves.look(file), total)
        copies = sum(line["copy"] for line, _ in stayed)
        return msgspec.structs.replace(
            moved,
            files=moved.files - len(stayed) + copies,
            bytes=moved.bytes - sum(line["size"] for line, _ in stayed),
            copied=moved.copied - copies,
            problems=tuple(f"{line['item']}: {fault.text}" for line, fault in stayed),
        )

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
            read = self._catalog.database.read
            page = await moved_items.to_move(read, row.id, row.location_id, location_id, after, PAGE)
            if not page:
                return Moved(id=row.name, location=name, files=files, bytes=size, copied=copied, kept=kept)
            after = page[-1].file
            lines: list[dict[str, object]] = []
            for item in page:
                if item.shared and not own:
                    kept += 1
                    continue
                files, copied, size = files + (not item.shared), copied + item.shared, size + item.size
                to = item.there or item.path.replace(
                    f"{archive_layout.location(row.location_folder)}/", f"{archive_layout.location(folder)}/", 1
                )
                line = {"item": item.path, "to": to, "copy": bool(item.shared), "size": item.size}
                lines.append(line | {"kind": item.kind, "xxh128": item.xxh128.hex(), "sha256": item.sha256.hex()})
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

    async def _finish(self, found: MoveRecord, total: Count | None = None) -> list[tuple[Line, Fault]]:
        """Carry out a move and record it in the catalog. Returns what could not be moved, and why. total: what is
        to be moved; without it no progress is told, and the move ends whatever cannot be moved."""
        head = found.head or {}
        places = [head["from"], head["to"]]
        old, new = [
            await self._catalog.location(self._archive.id, place["folder"], place["name"]) for place in places
        ]
        row = await self._catalog.import_named(head["move"])
        stayed: list[tuple[Line, Fault]] = []
        files = size = 0
        async for lines in self._moves.lines(found.name):
            items = [line for line in lines if "item" in line and sound(line, places)]
            for at in range(0, len(items), PAGE):
                part = items[at : at + PAGE]
                faults = await (self._faults_of_finished(part) if found.done else self.carried(part))
                done = [line for line, fault in zip(part, faults, strict=True) if fault is None]
                failed = [(line, fault) for line, fault in zip(part, faults, strict=True) if fault is not None]
                # A later move took it elsewhere, or it was lost: in both cases its payload is not at that path.
                gone = [line for line, fault in failed if found.done and fault.code == errno.ENOENT]
                stayed += failed
                await self.take_in(row, new, done, gone)
                files, size = files + len(part), size + sum(line["size"] for line in part)
                if total is not None:
                    for line, fault in failed:
                        # Renaming reads nothing of the file, so that it is the volume that fails: a server that is
                        # gone for a moment. What is left is moved when the archive is opened next.
                        if fault.code == errno.EIO and not line["copy"]:
                            raise TaskFailedError(fault)
                    self._progress(Count(files=files, bytes=size), total)
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
            items = [_moved(lines[number]) for number in some]
            files = [(item.path, item.to, item.size, item.xxh128, item.sha256) for item in items]
            if files:
                request = archive_messages.Carry(self._archive.place, files, copy)
                for number, fault in zip(
                    some, (await self._ask(request, archive_messages.Carried)).faults, strict=True
                ):
                    faults[number] = fault
                    if fault is not None and fault.lost:
                        raise TaskFailedError(fault)
        return faults

    async def _faults_of_finished(self, lines: list[Line]) -> list[Fault | None]:
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
        moved = [(_moved(line), damage) for lines, damage in ((done, None), (gone, ABSENT)) for line in lines]
        ids = await self._moved.record(row.id if row else None, location_id, moved)
        lacking = await self._catalog.items(ids, self._archive.id)
        new = [(self._archive.id, item) for item in lacking.values() if item.damage is None]
        await self._catalog.database.run(*enqueue.of_items(new, row.id if row else 0))

    async def move_receipts(self, file: str, row: ImportRow, old: str, new: str) -> None:
        """Move an import's receipt to the new location, under a name of its own because the next receipt names its
        digest; then write a new one there."""
        moment = file.removesuffix(".jsonl")
        for ending in (*RECEIPT_ENDINGS, REPORT):
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
                await ReceiptWriter(self._archive, self._catalog, self._pool).write(moved)

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


def _moved(line: Line) -> MovedItem:
    return MovedItem(
        line["item"],
        line["to"],
        line["copy"],
        line["size"],
        line["kind"],
        bytes.fromhex(line["xxh128"]),
        bytes.fromhex(line["sha256"]),
    )
