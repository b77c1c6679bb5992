"""The receipt of an import, and its last line in the journal: both in the archive, one import after the other."""

import hashlib
import time
from tempfile import SpooledTemporaryFile
from typing import TypeVar

from core import receipts
from core.archives.archive import Archive
from core.catalog import Catalog, ImportRow
from core.importing import journal
from core.models import State, Verdict
from core.workers import messages
from core.workers.messages import Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

CHUNK = 1 << 20
"""Bytes sent together."""


class Receipt:
    """Ends imports of one archive. Callers hold `archive.closing`: each receipt names the one before."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool

    async def end(self, row: ImportRow, state: State, verdict: Verdict, why: str) -> None:
        """The import has ended: journal, catalog, receipt. Raises what asking a worker raises."""
        ended = time.time()
        previous = await self._catalog.last_receipt(self._archive.id)
        end: dict[str, object] = {
            "end": str(state),
            "verdict": str(verdict),
            "reason": why,
            "ended": ended,
            "previous": previous,
        }
        data = journal.sealed(end)
        path = journal.path_of(row.name)
        await self._ask(messages.AppendText(self._archive.place, path, data, flush=True), messages.Done)
        await self._catalog.set_import(
            row.id,
            state=state,
            reason="",
            advice="",
            waits="",
            ended=ended,
            verdict=verdict,
            verdict_reason=why,
            previous=previous,
            receipt="",
        )
        await self.write(row)

    async def put_away(self, row: ImportRow) -> None:
        """The import is taken up again: what it had for a receipt is kept beside the one it will get, since other
        receipts may name it. Its name tells after how many runs it was written. Raises as asking a worker does."""
        base = f"locations/{row.location_folder}/lading/{row.name}"
        for ending in ("tsv", "txt"):
            kept = messages.MoveText(self._archive.place, f"{base}.{ending}", f"{base}.{row.runs}.{ending}")
            try:
                await self._ask(kept, messages.Done)
            except TaskFailedError as error:
                if error.detail != "FileNotFoundError":
                    raise

    async def write(self, row: ImportRow) -> None:
        """The receipt, as a table and as a text, into the location's folder, and its digest into the catalog."""
        base = f"locations/{row.location_folder}/lading/{row.name}"
        read = self._catalog.database.read
        with SpooledTemporaryFile(max_size=4 * CHUNK) as file:
            await receipts.write(read, row.name, "tsv", lambda text: _add(file, text))
            digest = await self._send(row, f"{base}.tsv", file)
        with SpooledTemporaryFile(max_size=4 * CHUNK) as file:
            await receipts.write_text(read, row.name, lambda text: _add(file, text), digest)
            digest = await self._send(row, f"{base}.txt", file)
        await self._catalog.set_import(row.id, receipt=digest)

    async def _send(self, row: ImportRow, path: str, file: "SpooledTemporaryFile[bytes]") -> str:
        """Stage the file in the archive, flush it, then name it; its SHA-256 in hexadecimal."""
        place, sha, fresh = self._archive.place, hashlib.sha256(), True
        staged = f".lading/staging/{row.name}/{path.rpartition('/')[2]}"
        file.seek(0)
        # Whole lines: AppendText takes a line that does not end for one that is torn.
        while (data := b"".join(file.readlines(CHUNK))) or fresh:
            sha.update(data)
            await self._ask(messages.AppendText(place, staged, data, fresh=fresh), messages.Done)
            fresh = False
        await self._ask(messages.MoveText(place, staged, path), messages.Done)
        return sha.hexdigest()

    async def find(self, row: ImportRow) -> str:
        """The SHA-256 of the receipt that lies in the archive already; empty when there is none."""
        path = f"locations/{row.location_folder}/lading/{row.name}.txt"
        sha, at = hashlib.sha256(), 0
        try:
            while data := (
                await self._ask(messages.ReadText(self._archive.place, path, at, CHUNK), messages.Text)
            ).data:
                sha.update(data)
                at += len(data)
        except TaskFailedError as error:
            if error.detail != "FileNotFoundError":
                raise
            return ""
        return sha.hexdigest() if at else ""

    async def _ask(self, request: Request, wanted: type[R]) -> R:
        async with self._pool.worker("receipt") as worker:
            return await worker.ask(request, wanted)


def _add(file: "SpooledTemporaryFile[bytes]", text: str) -> None:
    file.write(text.encode())
