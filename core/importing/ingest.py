"""Reading journals that the catalog does not know: after a crash, or from another engine."""

import base64
import os
import time
from collections.abc import Iterable
from typing import Any

from core.archive import Archive
from core.cards import stem_key
from core.catalog import Catalog, FileRow, ImportRow, Item, beside
from core.importing import journal
from core.models import Outcome, State
from core.paths import decode
from core.workers import messages
from core.workers.pool import Pool, Worker

PIECE = 4 << 20
"""Bytes of a journal read together."""


class Ingest:
    """Brings the catalog up to what the archive itself knows."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool

    async def run(self) -> None:
        """Read every journal from where the catalog left it. Raises what asking a worker raises."""
        async with self._pool.worker("journals") as worker:
            names = await worker.ask(messages.JournalNames(self._archive.place), messages.Names)
        known = await self._catalog.journals(self._archive.id)
        for name, size in names.names:
            if size > known.get(name, 0):
                await self._journal(name, known.get(name, 0), size)

    async def _journal(self, name: str, start: int, size: int) -> None:
        imports = await self._catalog.imports("i.name = ?", (name.removesuffix(".jsonl"),))
        row = imports[0] if imports else None
        if row is not None and row.state in (State.DONE, State.CANCELLED) and row.receipt:
            await self._catalog.read_journal(self._archive.id, name, size)
            return
        at, rest = start, b""
        while at < size:
            request = messages.ReadText(self._archive.place, f"{journal.FOLDER}/{name}", at, PIECE)
            async with self._pool.worker("journals") as worker:
                data = (await worker.ask(request, messages.Text)).data
            if not data:
                break
            at += len(data)
            whole, newline, rest_of = (rest + data).rpartition(b"\n")
            rest = rest_of
            rows = list(journal.lines(whole + newline))
            if row is None:
                row = await self._import(rows)
            if row is not None:
                await self._files(row, rows, ours=bool(imports))
        if row is None or row.state in (State.DONE, State.CANCELLED):
            await self._catalog.read_journal(self._archive.id, name, at - len(rest))

    async def _import(self, rows: list[dict[str, Any]]) -> ImportRow | None:
        """Make the row of an import that only the archive knows."""
        head = next((row for row in rows if "import" in row), None)
        if head is None:
            return None
        volume, place = head["volume"], head["location"]
        end = next((row for row in rows if "end" in row), {})
        await self._catalog.new_import(
            {
                "name": head["import"],
                "archive_id": self._archive.id,
                "location_id": await self._catalog.location(self._archive.id, place["folder"], place["name"]),
                "volume_id": await self._catalog.volume(
                    volume["identity"], volume["name"], volume["filesystem"], volume["capacity"]
                ),
                "root": decode(head["root"]),
                "source": decode(head["source"]),
                "single": decode(head["single"]),
                "options": head["options"],
                "machine": head["machine"],
                "version": head["version"],
                "started": head["started"],
                "zone": head["zone"],
                "state": end.get("end", State.PAUSED),
                "reason": "" if end else "read from the archive's journal",
                "ended": end.get("ended"),
                "verdict": end.get("verdict", ""),
                "verdict_reason": end.get("reason", ""),
            }
        )
        return (await self._catalog.imports("i.name = ?", (head["import"],)))[0]

    async def _files(self, row: ImportRow, rows: list[dict[str, Any]], *, ours: bool) -> None:
        ends = [line for line in rows if "end" in line]
        if ends and row.state not in (State.DONE, State.CANCELLED):
            row.state = ends[-1]["end"]
        newest = {line["file"]: line for line in rows if "file" in line}
        newest |= {line["entry"]: line for line in rows if "entry" in line}
        payload = [line for line in newest.values() if line.get("payload")]
        items = await self._items(row, payload, ours=ours)
        await self._enter(row, newest, items)
        folders = [(row.id, decode(line["folder"]), line["mtime_ns"]) for line in rows if "folder" in line]
        await self._catalog.enter([], [], folders)

    async def _items(
        self, row: ImportRow, lines: list[dict[str, Any]], *, ours: bool
    ) -> dict[tuple[bytes, bytes, int], int]:
        """Items by content, of all lines: those known, and new ones for payload that is there.

        The few that an interrupted run of `ours` left without a record are read back again.
        """
        by_content = {
            (bytes.fromhex(line["xxh128"]), bytes.fromhex(line["sha256"]), line["size"]): line for line in lines
        }
        found = await self._known(content[0] for content in by_content)
        unknown = [(content, line) for content, line in by_content.items() if content not in found]
        if not unknown:
            return found
        place = self._archive.place
        request = messages.Presence(place, [(line["payload"], line["size"]) for _, line in unknown])
        async with self._pool.worker("journals") as worker:
            there = (await worker.ask(request, messages.Present)).there
            arrived = [one for one, is_there in zip(unknown, there, strict=True) if is_there]
            # A name is published only when it is complete; that it stays must be made sure before it counts.
            folders = sorted({os.path.dirname(line["payload"]) for _, line in arrived})
            await worker.ask(messages.SyncFolders(place, folders), messages.Done)
            levels = await self._read_back(worker, [line for _, line in arrived]) if ours else {}
            arrived = [one for one in arrived if not ours or one[1]["payload"] in levels]
        now = time.time() if ours else None
        items = [
            Item(
                self._catalog.new_item_id(),
                row.location_id,
                *content,
                line["kind"],
                line["payload"],
                levels.get(line["payload"], ""),
                now,
            )
            for content, line in arrived
        ]
        await self._catalog.settle([(self._archive.id, item) for item in items], [])
        return found | {(item.xxh128, item.sha256, item.size): item.id for item in items}

    async def _read_back(self, worker: Worker, lines: list[dict[str, Any]]) -> dict[str, str]:
        """The level reached, by payload, for those whose content is what the journal says."""
        wanted = [
            (line["payload"], line["size"], bytes.fromhex(line["xxh128"]), bytes.fromhex(line["sha256"]))
            for line in lines
        ]
        results = (await worker.ask(messages.Audit(self._archive.place, wanted), messages.Audited)).files
        return {one[0]: level for one, (level, fault) in zip(wanted, results, strict=True) if fault is None}

    async def _known(self, hashes: Iterable[bytes]) -> dict[tuple[bytes, bytes, int], int]:
        items = await self._catalog.known(self._archive.id, None, list(hashes))
        return {(item.xxh128, item.sha256, item.size): item.id for item in items}

    async def _enter(
        self,
        row: ImportRow,
        newest: dict[str, dict[str, Any]],
        items: dict[tuple[bytes, bytes, int], int],
    ) -> None:
        """File rows for the lines; those the catalog has settled already stay as they are."""
        paths = {text: decode(text) for text in newest}
        seen = await self._catalog.seen(row.volume_id, [beside(row.root, path) for path in paths.values()])
        duplicates = [bytes.fromhex(line["xxh128"]) for line in newest.values() if line["outcome"] == "duplicate"]
        items = items | await self._known(duplicates)
        new: list[FileRow] = []
        changed: list[FileRow] = []
        for text, line in newest.items():
            outcome = Outcome[line["outcome"].upper()]
            item = None
            if "xxh128" in line:
                key = (bytes.fromhex(line["xxh128"]), bytes.fromhex(line["sha256"]), line["size"])
                item = items.get(key)
            if outcome in (Outcome.ARCHIVED, Outcome.DUPLICATE) and item is None:
                continue  # journaled, but its payload never arrived: still to do
            path = beside(row.root, paths[text])
            mine = next((one for one in seen.get(path, []) if one.import_id == row.id), None)
            if mine is not None and mine.outcome in (Outcome.ARCHIVED, Outcome.DUPLICATE):
                continue
            made = FileRow(
                mine.id if mine else self._catalog.new_file_id(),
                row.id,
                row.volume_id,
                path,
                stem_key(paths[text]),
                line["size"],
                line["mtime_ns"],
                line.get("kind", ""),
                outcome,
                item,
                line.get("reason") or None,
            )
            (changed if mine else new).append(made)
        await self._catalog.enter(new, changed, [])


def attributes(line: dict[str, Any]) -> dict[bytes, bytes]:
    """The extended attributes of a `file` line, by name."""
    return {decode(name): base64.b64decode(value) for name, value in line.get("xattrs", {}).items()}
