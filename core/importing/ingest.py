"""Reading journals that the catalog does not know: after a crash, or from another engine."""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from core.archives.archive import Archive
from core.catalog import Catalog, ImportRow
from core.errors import DatabaseError
from core.importing import journal
from core.importing.adopting import Adopter
from core.importing.gate import Gate, Owner
from core.importing.journal import Line
from core.importing.moving import Mover
from core.importing.receipt import Receipt
from core.models import State, Verdict
from core.paths import decode
from core.workers import messages
from core.workers.pool import Pool, TaskFailedError

PIECE = 4 << 20
"""Bytes of a journal read together."""

ENDED = (State.DONE, State.CANCELLED)

_FOLDER = re.compile(r"[a-z0-9-]+")


class Ingest:
    """Brings the catalog up to what the archive itself knows."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool

    async def run(self) -> None:
        """Read every journal that the catalog does not know to its end, take up moves, write missing receipts.

        Raises what asking a worker raises.
        """
        async with self._pool.worker("journals") as worker:
            request = messages.JournalNames(self._archive.place, journal.FOLDER)
            names = await worker.ask(request, messages.Names)
        known = await self._catalog.journals(self._archive.id)
        found: list[tuple[str, int, Adopter]] = []
        for name, size in names.names:
            if size > known.get(name, 0) and (row := await self._row(name, size, name in known)) is not None:
                found.append((name, size, Adopter(self._archive, self._catalog, self._pool, row)))
        # What one import found in the archive, another one may have brought there at the same time.
        ends = [await self._items(name, size, adopter) for name, size, adopter in found]
        for (name, size, adopter), end in zip(found, ends, strict=True):
            await self._files(name, size, adopter, end)
        await Mover(self._archive, self._catalog, self._pool).take_up()
        await self._receipts()

    async def adopt(self, row: ImportRow, gate: Gate, owner: Owner) -> None:
        """Take up what a run of `row` published, but could not record any more."""
        name = f"{row.name}.jsonl"
        adopter = Adopter(self._archive, self._catalog, self._pool, row, gate, owner)
        for step in (adopter.items, adopter.files):
            async with aclosing(self._pieces(name)) as pieces:
                async for lines in pieces:
                    await step(lines)

    async def _row(self, name: str, size: int, grown: bool) -> ImportRow | None:
        """The import of a journal, made when only the archive knows it; None when there is nothing to learn."""
        row = await self._catalog.import_named(name.removesuffix(".jsonl"))
        if row is not None and row.state in ENDED and row.receipt and not (grown and await self._other_end(row)):
            await self._catalog.read_journal(self._archive.id, name, size)
            return None
        if row is None:
            async with aclosing(self._pieces(name, size)) as pieces:
                async for lines in pieces:
                    if head := next((line for line in lines if "import" in line), None):
                        return await self._import(head)
        return row

    async def _other_end(self, row: ImportRow) -> bool:
        """Whether another engine has brought an import to another end, which it was taken up again for."""
        found = await Receipt(self._archive, self._catalog, self._pool).find(row)
        return found != row.receipt

    async def _import(self, head: Line) -> ImportRow | None:
        """Make the row of an import that only the archive knows; None when its journal makes no sense."""
        try:
            volume, place = head["volume"], head["location"]
            if head["archive"] != self._archive.uuid or not _FOLDER.fullmatch(place["folder"]):
                return None
            values = {
                "name": head["import"],
                "root": decode(head["root"]),
                "source": decode(head["source"]),
                "single": decode(head["single"]),
                "options": head["options"],
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

    async def _items(self, name: str, size: int, adopter: Adopter) -> Line | None:
        """The first time through a journal; its `end`, unless it was taken up again after that."""
        end: Line | None = None
        async with aclosing(self._pieces(name, size)) as pieces:
            async for lines in pieces:
                for line in lines:
                    end = line if "end" in line else None if "import" in line else end
                await adopter.items(lines)
        return end if end is not None and end["end"] in ENDED else None

    async def _files(self, name: str, size: int, adopter: Adopter, end: Line | None) -> None:
        """The second time through a journal."""
        adopter.ended = end is not None
        async with aclosing(self._pieces(name, size)) as pieces:
            async for lines in pieces:
                await adopter.files(lines)
        if end is None:
            return
        await self._catalog.set_import(
            adopter.row.id,
            state=end["end"],
            reason="",
            advice="",
            listed=1,
            ended=end.get("ended"),
            verdict=end.get("verdict", ""),
            verdict_reason=end.get("reason", ""),
            previous=end.get("previous", ""),
            receipt="",
        )
        await self._catalog.read_journal(self._archive.id, name, size)

    async def _receipts(self) -> None:
        """Find the receipts of imports that have ended, or write them now."""
        receipt = Receipt(self._archive, self._catalog, self._pool)
        where = "i.archive_id = ? AND i.state IN (?, ?) AND i.receipt = ''"
        for row in await self._catalog.imports(where, (self._archive.id, *ENDED)):
            # What cannot be written now is written when the archive is opened next.
            with suppress(TaskFailedError, DatabaseError):
                async with self._archive.closing:
                    if digest := await receipt.find(row):
                        await self._catalog.set_import(row.id, receipt=digest)
                    elif row.state == State.CANCELLED:
                        await receipt.end(row, State.CANCELLED, Verdict(row.verdict), row.verdict_reason)
                    else:
                        await receipt.write(row)

    async def _pieces(self, name: str, size: int | None = None) -> AsyncGenerator[list[Line], None]:
        """The sound lines of a journal, some at a time; of its first `size` bytes only, if given."""
        at, rest = 0, b""
        while size is None or at < size:
            request = messages.ReadText(self._archive.place, f"{journal.FOLDER}/{name}", at, PIECE)
            async with self._pool.worker("journals") as worker:
                data = (await worker.ask(request, messages.Text)).data
            if not data:
                break
            at += len(data)
            whole, newline, rest = (rest + data).rpartition(b"\n")
            yield await asyncio.to_thread(list, journal.lines(whole + newline))


def attributes(line: Line) -> dict[bytes, bytes]:
    """The extended attributes of a `file` line, by name."""
    return {decode(name): base64.b64decode(value) for name, value in line.get("xattrs", {}).items()}
