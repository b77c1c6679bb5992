"""Ends an import: its last journal line and its receipt, both in the archive, for one import at a time."""

import hashlib
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime
from typing import IO, TypeVar

from core import archive_layout, receipts
from core.aio import to_the_end
from core.archives.archive import REQUEST, Archive
from core.archives.staging import remove_staged
from core.catalog import Catalog, ImportRow
from core.journal import journal_format
from core.models import State, Verdict
from core.receipts.upload import uploaded_file
from core.reports import page
from core.reports.links import Relative
from core.workers import messages, text_messages
from core.workers.messages import Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

RECEIPT_ENDINGS = ("tsv", "json", "txt")
"""The files of a receipt, `ID.tsv` …; the text is written last, because it states the digests of the others."""
REPORT = "html"
"""The extension of the import's report (core.reports), which is made anew whenever there is more to show."""
REPORT_DEPTH = 3
"""Folders between the report and the archive's root."""
ADDED = ".added-"
"""Part of an addition's file name, after the import's id."""

READ_SIZE = 1 << 20
"""Bytes per read."""
CLEANING = 3.0
"""Seconds that removing staged files may take, because an engine that ends waits for it."""


class ReceiptWriter:
    """Ends imports of one archive. Callers hold `archive.closing`, because each receipt names the one before.

    importing: an import that is under way ends itself, and removes what is staged here with the rest of its own.
    """

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool, *, importing: bool = False) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._importing = importing

    async def end(
        self,
        row: ImportRow,
        state: State,
        verdict: Verdict,
        why: str,
        otherwise: tuple[Verdict, str] | None = None,
        copies: int = 0,
        then: str = "",
    ) -> None:
        """End an import: write its last journal line, its row in the catalog and its receipt.

        otherwise: the verdict, with its reason, that holds once a person accepts what differs from an earlier
        import. copies: the import is SAFE once there are this many copies, with the reason `then`; 0: it waits for
        none. Raises what asking a worker raises.
        """
        ended = time.time()
        previous = await self._catalog.last_receipt(self._archive.id)
        end: dict[str, object] = {
            "end": str(state),
            "verdict": str(verdict),
            "reason": why,
            "ended": ended,
            "previous": previous,
        }
        if otherwise:
            end["otherwise"] = [str(otherwise[0]), otherwise[1]]
        if copies:
            end |= {"copies": copies, "then": then}
        data = journal_format.sealed(end)
        place, path = self._archive.place, archive_layout.journal(row.name)
        await self._ask(text_messages.AppendJournal(place, path, data, flush=True), messages.Done)
        await self._catalog.set_import(
            row.id,
            state=state,
            reason="",
            advice="",
            waits="",
            ended=ended,
            verdict=verdict,
            verdict_reason=why,
            otherwise=otherwise[0] if otherwise else "",
            otherwise_reason=otherwise[1] if otherwise else "",
            accepted=None,
            accepted_by="",
            copies=copies,
            copied_reason=then if copies else "",
            watched=1,
            previous=previous,
            receipt="",
        )
        await self.write(row)

    async def keep_old_receipt(self, row: ImportRow) -> None:
        """Rename the receipt of an import that is resumed to `ID.RUNS.*`, where RUNS counts the runs before it. It
        is kept because other receipts may name its digest. Raises what asking a worker raises."""
        base = archive_layout.receipt(row.location_folder, row.name)
        for ending in RECEIPT_ENDINGS:
            kept = text_messages.MoveText(self._archive.place, f"{base}.{ending}", f"{base}.{row.runs}.{ending}")
            try:
                await self._ask(kept, messages.Done)
            except TaskFailedError as error:
                if error.detail != "FileNotFoundError":
                    raise

    async def write(self, row: ImportRow) -> None:
        """Write the receipt into the location's folder (table, data and text), and the text's digest into the
        catalog."""
        base = archive_layout.receipt(row.location_folder, row.name)
        read = self._catalog.database.read
        broken = [id for id, _, _ in await self._catalog.unreported(row.id)]
        table = hashlib.sha256()
        async with self._uploaded_file(row, f"{base}.tsv") as file:
            await receipts.write(read, row.name, "tsv", _writer(file, table))
        data, text = hashlib.sha256(), hashlib.sha256()
        async with self._uploaded_file(row, f"{base}.json") as file:
            await receipts.write_data(read, row.name, _writer(file, data), table.hexdigest())
        async with self._uploaded_file(row, f"{base}.txt") as file:
            await receipts.write_text(read, row.name, _writer(file, text), table.hexdigest(), data.hexdigest())
        await self._catalog.set_import(row.id, receipt=text.hexdigest())
        await self._catalog.mark_reported(broken)
        # A failure here is harmless: the journal's parts hold the same as the joined journal.
        with suppress(TaskFailedError):
            await self._ask(
                text_messages.JoinJournal(self._archive.place, archive_layout.journal(row.name)), messages.Done
            )
        if not self._importing:
            await self._clean(row)

    async def report(self, row: ImportRow) -> None:
        """Write the report beside the receipt, in place of the one before. No digest of it is kept, since it can
        be made again. Callers hold `archive.closing`. Raises what asking a worker raises."""
        read = self._catalog.database.read
        try:
            async with self._uploaded_file(
                row, f"locations/{row.location_folder}/lading/{row.name}.{REPORT}"
            ) as file:
                async for piece in page.report(read, row.name, Relative(REPORT_DEPTH)):
                    file.write(piece.encode())
        finally:
            await to_the_end(self._clean(row))

    def _owner(self, row: ImportRow) -> str:
        """The owner of files that are staged here. After the import's end this is not the import itself: if it
        were resumed meanwhile, its staging would be cleaned."""
        return row.name if self._importing else f"{REQUEST}{row.name}"

    async def _clean(self, row: ImportRow) -> None:
        """Remove files that were staged after the import's end."""
        await remove_staged(self._pool, self._archive.place, self._owner(row), CLEANING)

    def _uploaded_file(self, row: ImportRow, path: str) -> AbstractAsyncContextManager[IO[bytes]]:
        staged = archive_layout.staging(self._owner(row), secrets.token_hex(8))
        return uploaded_file(self._pool, self._archive.place, staged, path)

    async def add(self, row: ImportRow, lines: list[bytes], text: str) -> None:
        """Add what has become known since an import's end: first to its journal, then as a file of its own beside
        the receipt, which is not changed. Callers hold `archive.closing`. Raises what asking a worker raises."""
        place, path = self._archive.place, archive_layout.journal(row.name)
        if lines:
            await self._ask(text_messages.AppendJournal(place, path, b"".join(lines), flush=True), messages.Done)
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        base = archive_layout.receipt(row.location_folder, row.name)
        try:
            async with self._uploaded_file(row, f"{base}{ADDED}{moment}.txt") as file:
                file.write(text.encode())
            with suppress(TaskFailedError):
                await self._ask(text_messages.JoinJournal(place, path), messages.Done)
        finally:
            await to_the_end(self._clean(row))

    async def find(self, row: ImportRow) -> str:
        """The SHA-256 of the receipt's text in the archive; empty when there is none."""
        path = f"{archive_layout.receipt(row.location_folder, row.name)}.txt"
        sha, at = hashlib.sha256(), 0
        try:
            while data := (
                await self._ask(
                    text_messages.ReadText(self._archive.place, path, at, READ_SIZE), text_messages.TextRead
                )
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


def _writer(file: IO[bytes], sha: "hashlib._Hash") -> Callable[[str], None]:
    """A function that adds text to a file and to a digest."""

    def add(text: str) -> None:
        data = text.encode()
        file.write(data)
        sha.update(data)

    return add
