"""Verdicts that wait for copies: imports are judged again after a mirror, or another import of their group, has
brought some."""

import logging
import time
from collections import Counter
from collections.abc import Callable

from core import words
from core.archives.archive import Archive
from core.archives.copy_count import CopyCount
from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow
from core.engine.job_service import JobService
from core.errors import ArchiveError, WorkerDiedError
from core.importing.keep_reasons import KEEP_REASONS, said
from core.journal import journal_format
from core.journal.end_import import ReceiptWriter
from core.maintenance.lacking_now import lacking
from core.paths import display
from core.receipts import additions
from core.workers.pool import Pool, TaskFailedError

log = logging.getLogger("lading.mirrors")

PAGE = 1000
"""Items per page."""


class CopiedVerdicts:
    """`judged` is called with each import whose verdict, or the reason of it, has changed."""

    def __init__(
        self,
        pool: Pool,
        catalog: Catalog,
        archives: Archives,
        jobs: JobService,
        judged: Callable[[ImportRow], None],
    ) -> None:
        self._pool = pool
        self._catalog = catalog
        self._archives = archives
        self._jobs = jobs
        self._judged = judged

    async def judge(self, archive: Archive) -> None:
        """Judge the imports into `archive` that wait for copies. Results are written to the archive in use, so
        nothing is done for another copy."""
        if archive.copy.number or not archive.writable:
            return
        receipt = ReceiptWriter(archive, self._catalog, self._pool)
        for number, copies_wanted in await self._catalog.awaiting_copies(archive.id):
            while not await self._judge_one(archive, receipt, number, copies_wanted):
                pass

    async def _judge_one(self, archive: Archive, receipt: ReceiptWriter, number: int, copies_wanted: int) -> bool:
        """Judge one import. False: damage was recorded while its copies were counted, so that it has to be judged
        again."""
        noted = self._catalog.damage_noted
        (row,) = await self._catalog.imports("i.id = ?", (number,))
        counts = await self._counts(row, copies_wanted)
        if fewer := await self._fewer(row, counts):
            if row.together:
                # Since the import's end, copies may have been completed, or archives unmounted.
                await self._keep(row, _said(counts, fewer))
            return True
        try:
            lost = await lacking(archive, row, self._catalog, self._pool)
        except (TaskFailedError, WorkerDiedError) as error:
            _later(row, error)
            return True
        if lost:
            # Other copies hold the files. The next mirror after they were brought back, or read, has the import
            # judged anew.
            reasons = [
                f"{said(len(paths), KEEP_REASONS[why])} (such as {display(paths[0])})"
                for why, paths in lost.items()
            ]
            await self._keep(row, "; ".join(reasons))
            return True
        now = time.time()
        line = journal_format.sealed({"copied": now})
        try:
            async with archive.closing:
                if (number, copies_wanted) not in await self._catalog.awaiting_copies(archive.id):
                    return True  # SAFE was recorded, or the import was resumed, while the copies were counted
                if self._catalog.damage_noted != noted:
                    return False
                await receipt.add(row, [line], additions.enough_copies(row, now, copies_wanted))
                await self._catalog.end_wait_for_copies(number)
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            _later(row, error)
            return True
        await self._jobs.bag_anew(row.archive_id, row.location_id)
        await self._tell(row)
        return True

    async def refuse_if_fewer(self, row: ImportRow) -> None:
        """Return if what an import has seen on its card is in as many copies as it was to be. Raises
        ArchiveError."""
        counts, fewer, after = await self._counts(row, row.request().copies), Counter[int](), 0
        while items := await self._catalog.seen_items(row.id, after, PAGE):
            after = items[-1]
            fewer.update((await counts.lacking(items)).values())
        if fewer:
            raise ArchiveError(
                f"of the archived files of import {row.name}, {_said(counts, fewer)}, so its verdict would not be "
                "SAFE.",
                "Bring them: lading mirror ARCHIVE TO. Then accept it.",
            )

    async def _counts(self, row: ImportRow, wanted: int) -> CopyCount:
        others = await self._catalog.archives_together(row.together)
        return await CopyCount.of(
            row.archive_id, wanted, self._catalog, self._pool, self._archives.whereabouts, others
        )

    async def _keep(self, row: ImportRow, why: str) -> None:
        """Leave the verdict at KEEP, and record `why` as its present reason."""
        if why != row.verdict_reason:
            await self._catalog.set_import(row.id, verdict_reason=why)
            await self._tell(row)

    async def _tell(self, row: ImportRow) -> None:
        if (judged := await self._catalog.import_named(row.name)) is not None:
            self._judged(judged)

    async def _fewer(self, row: ImportRow, counts: CopyCount) -> Counter[int]:
        """How many items of an import's card have too few copies, by the number of copies that they have."""
        fewer, after = Counter[int](), 0
        # The items that an import of a group saw on its card are recorded, unless the catalog was rebuilt since.
        of_card = self._catalog.seen_items if row.together and row.runs else self._catalog.card_items
        while items := await of_card(row.id, after, PAGE):
            after = items[-1]
            fewer.update((await counts.lacking(items)).values())
            if fewer and not row.together:
                break
        return fewer


def _said(counts: CopyCount, fewer: Counter[int]) -> str:
    """How many files are in how many copies, as `CopiedVerdicts._fewer` counts them."""
    return "; ".join(
        words.count_clause(files, f"are in {counts.said(count)}") for count, files in sorted(fewer.items())
    )


def _later(row: ImportRow, error: Exception) -> None:
    """Log that an import is judged again after the next mirror only."""
    log.warning("a verdict cannot be told yet", extra={"import": row.name, "reason": str(error)})
