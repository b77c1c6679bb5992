"""The engine: it owns the database, the worker pool, the imports and the job queues, and makes the snapshots."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import IO

import msgspec

from core import config, hardware
from core.archives.archive import Archive
from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow
from core.config import Config
from core.database import Database
from core.engine.arrivals import Arrivals
from core.engine.copied_verdicts import CopiedVerdicts
from core.engine.ended_imports import EndedImports
from core.engine.film_strips import FilmStrips
from core.engine.hash_lists import HashLists
from core.engine.hooks import Hooks
from core.engine.import_factory import ImportFactory
from core.engine.import_manager import ImportManager
from core.engine.job_service import JobService
from core.engine.maintenance import Maintenance
from core.engine.metrics import SAMPLE_INTERVAL, Metrics
from core.engine.mirrors import Mirrors
from core.engine.offsite import Offsite
from core.engine.page_service import PageService
from core.engine.queries import Queries
from core.engine.restore_check import RestoreCheck
from core.engine.state_lock import LOCK_FILE, hold, lost
from core.engine.view_copies import ViewCopies
from core.importing.halt_reasons import back_again
from core.importing.importer import Importer
from core.importing.progress_view import ProgressViews
from core.journal.replay import JournalReplay
from core.maintenance.move_import import Mover
from core.models import Waits
from core.paths import display
from core.snapshot import Snapshot
from core.workers.pool import Pool

log = logging.getLogger("lading.engine")


class Engine:
    """One engine for each state folder. It uses no terminal, so it can run in any process.

    umask: the user's, used for files made in archives.
    """

    def __init__(self, settings: Config, umask: int = 0o022) -> None:
        self.config = settings
        self._umask = umask
        self.profile = config.profile(settings, hardware.detect())
        self._lock: IO[str] | None = None
        self._watching: list[asyncio.Task[None]] = []
        self._failing: set[str] = set()
        self._stopping = False
        self.read_limit_from = ""
        """The variable or the file that the setting comes from; empty: not known."""
        self.broken = asyncio.Event()
        """Set when a task that everything relies on has ended before its time: the engine is to be stopped."""

    # Life

    async def start(self) -> None:
        """Take the state folder. Raises EngineHeldError, DatabaseError."""
        async with AsyncExitStack() as stack:
            self._lock = stack.enter_context(hold(self.config.home))
            self.database = await Database.open(self.config.home)
            stack.push_async_callback(self.database.close)
            self.catalog = await Catalog.open(self.database)
            self.pool = Pool(umask=self._umask)
            stack.push_async_callback(self.pool.stop)
            self.metrics = Metrics(self.pool)
            self.views = ProgressViews()
            self.archives = Archives(self.pool, self.catalog, self._replay)
            limit = (self.config.read_limit or 0) * 1_000_000
            self.factory = ImportFactory(self.pool, self.catalog, self.archives, self.profile, read_limit=limit)
            self.limits = self.factory.limits
            self.jobs = JobService(self.config, self.profile, self.database, self.pool, self.archives)
            await self.jobs.start()
            self.offsite = Offsite(self.pool, self.catalog, self.archives, self.limits.copy, self.config.home)
            self.restore_check = RestoreCheck(self.pool, self.catalog, self.archives, self.factory, self.offsite)
            self.queries = Queries(self.catalog, self.jobs)
            self.hash_lists = HashLists(self.pool, self.catalog, self.restore_check)
            self.pages = PageService(self.pool, self.catalog, self.restore_check)
            self.view_copies = ViewCopies(self.pool, self.catalog, self.restore_check, self.config.home)
            await self.view_copies.remove_old()
            self.film_strips = FilmStrips(self.catalog, self.restore_check)
            stack.push_async_callback(self.film_strips.close)
            self.ended_imports = EndedImports(
                self.pool,
                self.catalog,
                self.archives,
                self.jobs,
                self.views.opened,
                lambda row: self.mirrors.after_change(row),
            )
            self._make_importing()
            self.imports.ended = self._import_ended
            self.imports.begun = lambda row: self.arrivals.taken(row.volume_identity)
            self.ended_imports.start()
            self.arrivals.configure()
            self.imports.groups.start()
            await self.hooks.start()
            stack.pop_all()
        self._watching = [
            asyncio.create_task(self._watch(), name="watch of the archives' locks"),
            asyncio.create_task(self._tick(), name="ticker"),
        ]
        for task in (*self._watching, self.database.writer, *self.jobs.worker.loops):
            task.add_done_callback(self._ended)

    def _make_importing(self) -> None:
        """Make the parts that import and mirror, watch cards, and send messages to hooks."""
        self.hooks = Hooks(self.catalog, lambda: self.config.hooks)
        verdicts = CopiedVerdicts(self.pool, self.catalog, self.archives, self.jobs, self._judged_again)
        self.imports = ImportManager(
            self.pool,
            self.catalog,
            self.archives,
            self.factory,
            self.jobs,
            self.views,
            self.ended_imports,
            verdicts,
            self.profile.cores,
        )
        self.maintenance = Maintenance(
            self.pool,
            self.catalog,
            self.archives,
            self.factory,
            self.jobs,
            self.imports.under_way,
            self._verdict_changed,
            verdicts,
            self.ended_imports,
        )
        self.mirrors = Mirrors(
            self.pool,
            self.catalog,
            self.archives,
            self.limits,
            self.jobs,
            verdicts,
            self.offsite,
            self.imports.finish,
            lambda: self.config,
        )
        self.arrivals = Arrivals(self.catalog, self.imports, lambda: self.config)

    def _import_ended(self, row: ImportRow) -> None:
        self.mirrors.after_import(row)
        self.hooks.ended(row)

    async def locations_changed(self) -> None:
        """Show imports with the locations that they have now, and the names of these."""
        places = await self.catalog.import_locations()
        for importer in self.imports.under_way.values():
            row = importer.run.row
            row.location_name, _ = places.get(row.name, (row.location_name, ""))
        self.views.located(places)

    def _verdict_changed(self, row: ImportRow) -> None:
        self.views.judged(row)
        self.mirrors.after_change(row)

    def _judged_again(self, row: ImportRow) -> None:
        self._verdict_changed(row)
        self.hooks.ended(row)

    def configure(self, settings: Config) -> None:
        """From now on other settings are in force; the ceilings of `workers` stay until the next start."""
        self.config = msgspec.structs.replace(settings, home=self.config.home, workers=self.config.workers)
        self.factory.read_limit = (settings.read_limit or 0) * 1_000_000
        self.jobs.configure(self.config)
        self.arrivals.configure()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Stop the engine when a task that it cannot do without has ended."""
        if not self._stopping:
            error = None if task.cancelled() else task.exception()
            log.critical("a task of the engine has ended", exc_info=error, extra={"task": task.get_name()})
            self.broken.set()

    async def _watch(self) -> None:
        """Halt the imports into an archive whose lock is lost: another engine may write there by now."""
        while True:
            await asyncio.sleep(SAMPLE_INTERVAL)
            for importer in self.imports.under_way.values():
                if importer.run.archive.lock.lost.is_set():
                    halt_lost(importer)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_INTERVAL)
            self._do("metrics", self.metrics.sample)
            self._do("rate of mirrors", self.mirrors.sample)
            self._do("share of the processor", lambda: self.jobs.worker.copying(self.imports.transfers))
            for name, importer in self.imports.under_way.items():
                self._do(f"rate of import {name}", partial(self.views.sample, importer.run))
                self._do(f"pace of import {name}", importer.run.workers.pace)
                self._do(f"limits of import {name}", importer.run.workers.report)

    def _do(self, duty: str, work: Callable[[], None]) -> None:
        """Carry out one duty of the ticker. A failure is logged once, and delays no other duty."""
        try:
            work()
        except Exception:
            if duty not in self._failing:
                log.exception("a duty of the ticker fails", extra={"duty": duty})
            self._failing.add(duty)
        else:
            self._failing.discard(duty)

    async def _replay(self, archive: Archive) -> None:
        """Replay an archive's journals into the catalog, and finish moves that were interrupted."""
        mover = Mover(archive, self.catalog, self.pool)
        await JournalReplay(archive, self.catalog, self.pool).run(mover.take_up)

    async def stop(self) -> None:
        """Leave running imports paused, and end everything."""
        self._stopping = True
        await self.arrivals.stop()
        await self.imports.stop_waiting()
        await self.ended_imports.stop()
        await self.mirrors.stop()
        await self.imports.groups.stop()
        await self.jobs.stop()
        await self.imports.stop()
        await self.hooks.stop()
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        try:
            await self.film_strips.close()
            await self.pool.stop()
        finally:
            await self.database.close()
            if self._lock is not None:
                self._lock.close()

    @property
    def homeless(self) -> bool:
        """Whether its state folder was removed or replaced meanwhile. Nobody finds its catalog any more then."""
        return self._lock is not None and lost(self.config.home, self._lock)

    @property
    def busy(self) -> bool:
        """Whether there is work, also work that waits for a volume."""
        return (
            self.imports.running > 0
            or self.mirrors.running > 0
            or self.arrivals.busy
            or self.hooks.busy
            or len(self.imports.waiting) > 0
            or self.archives.opening > 0
            or self.jobs.worker.has_work
        )

    @property
    def working(self) -> bool:
        """Whether something is being done just now, for which the machine has to stay awake."""
        return self.imports.running > 0 or self.mirrors.working or any(queue.busy for queue in self.jobs.views())

    def snapshot(self) -> Snapshot:
        """What is happening now."""
        snapshot = self.views.snapshot(
            list(self.imports.under_way.values()),
            self.limits,
            list(self.factory.controllers.values()),
            self.metrics.rates(),
        )
        errors = (*snapshot.errors, *self.jobs.worker.failures())
        return msgspec.structs.replace(
            snapshot,
            errors=errors,
            read_limit_from=display(self.read_limit_from),
            queues=self.jobs.views(),
            mirrors=self.mirrors.views(),
            arrivals=self.arrivals.views(),
        )


def halt_lost(importer: Importer) -> None:
    """Halt an import because its archive is locked by another engine, or does not answer."""
    lock = importer.run.archive.lock
    if lock.away:
        importer.halt(lock.why, back_again(importer.run.network), waits=Waits.ARCHIVE)
    else:
        importer.halt(lock.why, "See to the archive, then resume.")


__all__ = ["LOCK_FILE", "Engine"]
