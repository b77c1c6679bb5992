"""Watches imports after their end: reports files that cannot be opened, in views and receipts, and makes
reports."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow, unopenable
from core.engine.job_service import JobService
from core.errors import ArchiveError, WorkerDiedError
from core.journal.end_import import ReceiptWriter
from core.models import Unopenable
from core.receipts import additions
from core.workers.pool import Pool, TaskFailedError

LOOK_INTERVAL = 2.0
"""Seconds between two checks of imports whose files are still being opened."""

REST_FACTOR = 20.0
"""The pause between two checks is at least this many times as long as a check takes."""

LATER = 60.0
"""Seconds until a retry when an archive could not be written to."""

log = logging.getLogger(__name__)


class EndedImports:
    """Watches each import from its end until no job that opens one of its files is pending.

    `show` is called with the id of each such import, and what is known of files that cannot be opened; `changed`
    when its receipt or report was written to since its end.
    """

    def __init__(
        self,
        pool: Pool,
        catalog: Catalog,
        archives: Archives,
        jobs: JobService,
        show: Callable[[str, Unopenable], None],
        changed: Callable[[ImportRow], None],
    ) -> None:
        self._pool = pool
        self._catalog = catalog
        self._archives = archives
        self._jobs = jobs
        self._show = show
        self._changed = changed
        self._more = asyncio.Event()
        self._more.set()
        self._looking = asyncio.Lock()
        self._later: dict[int, float] = {}
        self._reported: set[int] = set()
        """Imports whose report was written before all files were opened."""
        self._ended: set[int] = set()
        """Imports that ended in this engine and have no report yet. Those of earlier engines get their report when
        all files are opened, so that a restart does not write it again."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start; imports that an earlier engine did not finish watching are included."""
        self._task = asyncio.create_task(self._run(), name="ended imports")

    async def stop(self) -> None:
        """Stop; the next engine continues."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def ended(self, import_id: int) -> None:
        """A run of an import has ended, and maybe the import with it."""
        self._ended.add(import_id)
        self._more.set()

    async def _run(self) -> None:
        while True:
            await self._more.wait()
            began = time.monotonic()
            try:
                if not await self.look():
                    self._more.clear()
            except Exception:
                log.exception("what cannot be opened is not told")
            await asyncio.sleep(max(LOOK_INTERVAL, REST_FACTOR * (time.monotonic() - began)))

    @asynccontextmanager
    async def no_reports(self) -> AsyncIterator[None]:
        """Write no report during this block, and begin it once a report that is being written is complete: an
        operation that needs an archive for itself alone must not be refused because of the engine's own work."""
        async with self._looking:
            yield

    async def look(self) -> bool:
        """Update views and receipts. Returns whether any import is still watched."""
        async with self._looking:
            return await self._look()

    async def _look(self) -> bool:
        watched = await self._catalog.watched_imports()
        found = await unopenable.of_imports(self._catalog.database.read, watched) if watched else {}
        for number in watched:
            (row,) = await self._catalog.imports("i.id = ?", (number,))
            if time.monotonic() >= self._later.get(number, 0.0):
                if await self._catalog.all_opened(number):
                    await self._tell(number)
                    found |= await unopenable.of_imports(self._catalog.database.read, [number])
                elif number in self._ended:
                    await self._report(row)
            self._show(row.name, found.get(number, Unopenable()))
        # An import that has ended meanwhile is found by the next check.
        return bool(watched)

    async def _report(self, row: ImportRow) -> None:
        """Write the report beside the receipt. This does not happen at the import's end, which must neither wait
        for it nor fail because of it."""
        try:
            path = os.fsdecode(row.archive_path)
            async with self._archives.used(path, row.archive_id) as (archive, _), archive.closing:
                await self._page(ReceiptWriter(archive, self._catalog, self._pool), row)
            await self._jobs.bag_anew(row.archive_id, row.location_id, row.id)
            self._changed(row)
        except (ArchiveError, TaskFailedError, WorkerDiedError, OSError):
            self._later[row.id] = time.monotonic() + LATER
            return
        self._ended.discard(row.id)
        self._reported.add(row.id)

    async def _page(self, receipt: ReceiptWriter, row: ImportRow) -> None:
        """Write the report; if it cannot be made, this is logged, because additions to the receipt must not depend
        on it."""
        try:
            await receipt.report(row)
        except (TaskFailedError, WorkerDiedError, OSError):
            raise
        except Exception:
            log.exception("a report was not made", extra={"import": row.name})

    async def _tell(self, number: int) -> None:
        """Add to the receipt what it does not name yet, and make the report anew. After that the import is not
        watched any more."""
        untold = await self._catalog.unreported(number)
        (row,) = await self._catalog.imports("i.id = ?", (number,))
        try:
            if untold or number not in self._reported or await self._catalog.holds_media(number):
                path = os.fsdecode(row.archive_path)
                async with self._archives.used(path, row.archive_id) as (archive, _), archive.closing:
                    receipt = ReceiptWriter(archive, self._catalog, self._pool)
                    if untold:
                        files = [(name, why) for _, name, why in untold]
                        await receipt.add(row, [], additions.unopenable_files(row, time.time(), files))
                    # By now metadata and thumbnails of the pictures are known.
                    await self._page(receipt, row)
                await self._catalog.mark_reported([id for id, _, _ in untold])
                await self._jobs.bag_anew(row.archive_id, row.location_id, number)
                self._changed(row)
        except (ArchiveError, TaskFailedError, WorkerDiedError, OSError):
            self._later[number] = time.monotonic() + LATER
            return
        self._ended.discard(number)
        self._reported.discard(number)
        await self._catalog.set_import(number, watched=0)
