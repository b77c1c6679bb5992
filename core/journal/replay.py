"""Replays journals into the catalog: after a crash, or of imports by another engine."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from core import archive_layout
from core.archives.archive import Archive
from core.archives.dedup import Dedup, Owner
from core.catalog import Catalog, ImportRow
from core.catalog.linking import link
from core.errors import DatabaseError
from core.journal import adjustment_lines, checksum_lines, journal_format
from core.journal.end_import import ReceiptWriter
from core.journal.import_order import BegunImport, in_order
from core.journal.journal_format import Line
from core.journal.replay_rows import LineReplay
from core.models import ENDED, State, Verdict
from core.paths import decode
from core.queue import barriers, enqueue, frame_jobs
from core.workers import archive_messages, text_messages
from core.workers.pool import Pool, TaskFailedError

PIECE = 4 << 20
"""Bytes of a journal per read."""


_FOLDER = re.compile(r"[a-z0-9-]+")


class JournalReplay:
    """Replays the journals of one archive into the catalog."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool

    async def run(self, finish_moves: Callable[[], Awaitable[None]]) -> None:
        """Replay every journal that has grown since it was last replayed, finish interrupted moves, and write
        missing receipts. Of a read-only archive only what needs no writing is done. An import that is just running
        commits to the catalog itself what it journals.

        Raises what asking a worker raises.
        """
        async with self._pool.worker("journals") as worker:
            request = text_messages.JournalNames(self._archive.place, archive_layout.JOURNALS)
            names = await worker.ask(request, archive_messages.NamesCounted)
        known = await self._catalog.journals(self._archive.id)
        sizes = dict(names.names)
        grown: list[tuple[ImportRow, str, int]] = []
        heads: dict[str, Line] = {}
        for name, size in sizes.items():
            if name.removesuffix(archive_layout.JOURNAL_ENDING) in self._archive.active:
                continue
            if size > (since := known.get(name, 0)):
                match await self._import_of(name, sizes, since):
                    case ImportRow() as row:
                        grown.append((row, name, size))
                    case dict() as head:
                        heads[name] = head
        for name in in_order(_begun_import(name, head) for name, head in heads.items()):
            head = heads[name]
            begun = await self._catalog.import_named(head["import"]) or await self._insert_import(head)
            if begun is not None:
                grown.append((begun, name, sizes[name]))
        # In the order of their rows, so that of two imports of a file the later one gets the later row of it.
        grown.sort(key=lambda one: one[0].id)
        found = [
            (name, size, LineReplay(self._archive, self._catalog, self._pool, row)) for row, name, size in grown
        ]
        # Items first, of all journals: a duplicate in one import may have been archived by another import at the
        # same time.
        ends = [await self._replay_items(name, size, replay) for name, size, replay in found]
        for (name, size, replay), end in zip(found, ends, strict=True):
            await self._replay_files(name, size, replay, end)
        await finish_moves()
        await self._find_or_write_receipts()

    async def replay_import(self, row: ImportRow, dedup: Dedup, owner: Owner) -> None:
        """Replay what an interrupted run of `row` published but could not commit to the catalog."""
        name = f"{row.name}{archive_layout.JOURNAL_ENDING}"
        replay = LineReplay(self._archive, self._catalog, self._pool, row, dedup, owner)
        for step in (replay.items, replay.files):
            async with aclosing(self._pieces(name)) as pieces:
                async for lines in pieces:
                    await step(lines)

    async def _import_of(self, name: str, sizes: dict[str, int], since: int) -> ImportRow | Line | None:
        """The row of a journal's import, or the journal's first line if only the archive knows the import. None
        when nothing but additions was left to replay, or the journal cannot be used. sizes: of all journals;
        since: bytes that were replayed before."""
        size, head = sizes[name], None
        row = await self._catalog.import_named(name.removesuffix(archive_layout.JOURNAL_ENDING))
        if row is None:
            if (head := await self._read_head(name, size)) is None:
                return None
            own = f"{head['import']}{archive_layout.JOURNAL_ENDING}"
            if own != name and own in sizes:
                # A copy that Finder or a synchronised folder has put beside the journal.
                await self._catalog.read_journal(self._archive.id, name, size)
                return None
            row = await self._catalog.import_named(head["import"])
        if (
            row is not None
            and row.state in ENDED
            and row.receipt
            and not (since and await self._ended_elsewhere(row))
        ):
            await self._replay_additions(row, name, since, size)
            await self._catalog.read_journal(self._archive.id, name, size)
            return None
        return head if row is None else row

    async def _read_head(self, name: str, size: int) -> Line | None:
        """The first line of a journal that describes its import."""
        async with aclosing(self._pieces(name, size)) as pieces:
            async for lines in pieces:
                if head := next((line for line in lines if isinstance(line.get("import"), str)), None):
                    return head
        return None

    async def _replay_additions(self, row: ImportRow, name: str, since: int, size: int) -> None:
        """Replay the additions that another engine made to an import after its end."""
        if since:
            async with aclosing(self._pieces(name, size, since)) as pieces:
                async for lines in pieces:
                    for line in lines:
                        await self._replay_acceptance(row, line)
                    await self._replay_corrections(row, lines)

    async def _replay_acceptance(self, row: ImportRow, line: Line) -> None:
        if isinstance(when := line.get("accepted"), float):
            await self._catalog.accept(row.id, when, str(line.get("by", "")))
        if isinstance(line.get("copied"), float):
            await self._catalog.end_wait_for_copies(row.id)

    async def _replay_corrections(self, row: ImportRow, lines: list[Line]) -> None:
        """Replay corrections of capture dates, and undone ones."""
        for line in lines:
            if told := adjustment_lines.statements(self._archive.id, row.id, line):
                # An archive that may only be read gets no job, because the job would wait for ever.
                counted = [row.location_id] if self._archive.writable else []
                await self._catalog.database.run(*told, enqueue.counting(row.archive_id, counted))

    async def _ended_elsewhere(self, row: ImportRow) -> bool:
        """Whether another engine has resumed and ended an ended import again: then the receipt in the archive
        differs from the digest in the catalog."""
        found = await ReceiptWriter(self._archive, self._catalog, self._pool).find(row)
        return found != row.receipt

    async def _insert_import(self, head: Line) -> ImportRow | None:
        """Insert the row of an import that only the archive knows; None when its journal's first line is not
        valid."""
        try:
            volume, place = head["volume"], head["location"]
            if head["archive"] != self._archive.uuid or not _FOLDER.fullmatch(place["folder"]):
                return None
            values = {
                "name": head["import"],
                "root": decode(head["root"]),
                "source": decode(head["source"]),
                "single": decode(head["single"]),
                "options": _checked_options(head["options"]),
                "machine": head["machine"],
                "version": head["version"],
                "started": head["started"],
                "zone": head["zone"],
                "state": State.PAUSED,
                "reason": "read from the archive's journal",
            }
            seen = volume["identity"], volume["name"], volume["filesystem"], volume["capacity"]
        except (KeyError, TypeError, ValueError):
            return None
        values["archive_id"] = self._archive.id
        values["location_id"] = await self._catalog.location(self._archive.id, place["folder"], place["name"])
        values["volume_id"] = await self._catalog.volume(*seen)
        await self._catalog.new_import(values)
        return await self._catalog.import_named(head["import"])

    async def _replay_items(self, name: str, size: int, replay: LineReplay) -> Line | None:
        """First pass over a journal. Returns its `end` line with later additions; None when the import has no end,
        or was resumed after it."""
        end: Line | None = None
        asked = replay.row.options
        async with aclosing(self._pieces(name, size)) as pieces:
            async for lines in pieces:
                for line in lines:
                    asked = str(line.get("options", asked)) if "import" in line else asked
                    end = line if "end" in line else None if "import" in line else end
                    if end is not None and ("accepted" in line or "copied" in line):
                        end = line | end
                await replay.items(lines)
        if not replay.row.runs and asked != replay.row.options:
            # A later run may accept more than the first one.
            with suppress(ValueError):
                await self._catalog.set_import(replay.row.id, options=_checked_options(asked))
        return end if end is not None and end["end"] in ENDED else None

    async def _replay_files(self, name: str, size: int, replay: LineReplay, end: Line | None) -> None:
        """Second pass over a journal; if the import has ended, its row gets that state and verdict."""
        replay.ended = end is not None
        async with aclosing(self._pieces(name, size)) as pieces:
            async for lines in pieces:
                await replay.files(lines)
                await self._catalog.database.run(*checksum_lines.statements(replay.row, lines))
                await self._replay_corrections(replay.row, lines)
        if end is None:
            return
        match end.get("otherwise"):
            case [str(otherwise), str(reason)]:
                pass
            case _:
                otherwise = reason = ""
        await self._catalog.set_import(
            replay.row.id,
            state=end["end"],
            reason="",
            advice="",
            listed=1,
            ended=end.get("ended"),
            verdict=end.get("verdict", ""),
            verdict_reason=end.get("reason", ""),
            previous=end.get("previous", ""),
            receipt="",
            otherwise=otherwise,
            otherwise_reason=reason,
            copies=end.get("copies", 0),
            copied_reason=end.get("then", ""),
        )
        await self._replay_acceptance(replay.row, end)
        await link(self._catalog, replay.row.id, replay.row.root)
        await frame_jobs.add(self._catalog, replay.row)
        row = replay.row
        await barriers.open_late(self._catalog.database, row.archive_id, row.id, row.location_id)
        await self._catalog.read_journal(self._archive.id, name, size)

    async def _find_or_write_receipts(self) -> None:
        """Find the receipts of ended imports whose digest is not in the catalog, or write them now."""
        receipt = ReceiptWriter(self._archive, self._catalog, self._pool)
        where = "i.archive_id = ? AND i.state IN (?, ?) AND i.receipt = ''"
        for row in await self._catalog.imports(where, (self._archive.id, *ENDED)):
            # What cannot be written now is written when the archive is opened the next time.
            with suppress(TaskFailedError, DatabaseError):
                async with self._archive.closing:
                    if digest := await receipt.find(row):
                        await self._catalog.set_import(row.id, receipt=digest)
                    elif not self._archive.writable:
                        continue
                    elif row.state == State.CANCELLED:
                        await receipt.end(row, State.CANCELLED, Verdict(row.verdict), row.verdict_reason)
                    else:
                        await receipt.write(row)

    async def _pieces(self, name: str, size: int | None = None, at: int = 0) -> AsyncGenerator[list[Line], None]:
        """The valid lines of a journal from byte `at` on, piece by piece; of its first `size` bytes only, if
        given."""
        rest = b""
        while size is None or at < size:
            request = text_messages.ReadText(self._archive.place, f"{archive_layout.JOURNALS}/{name}", at, PIECE)
            async with self._pool.worker("journals") as worker:
                data = (await worker.ask(request, text_messages.TextRead)).data
            if not data:
                break
            at += len(data)
            whole, newline, rest = (rest + data).rpartition(b"\n")
            yield await asyncio.to_thread(list, journal_format.lines(whole + newline))


def _begun_import(name: str, head: Line) -> BegunImport:
    started, after = head.get("started"), head.get("after")
    return (
        name,
        float(started) if isinstance(started, int | float) else 0.0,
        f"{after}{archive_layout.JOURNAL_ENDING}" if after else "",
    )


def _checked_options(options: str) -> str:
    """The options of an import, as JSON. Raises TypeError, ValueError when they are none."""
    json.loads(options)
    return options


def attributes(line: Line) -> dict[bytes, bytes]:
    """The extended attributes of a `file` line, by name."""
    return {decode(name): base64.b64decode(value) for name, value in line.get("xattrs", {}).items()}
