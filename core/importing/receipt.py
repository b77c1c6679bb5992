"""The receipt of an import, and its last line in the journal: both in the archive, one import after the other."""

import hashlib
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import IO, TypeVar

from core import receipts
from core.archives.archive import Archive
from core.catalog import Catalog, ImportRow
from core.importing import journal
from core.models import State, Verdict
from core.receipts.sending import sent
from core.workers import messages
from core.workers.messages import Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

CHUNK = 1 << 20
"""Bytes read together."""


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
        place, path = self._archive.place, journal.path_of(row.name)
        await self._ask(messages.AppendJournal(place, path, data, flush=True), messages.Done)
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
        table = hashlib.sha256()
        async with self._sent(row, f"{base}.tsv") as file:
            await receipts.write(read, row.name, "tsv", _into(file, table))
        text = hashlib.sha256()
        async with self._sent(row, f"{base}.txt") as file:
            await receipts.write_text(read, row.name, _into(file, text), table.hexdigest())
        await self._catalog.set_import(row.id, receipt=text.hexdigest())
        # Its parts say the same as the whole.
        with suppress(TaskFailedError):
            await self._ask(messages.JoinJournal(self._archive.place, journal.path_of(row.name)), messages.Done)

    def _sent(self, row: ImportRow, path: str) -> AbstractAsyncContextManager[IO[bytes]]:
        staged = f".lading/staging/{row.name}/{secrets.token_hex(8)}"
        return sent(self._pool, self._archive.place, staged, path)

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


def _into(file: IO[bytes], sha: "hashlib._Hash") -> Callable[[str], None]:
    """What adds text to a file and to a digest."""

    def add(text: str) -> None:
        data = text.encode()
        file.write(data)
        sha.update(data)

    return add
