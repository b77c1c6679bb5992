"""All imports of one engine: started, paused, resumed, retried, cancelled, and awaited."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import msgspec

from core.aio import to_the_end
from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow, Selection
from core.engine.copied_verdicts import CopiedVerdicts
from core.engine.ended_imports import EndedImports
from core.engine.import_factory import Begun, ImportFactory
from core.engine.import_groups import ImportGroups
from core.engine.import_target import into_several, look_for, placed
from core.engine.job_service import JobService
from core.engine.volume_wait import VolumeWait
from core.errors import UsageError
from core.import_choices import Acceptable
from core.importing.dry_run import DryRun, recognised
from core.importing.import_run import Run
from core.importing.importer import Importer
from core.importing.progress_view import ProgressViews
from core.importing.sources import Picked
from core.models import ENDED, ImportRequest, State
from core.results import Survey
from core.workers.pool import Pool

log = logging.getLogger("lading.engine")


class ImportManager:
    """Each import in progress has a task that runs it; those in `waiting` resume when their volume is back."""

    def __init__(
        self,
        pool: Pool,
        catalog: Catalog,
        archives: Archives,
        factory: ImportFactory,
        jobs: JobService,
        views: ProgressViews,
        ended_imports: EndedImports,
        verdicts: CopiedVerdicts,
        cores: int,
    ) -> None:
        self.ended: Callable[[ImportRow], None] = lambda row: None
        """Called with each import that has ended or was left paused."""
        self.begun: Callable[[ImportRow], None] = lambda row: None
        """Called with each import that begins or goes on."""
        self._pool = pool
        self._catalog = catalog
        self._archives = archives
        self._factory = factory
        self._jobs = jobs
        self._views = views
        self._ended_imports = ended_imports
        self._cores = cores
        self._importers: dict[str, Importer] = {}
        self.groups = ImportGroups(catalog, archives, factory, verdicts, self._importers)
        self.waiting = VolumeWait(catalog, archives, factory, self.go_on, self.groups.places)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    @property
    def under_way(self) -> Mapping[str, Importer]:
        """The importers of all imports in progress, including paused ones, by id."""
        return self._importers

    @property
    def running(self) -> int:
        """How many imports are not paused."""
        return sum(1 for importer in self._importers.values() if not importer.run.paused)

    @property
    def transfers(self) -> int:
        """How many workers are busy for imports."""
        return sum(len(one.run.workers.in_flight) for one in self._importers.values() if not one.run.paused)

    async def stop_waiting(self) -> None:
        """From now on no import resumes by itself."""
        await self.waiting.stop()

    async def stop(self) -> None:
        """Halt all imports; they are left paused."""
        for importer in self._importers.values():
            importer.halt("Lading was stopped", "Resume it whenever you like.")
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # Start

    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]:
        """Begin an import for each source; a source that lies inside another one is part of that import.

        Raises SourceError, ArchiveError, UsageError; then none has begun.
        """
        async with AsyncExitStack() as stack:
            begun = await self._factory.begin(stack, requests)
            for one in begun:
                await self.plan(one)
            for one in begun:
                # The first one of a group reads the source.
                one.run.reads_source = one.run.row.first
            for one in begun:
                self._run(one)
        return [one.run.row.name for one in begun]

    async def plan(self, begun: Begun) -> None:
        run = begun.run
        try:
            await self._jobs.begin(run.archive.id, run.row.id, run.row.location_id)
        except BaseException:
            state = self._catalog.set_state(run.row.id, State.PAUSED, "it could not be begun", "Resume it.")
            await to_the_end(state)
            raise
        run.added = self._jobs.wake

    def _run(self, begun: Begun) -> Importer:
        run = begun.run
        name = run.row.name
        note("begins", run.row)
        self.begun(run.row)
        # Until the next tick counts its workers, background work yields to it completely.
        self._jobs.worker.copying(self._cores)
        run.archive.active.add(name)
        if run.row.together and not run.retried:
            run.choose_leader = self.groups.choose
        self._warn_of_twice(run)
        importer = Importer(run, begun.whole, begun.whole_root, begun.whole_only)
        self._importers[name] = importer
        self._views.add(run)
        self._tasks[name] = asyncio.create_task(self._follow(name, importer), name=name)
        return importer

    def _warn_of_twice(self, run: Run) -> None:
        """Warn if the same source is being imported already, because each of the two reads all of it."""
        mine = run.row
        for other in (importer.run.row for importer in self._importers.values()):
            same = (other.volume_id, other.root, other.single) == (mine.volume_id, mine.root, mine.single)
            if same and (not mine.together or other.together != mine.together):
                run.warn(f"Another import of this source is under way, {other.name}: it is read twice.")

    async def _follow(self, name: str, importer: Importer) -> None:
        run = importer.run
        row: ImportRow | None = None
        try:
            await importer.go()
        finally:
            try:
                row = await self._catalog.import_named(name)
                if row is not None and row.state == State.RUNNING:
                    # The database could not store its end, so the run's own state is shown.
                    row = run.row
            finally:
                del self._importers[name]
                self._views.end(run, row or run.row)
                note("ended", row or run.row)
                try:
                    self._ended_imports.ended(run.row.id)
                    await self._jobs.ended()
                    if row is not None:
                        self.ended(row)
                        await self.groups.ended(row)
                    if row is not None and row.state == State.PAUSED and row.waits:
                        await self.waiting.add(row, importer.check)
                finally:
                    await self._archives.leave(run.archive, name)

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]:
        """What importing these sources would do, into each of their archives; nothing is written. Raises
        SourceError, ArchiveError."""
        surveys: list[Survey] = []
        for request, source in await self._factory.pick(requests):
            requests_of_each = [msgspec.structs.replace(request, archive=path) for path in request.also]
            survey = await self._survey(request, source)
            others = [await self._survey(one, source) for one in requests_of_each]
            surveys.append(into_several(survey, list(zip(request.also, others, strict=True))))
        return surveys

    async def recognise(self, source: str, archive: str, files: Sequence[tuple[bytes, int, int]]) -> list[bool]:
        """Of files below a source (path, size, time in nanoseconds): whether each was archived before, as a survey
        counts it. Raises SourceError."""
        (picked,) = await self._factory.sources([source])
        target = await look_for(archive, self._pool, self._catalog, self._archives.whereabouts)
        return await recognised(files, picked, target.archive_id, self._catalog)

    async def _survey(self, request: ImportRequest, source: Picked) -> Survey:
        target = await look_for(request.archive, self._pool, self._catalog, self._archives.whereabouts)
        surveyor = DryRun(request, source, target.archive_id, self._pool, self._catalog)
        return placed(await surveyor.run(target.avoid, target.room), request, source, target)

    # Control

    async def resume_import(self, name: str, accept: Sequence[Acceptable] = ()) -> None:
        """Resume a paused or interrupted import, and those of its group that do not run. From now on they `accept`
        this, too.

        Raises UsageError, SourceError, ArchiveError.
        """
        if accept:
            await self._accept_more(name, accept)
        await self.go_on(name)
        self.waiting.forget(name)

        async def go_on(other: str) -> None:
            resumed = self._importers.get(name)
            # A person may have paused the group meanwhile.
            if resumed is None or not resumed.run.paused:
                await self.go_on(other)

        await self.groups.resume_others(name, go_on, self.waiting)

    async def _accept_more(self, name: str, accept: Sequence[Acceptable]) -> None:
        """Add to what an import and the others of its group accept, of those that have not ended. Raises
        ArchiveError."""
        named = await self._catalog.import_named(name)
        together = named.together if named is not None else ""
        where = "(i.name = ? OR (i.together = ? AND i.together != '')) AND i.state NOT IN (?, ?)"
        for row in await self._catalog.imports(where, (name, together, *ENDED)):
            request = row.request()
            both = (*request.accept, *(kind for kind in accept if kind not in request.accept))
            row.options = ImportRow.options_of(msgspec.structs.replace(request, accept=both))
            await self._catalog.set_import(row.id, options=row.options)
            importer = self._importers.get(row.name)
            if importer is not None and not importer.ending:
                # Any other has its options in the first line of its next run.
                volume = await self._catalog.seen_volume(row.volume_id)
                await self._factory.journal_head(row, volume, importer.run.archive)

    async def go_on(self, name: str) -> None:
        """Resume an import because its volume is back: as `resume_import`, but failed attempts still count."""
        async with self._turns.setdefault(name, asyncio.Lock()):
            await self._resume(name)

    async def _resume(self, name: str) -> None:
        while (importer := self._importers.get(name)) is not None:
            if not importer.ending:
                if importer.run.paused:
                    pauses = importer.run.pauses
                    await importer.check_source()
                    if importer.ending or importer.run.pauses != pauses:
                        # The check has halted the import, or a person has paused it once more meanwhile.
                        return
                importer.run.row.reason = ""
                importer.run.resume()
                await self._catalog.set_state(importer.run.row.id, State.RUNNING, before=State.PAUSED)
                return
            await self._over(name)
        await self._over(name)
        await self._take_up(name)

    async def _over(self, name: str) -> None:
        """Wait until the task of an import's last run has ended. After the run itself that task still leaves the
        archive, and may begin to wait for a volume, both under the import's name, which the next run uses, too."""
        if task := self._tasks.get(name):
            await asyncio.wait([task])

    async def _take_up(self, name: str, again: Selection | None = None) -> None:
        async with AsyncExitStack() as stack:
            begun = await self._factory.take_up(stack, name, again)
            if begun.run.row.state in ENDED:
                await begun.run.recount()
                self._views.end(begun.run, begun.run.row)
            else:
                await self.plan(begun)
                self._run(begun)

    async def retry_import(self, name: str, selection: Selection) -> int:
        """Retry failed files, and return how many there are.

        A running import tries them again before it ends. An import that does not run, even one that is done, is
        resumed: its source is listed anew, and it gets a new verdict and a new receipt; the receipt it had is
        kept. Raises UsageError, SourceError, ArchiveError.
        """
        async with self._turns.setdefault(name, asyncio.Lock()):
            row = await self._catalog.import_named(name)
            count = await self._catalog.count_failed(row.id, selection) if row is not None else 1
            if not count:
                raise UsageError(f"nothing that failed is left in import {name}.", "There is nothing to retry.")
            while (importer := self._importers.get(name)) is not None:
                if importer.copying:
                    if not (count := await importer.retry(selection)):
                        raise UsageError("what could not be listed waits for another run.", "Retry at its end.")
                    await self._resume(name)
                    return count
                if importer.run.paused and not importer.ending:
                    # The run has no files left to copy, and cannot end while it is paused.
                    await self._resume(name)
                    continue
                await self._over(name)
            await self._over(name)
            await self._take_up(name, selection)
            self.waiting.forget(name)
            return count

    async def pause_import(self, name: str, reason: str = "by the user") -> None:
        """Pause an import and all others of its group: they stop reading and writing now, and their runs keep
        their place. Raises UsageError."""
        importer = self._importers.get(name)
        if importer is None or (importer.ending and not importer.cancelled):
            # The import's task is about to end, or has ended.
            await self._over(name)
        if name in self.waiting and name not in self._importers:
            self.waiting.forget(name)
            # Its volume may be back, so that it is just being resumed by itself: that takes its turn first.
            async with self._turns.setdefault(name, asyncio.Lock()):
                if name not in self._importers:
                    row = await self._catalog.import_named(name)
                    if row is not None and row.state not in ENDED:
                        await self._catalog.set_state(row.id, State.PAUSED, reason)
                    return
        importer = self._running(name)
        together = importer.run.row.together
        for one in (importer, *(other for _, other in self.groups.others_under_way(name, together))):
            one.run.pause()
            one.run.row.reason = reason
            await self._catalog.set_state(one.run.row.id, State.PAUSED, reason, before=State.RUNNING)

    async def cancel_import(self, name: str) -> None:
        """Cancel an import, also one that does not run. It gets its receipt; its source is not needed. If it is
        under way, the others of its group that are under way are cancelled, too.

        Raises UsageError, ArchiveError.
        """
        async with self._turns.setdefault(name, asyncio.Lock()):
            self.waiting.forget(name)
            importer = self._importers.get(name)
            if importer is None or (importer.ending and not importer.cancelled):
                # The import was halted or is complete, so its task is about to end, or has ended.
                await self._over(name)
                importer = self._importers.get(name)
                self.waiting.forget(name)
            under_way = importer is not None
            if importer is None:
                async with AsyncExitStack() as stack:
                    begun = await self._factory.begin_closing(stack, name)
                    importer = self._run(begun)
            others = list(self.groups.others_under_way(name, importer.run.row.together)) if under_way else []
            for one in (importer, *(other for _, other in others)):
                one.cancel()
                one.run.resume()

    def _running(self, name: str) -> Importer:
        importer = self._importers.get(name)
        if importer is None or importer.ending:
            raise UsageError(f"import {name} does not run.", "See `lading imports`.")
        return importer

    async def wait(self, names: Sequence[str]) -> None:
        """Wait until all of these imports have ended or were left paused. Raises unexpected errors of their
        tasks."""
        tasks = [asyncio.shield(self._tasks[name]) for name in names if name in self._tasks]
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def finish(self, names: Sequence[str]) -> None:
        """Wait until these imports and their jobs have ended, except for jobs that wait for a person."""
        await self.wait(names)
        rows = [await self._catalog.import_named(name) for name in names]
        numbers = [row.id for row in rows if row is not None]
        await self._jobs.finish(numbers)
        # Files found to be unopenable are added to receipts, which adds another job for the bag.
        await self._ended_imports.look()
        await self._jobs.finish(numbers)


def note(what: str, row: "ImportRow") -> None:
    """Log that an import has begun or ended."""
    facts = {"import": row.name, "run": row.runs, "state": str(row.state), "verdict": row.verdict}
    facts["reason"] = row.verdict_reason or row.reason
    given = {name: fact for name, fact in facts.items() if fact}
    logging.getLogger("lading.imports").info("an import %s", what, extra=given)
