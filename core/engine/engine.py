"""The engine: commands in, snapshots out. It owns the database, the workers and every import that runs."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import IO

import msgspec

from core import config, hardware
from core.archives.opened import Archives
from core.catalog import Catalog, ImportRow, Selection
from core.config import Config
from core.database import Database
from core.engine.background import Background
from core.engine.home import LOCK, hold
from core.engine.known import Known
from core.engine.log import note
from core.engine.metrics import PERIOD, Metrics
from core.engine.outward import Outward
from core.engine.starter import Begun, Starter
from core.engine.upkeep import Upkeep
from core.engine.waiting import Waiting
from core.errors import UsageError
from core.importing.halting import BACK
from core.importing.importer import Importer
from core.importing.ingest import ENDED
from core.importing.survey import Surveyor
from core.importing.views import Views
from core.models import ImportRequest, JobView, Snapshot, State, Waits
from core.results import Survey
from core.unbroken import to_the_end
from core.workers.pool import Pool


class Engine:
    """One engine for each state folder. No terminal in it: it can run in any process."""

    def __init__(self, settings: Config) -> None:
        self.config = settings
        self.profile = config.profile(settings, hardware.detect())
        self._lock: IO[str] | None = None
        self._importers: dict[str, Importer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    # Life

    async def start(self) -> None:
        """Take the state folder. Raises EngineHeldError, DatabaseError."""
        async with AsyncExitStack() as stack:
            self._lock = stack.enter_context(hold(self.config.home))
            self.database = await Database.open(self.config.home)
            stack.push_async_callback(self.database.close)
            self.catalog = await Catalog.open(self.database)
            self.pool = Pool()
            stack.push_async_callback(self.pool.stop)
            self.metrics = Metrics(self.pool)
            self.views = Views()
            self.waiting = Waiting(self)
            self.archives = Archives(self.pool, self.catalog)
            limit = (self.config.read_limit or 0) * 1_000_000
            self.starter = Starter(self.pool, self.catalog, self.archives, self.profile, read_limit=limit)
            self.limits = self.starter.limits
            self.background = Background(self.config, self.profile, self.database, self.pool, self.archives)
            await self.background.start()
            self.outward = Outward(self.pool, self.catalog, self.archives, self.starter)
            self.upkeep = Upkeep(
                self.pool, self.catalog, self.archives, self.starter, self.background, self._importers
            )
            self.known = Known(self.catalog, self.background)
            stack.pop_all()
        self._ticker = asyncio.create_task(self._tick(), name="ticker")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self.metrics.sample()
            self.background.worker.copying(self.transfers)
            for importer in self._importers.values():
                self.views.sample(importer.run)
                importer.run.pace()
                importer.run.report()
                if importer.run.archive.lock.lost.is_set():
                    _halt(importer)

    async def stop(self) -> None:
        """Leave running imports paused, and end everything."""
        await self.waiting.stop()
        await self.background.stop()
        for importer in self._importers.values():
            importer.halt("Lading was stopped", "Resume it whenever you like.")
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._ticker.cancel()
        await asyncio.gather(self._ticker, return_exceptions=True)
        try:
            await self.pool.stop()
        finally:
            await self.database.close()
            if self._lock is not None:
                self._lock.close()

    @property
    def under_way(self) -> Mapping[str, Importer]:
        """The imports it has in hand, paused ones among them."""
        return self._importers

    @property
    def running(self) -> int:
        """Imports that nobody has paused."""
        return sum(1 for importer in self._importers.values() if not importer.run.paused)

    @property
    def transfers(self) -> int:
        """Workers that imports have at work now."""
        return sum(len(one.run.in_flight) for one in self._importers.values() if not one.run.paused)

    @property
    def busy(self) -> bool:
        """Whether it has anything to do, or waits for what it could do."""
        return (
            self.running > 0 or len(self.waiting) > 0 or self.archives.opening > 0 or self.background.worker.wants
        )

    # Imports

    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]:
        """Begin an import for each source; a source that lies inside another one is brought in with that.

        Raises SourceError, ArchiveError, UsageError; then none has begun.
        """
        async with AsyncExitStack() as stack:
            begun = await self.starter.begin(stack, requests)
            for one in begun:
                await self._plan(one)
            for one in begun:
                self._run(one)
        return [one.run.row.name for one in begun]

    async def _plan(self, begun: Begun) -> None:
        run = begun.run
        try:
            await self.background.begin(run.archive.id, run.row.id, run.row.location_id)
        except BaseException:
            state = self.catalog.set_state(run.row.id, State.PAUSED, "it could not be begun", "Resume it.")
            await to_the_end(state)
            raise
        run.added = self.background.wake

    def _run(self, begun: Begun) -> Importer:
        run = begun.run
        name = run.row.name
        note("begins", run.row)
        # It takes what it can get; from the next tick on that is counted.
        self.background.worker.copying(self.profile.cores)
        run.archive.active.add(name)
        importer = Importer(run, begun.whole, begun.whole_root, begun.whole_only)
        self._importers[name] = importer
        self.views.add(run)
        self._tasks[name] = asyncio.create_task(self._follow(name, importer), name=name)
        return importer

    async def _follow(self, name: str, importer: Importer) -> None:
        run = importer.run
        row: ImportRow | None = None
        try:
            await importer.go()
        finally:
            try:
                row = await self.catalog.import_named(name)
            finally:
                del self._importers[name]
                self.views.end(run, row or run.row)
                note("ended", row or run.row)
                try:
                    await self.background.ended()
                    if row is not None and row.state == State.PAUSED and row.waits:
                        await self.waiting.add(row, importer.check)
                finally:
                    await self.archives.leave(run.archive, name)

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]:
        """What importing these would do; nothing is written. Raises SourceError, ArchiveError."""
        surveys: list[Survey] = []
        for request, source in await self.starter.pick(requests):
            target = await self.starter.target(request.archive)
            surveyor = Surveyor(request, source, target.archive_id, self.pool, self.catalog)
            surveys.append(await surveyor.run(target.avoid, target.room))
        return surveys

    # Control

    async def resume_import(self, name: str) -> None:
        """Go on with a paused or interrupted import. Raises UsageError, SourceError, ArchiveError."""
        await self.go_on(name)
        self.waiting.forget(name)

    async def go_on(self, name: str) -> None:
        """Go on with an import whose volume is back; as `resume_import`."""
        async with self._turns.setdefault(name, asyncio.Lock()):
            await self._resume(name)

    async def _resume(self, name: str) -> None:
        while (importer := self._importers.get(name)) is not None:
            if not importer.ending:
                importer.run.row.reason = ""
                importer.run.resume()
                await self.catalog.set_state(importer.run.row.id, State.RUNNING, before=State.PAUSED)
                return
            await asyncio.wait([self._tasks[name]])
        await self._take_up(name)

    async def _take_up(self, name: str, again: Selection | None = None) -> None:
        async with AsyncExitStack() as stack:
            begun = await self.starter.take_up(stack, name, again)
            if begun.run.row.state in ENDED:
                await begun.run.recount()
                self.views.end(begun.run, begun.run.row)
            else:
                await self._plan(begun)
                self._run(begun)

    async def retry_import(self, name: str, selection: Selection) -> int:
        """Files that had failed are to do once more; how many failed ones that is about.

        One that runs brings them in before it ends. One that does not, also one that is done, is taken up again:
        its source is listed anew, it gets another verdict and another receipt, and keeps the one it had.
        Raises UsageError, SourceError, ArchiveError.
        """
        async with self._turns.setdefault(name, asyncio.Lock()):
            row = await self.catalog.import_named(name)
            count = await self.catalog.failed(row.id, selection) if row is not None else 1
            if not count:
                raise UsageError(f"nothing of import {name} has failed so.", "Look at its errors again.")
            while (importer := self._importers.get(name)) is not None:
                if importer.copying:
                    if not (count := await importer.again(selection)):
                        raise UsageError("what could not be listed waits for another run.", "Retry at its end.")
                    await self._resume(name)
                    return count
                await asyncio.wait([self._tasks[name]])
            await self._take_up(name, selection)
            self.waiting.forget(name)
            return count

    async def pause_import(self, name: str, reason: str = "by the user") -> None:
        """Stop reading and writing now; the engine keeps its place. Raises UsageError."""
        importer = self._importers.get(name)
        if importer is not None and importer.ending and not importer.cancelled:
            # It is just being left.
            await asyncio.wait([self._tasks[name]])
        if name in self.waiting and name not in self._importers:
            self.waiting.forget(name)
            row = await self.catalog.import_named(name)
            if row is not None:
                await self.catalog.set_state(row.id, State.PAUSED, reason, before=State.PAUSED)
            return
        importer = self._running(name)
        importer.run.pause()
        importer.run.row.reason = reason
        await self.catalog.set_state(importer.run.row.id, State.PAUSED, reason, before=State.RUNNING)

    async def cancel_import(self, name: str) -> None:
        """End an import here, also one that does not run: it gets its receipt, and needs its source no more.

        Raises UsageError, ArchiveError.
        """
        async with self._turns.setdefault(name, asyncio.Lock()):
            self.waiting.forget(name)
            importer = self._importers.get(name)
            if importer is not None and importer.ending and not importer.cancelled:
                # It is being left paused, or was just through.
                await asyncio.wait([self._tasks[name]])
                importer = self._importers.get(name)
                self.waiting.forget(name)
            if importer is None:
                async with AsyncExitStack() as stack:
                    begun = await self.starter.put_away(stack, name)
                    importer = self._run(begun)
            importer.cancel()
            importer.run.resume()

    def _running(self, name: str) -> Importer:
        importer = self._importers.get(name)
        if importer is None or importer.ending:
            raise UsageError(f"import {name} does not run.", "See `lading imports`.")
        return importer

    async def wait(self, names: Sequence[str]) -> None:
        """Until all of these imports have ended or were left paused. Raises the program's own faults."""
        tasks = [asyncio.shield(self._tasks[name]) for name in names if name in self._tasks]
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    def snapshot(self) -> Snapshot:
        """What is happening now."""
        snapshot = self.views.snapshot(
            list(self._importers.values()),
            self.limits,
            list(self.starter.controllers.values()),
            self.metrics.rates(),
        )
        return msgspec.structs.replace(snapshot, queues=self.background.views())

    # The background

    async def queue_pause(self, name: str) -> None:
        """Begin no more jobs of a queue. Raises UsageError."""
        await self.background.worker.pause(name)

    async def queue_resume(self, name: str) -> None:
        """Go on with a queue. Raises UsageError."""
        await self.background.worker.resume(name)

    async def queue_slots(self, name: str, slots: int) -> None:
        """So many calls of a queue at once. Raises UsageError."""
        await self.background.worker.resize(name, slots)

    async def jobs(self, state: str = "", queue: str = "", after: int = 0, count: int = 100) -> list[JobView]:
        """Jobs with ids beyond `after`, of one state and one queue where these are given."""
        return await self.background.page(state, queue, after, count)

    async def retry(self, queue: str = "", ids: Sequence[int] | None = None) -> int:
        """Try dead jobs again, all of them, or those of a queue or with these ids; how many jobs that revives."""
        return await self.background.retry(queue, ids)

    async def finish(self, names: Sequence[str]) -> None:
        """Until these imports have ended, and all they left to be done, but for what waits until a person acts."""
        await self.wait(names)
        rows = [await self.catalog.import_named(name) for name in names]
        await self.background.finish([row.id for row in rows if row is not None])


def _halt(importer: Importer) -> None:
    """Leave an import whose archive is another engine's now, or does not answer."""
    lock = importer.run.archive.lock
    if lock.away:
        importer.halt(lock.why, BACK, waits=Waits.ARCHIVE)
    else:
        importer.halt(lock.why, "See to the archive, then resume.")


__all__ = ["LOCK", "Engine"]
