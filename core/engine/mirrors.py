"""The mirrors of one engine: started, shown, paused, cancelled; and those that the configuration asks for after
imports.

A paused mirror holds neither archive open, so that a disk can be removed. When resumed, it lists what is still
lacking.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from core import archive_layout
from core.archives import copies, location_sync
from core.archives.archive import Archive
from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow
from core.config import Config
from core.engine import mirror_pair
from core.engine.copied_verdicts import CopiedVerdicts
from core.engine.job_service import JobService
from core.engine.mirroring import Mirroring
from core.engine.offsite import Offsite
from core.engine.volume_wait import LONGEST_INTERVAL, POLL_INTERVAL, answers
from core.errors import ArchiveAwayError, LadingError, UsageError
from core.importing.run_workers import Limits
from core.journal.replay import JournalReplay
from core.maintenance.mirror import Mirror
from core.maintenance.mirror_run import MirrorRun
from core.maintenance.move_import import Mover
from core.models import ENDED, State
from core.offsite.rclone import OffsiteError
from core.paths import is_remote
from core.results import MirrorResult, OffsiteResult
from core.snapshot import MirrorView
from core.workers.pool import Pool

SHOWN = 50
"""The most ended mirrors that are still shown."""

log = logging.getLogger("lading.mirrors")


class Mirrors:
    """All mirrors of an engine, by their ids. `limits`: those of imports; `finish` waits for imports, by their
    ids, and all that is added to their archives afterwards; `settings` gives the configuration as it is now."""

    def __init__(
        self,
        pool: Pool,
        catalog: Catalog,
        archives: Archives,
        limits: Limits,
        jobs: JobService,
        verdicts: CopiedVerdicts,
        offsite: Offsite,
        finish: Callable[[Sequence[str]], Awaitable[None]],
        settings: Callable[[], Config],
    ) -> None:
        self._offsite = offsite
        self._finish = finish
        self._pool = pool
        self._catalog = catalog
        self._archives = archives
        self._limits = limits
        self._jobs = jobs
        self._verdicts = verdicts
        self._settings = settings
        self._all: dict[str, Mirroring] = {}
        self._after: set[asyncio.Task[None]] = set()
        self._firsts: dict[str, list[asyncio.Task[None]]] = {}
        """By import id: the mirrors that were started at the import's end."""
        self._once_more_for = Counter[tuple[str, str]]()
        """By source and target: how many imports still have jobs whose results are to be brought, too."""
        self._stopped = False

    def __contains__(self, name: str) -> bool:
        return name in self._all

    @property
    def running(self) -> int:
        """How many mirrors are running, waiting, or about to start."""
        return len(self._after) + sum(one.task is not None for one in self._all.values())

    @property
    def working(self) -> bool:
        """Whether a mirror is at work, and does not wait."""
        return any(one.state is State.RUNNING for one in self._all.values())

    def views(self) -> tuple[MirrorView, ...]:
        """Views of all mirrors, in the order of their start."""
        return tuple(one.view() for one in self._all.values())

    def sample(self) -> None:
        """Measure the progress of mirrors; to be called about once a second."""
        for one in self._all.values():
            if one.run is not None and one.state is State.RUNNING:
                one.meter.add(time.monotonic(), one.run.bytes_moved()[0])

    async def start(
        self,
        source: str,
        target: str,
        *,
        both: bool,
        waits: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> str:
        """Start a mirror, or resume a paused one of the same archives. One of the two may be a remote; rclone runs
        in `environ` then, if that is given. Returns its id. Raises ArchiveError, UsageError."""
        source, target = mirror_pair.places(source, target, both=both)
        for one in list(self._all.values()):
            if {one.source, one.target} == {source, target} and one.ended is None:
                if (one.source, one.both) == (source, both):
                    one.environ = environ
                    await self.resume(one.id)
                    return one.id
                if one.task is not None:
                    raise UsageError("these two are being mirrored already.", "Wait, or cancel it: lading status.")
                await self.cancel(one.id)
        one = Mirroring(source, target, both=both, waits=waits, environ=environ)
        self._all[one.id] = one
        self._begin(one)
        try:
            await asyncio.shield(one.begun)
        except LadingError:
            if not waits:
                del self._all[one.id]
            raise
        for old in [one for one in self._all.values() if one.ended is not None][:-SHOWN]:
            del self._all[old.id]
        return one.id

    def _begin(self, one: Mirroring) -> None:
        one.state, one.error = State.RUNNING, None
        one.over.clear()
        one.away.clear()
        one.task = asyncio.create_task(self._follow(one), name=one.id)

    # Control

    def _running_mirror(self, name: str) -> Mirroring:
        if name not in self._all or self._all[name].ended is not None:
            raise UsageError(f"mirror {name} does not run.", "See `lading status`.")
        return self._all[name]

    async def pause(self, name: str) -> None:
        """Pause a mirror; it releases both archives. Raises UsageError."""
        one = self._running_mirror(name)
        one.state = State.PAUSED
        one.error = None
        await self._end(one)
        await self._catalog.hold_mirror(one.source, one.target, held=True)

    async def resume(self, name: str) -> None:
        """Resume a mirror; one that waits is tried at once. Raises UsageError."""
        one = self._running_mirror(name)
        if one.task is None:
            self._begin(one)
            await self._catalog.hold_mirror(one.source, one.target, held=False)
        else:
            one.try_now()

    async def cancel(self, name: str) -> None:
        """End a mirror; what it has brought is kept. Raises UsageError."""
        one = self._running_mirror(name)
        one.state, one.error, one.ended = State.CANCELLED, None, time.time()
        await self._end(one)
        await self._catalog.mirror_made(one.source, one.target)
        one.over.set()

    async def _end(self, one: Mirroring) -> None:
        if one.task is not None:
            one.task.cancel()
            await asyncio.gather(one.task, return_exceptions=True)

    async def wait(self, name: str) -> None:
        """Wait until a mirror has ended, was left paused, or waits for an archive or a store. With an import's id,
        wait for that of the mirrors started at its end."""
        if name in self._all:
            await self._all[name].at_rest()
        elif tasks := self._firsts.get(name):
            await asyncio.wait(tasks)

    async def results(self, name: str) -> tuple[MirrorResult, ...]:
        """The results of an ended mirror, one for each direction. Raises UsageError, and the error that it ended
        with."""
        if name not in self._all:
            raise UsageError(f"there is no mirror {name}.", "See `lading status`.")
        one = self._all[name]
        if one.error is not None:
            raise one.error
        return tuple(one.results)

    async def offsite_result(self, name: str) -> OffsiteResult:
        """The result of an ended mirror from or to a remote. Raises UsageError, and the error that it ended
        with."""
        await self.results(name)
        found = self._all[name].offsite
        if found is None:
            raise UsageError(f"mirror {name} has no result.", "Begin it again.")
        return found

    async def stop(self) -> None:
        """End all mirrors; what they have brought is kept."""
        self._stopped = True
        tasks = [*self._after, *(one.task for one in self._all.values() if one.task is not None)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # One mirror

    async def _follow(self, one: Mirroring) -> None:
        pause = POLL_INTERVAL
        try:
            while True:
                try:
                    await self._once(one)
                except ArchiveAwayError as error:
                    self._pause_because(one, error)
                    if not one.waits:
                        raise
                    await self._there_again(one, pause)
                    one.away.clear()
                    pause = min(2 * pause, LONGEST_INTERVAL)
                except OffsiteError as error:
                    self._pause_because(one, error)
                    if one.run is not None and one.run.brought[0]:
                        one.retries.reset()
                    if not one.waits or (delay := one.retries.delay()) is None:
                        raise
                    await one.sleep_until_retry(delay)
                else:
                    if not self._once_more_for[one.source, one.target]:
                        await self._catalog.mirror_made(one.source, one.target)
                    one.state, one.ended = State.DONE, time.time()
                    return
                one.state, one.error = State.RUNNING, None
        except LadingError as error:
            self._pause_because(one, error)
        except Exception as error:
            log.exception("a mirror has failed", extra={"mirror": one.id})
            self._pause_because(
                one, LadingError(f"{type(error).__name__}: {error}.", "Its traceback: lading log.")
            )
        finally:
            one.task = None
            one.over.set()
            if not one.begun.done():
                one.begun.set_exception(one.error or UsageError("the mirror was stopped.", "Begin it again."))
                one.begun.exception()  # marked as retrieved, because perhaps nobody awaits it
            log.info("a mirror ended", extra={"mirror": one.id, "state": str(one.state)})

    def _pause_because(self, one: Mirroring, error: LadingError) -> None:
        one.state, one.error = State.PAUSED, error
        if not one.begun.done():
            one.begun.set_exception(error)
            one.begun.exception()

    async def _there_again(self, one: Mirroring, pause: float) -> None:
        """Wait until both archives answer."""
        while True:
            one.away.set()
            await one.sleep(pause)
            paths = [
                os.path.join(os.fsencode(path), os.fsencode(archive_layout.OWN))
                for path in (one.source, one.target)
                if not is_remote(path)
            ]
            if all([await answers(path) for path in paths]):
                return

    async def _once(self, one: Mirroring) -> None:
        one.results, one.offsite = [], None
        if is_remote(one.source) or is_remote(one.target):
            one.offsite = found = await self._offsite.mirror(one)
            if one.waits and found.not_arrived:
                raise OffsiteError(f"{found.not_arrived}.", "See to the store; then mirror again.")
            return
        async with AsyncExitStack() as stack:
            used = self._archives.used(one.source, reading=not one.both, mirror=one.both)
            source, _ = await stack.enter_async_context(used)
            await mirror_pair.apart(self._pool, source, one.target)
            if not one.waits:
                await copies.begin_copy(one.target, source.path, self._pool, self._catalog)
            target, _ = await stack.enter_async_context(self._archives.used(one.target, mirror=True))
            mirror_pair.same(source, target)
            anew: set[str] = set()
            for here, there in ((target, source), (source, target)) if one.both else ((source, target),):
                limits = self._limits
                run = MirrorRun(here, there, self._catalog, self._pool, limits.copy, limits.verify)
                one.running(run)
                async with there.mirroring:
                    one.results.append(await Mirror(run, self._settings(), self._learn, anew).go())
                anew = run.locations
            await self._verdicts.judge(target if source.copy.number else source)

    async def _learn(self, archive: Archive, folders: set[str]) -> None:
        """The archive in use has received files: replay its journals, update its locations and bags, and add
        missing jobs."""
        mover = Mover(archive, self._catalog, self._pool)
        await JournalReplay(archive, self._catalog, self._pool).run(mover.take_up)
        await location_sync.sync(archive.id, archive.place, self._pool, self._catalog)
        for folder in folders:
            await self._jobs.bag_anew(archive.id, await self._catalog.location(archive.id, folder, folder))
        await self._jobs.derive(archive.id)

    # After imports

    def after_import(self, row: ImportRow) -> None:
        """Mirror the archive of an import that has ended to the configured targets: now, and again when its jobs
        have ended. Of a group of imports, the first archive is mirrored."""
        for target in self._targets(row):
            self._ask_for(row, target)

    def after_change(self, row: ImportRow) -> None:
        """Mirror the archive of an ended import once more, because its receipt or report was written to: when the
        location's bag is made anew, unless a mirror is due then already."""
        for target in self._targets(row):
            if not self._once_more_for[os.fsdecode(row.archive_path), target]:
                noted = asyncio.create_task(self._note(row, target), name=f"mirror due {row.name}")
                self._ask_once_more(row, target, noted)

    def _targets(self, row: ImportRow) -> list[str]:
        if self._stopped or row.state not in ENDED or not row.first:
            return []
        here = os.path.abspath(os.fsdecode(row.archive_path))
        return [target for target in self._settings().mirror if target != here]

    async def take_up(self) -> None:
        """Begin the mirrors that imports have asked for, and that the engines until now did not make."""
        for source, target, name in await self._catalog.due_mirrors():
            if target not in self._settings().mirror:
                continue
            if (row := await self._catalog.import_named(name)) is not None:
                self._ask_for(row, target)
            if row is None or os.fsdecode(row.archive_path) != source:
                await self._catalog.mirror_made(source, target)

    def _ask_for(self, row: ImportRow, target: str) -> None:
        first = asyncio.create_task(self._at_once(row, target), name=f"mirror after {row.name}")
        self._firsts.setdefault(row.name, []).append(first)
        self._ask_once_more(row, target, first)

    def _ask_once_more(self, row: ImportRow, target: str, first: "asyncio.Task[None]") -> None:
        self._once_more_for[os.fsdecode(row.archive_path), target] += 1
        task = asyncio.create_task(self._once_more(row, target, first), name=f"mirror once more {row.name}")
        self._after.add(task)
        task.add_done_callback(self._after.discard)

    async def _note(self, row: ImportRow, target: str) -> None:
        await self._catalog.mirror_due(os.fsdecode(row.archive_path), target, row.name)

    async def _at_once(self, row: ImportRow, target: str) -> None:
        await self._note(row, target)
        await self._bring(row, target)

    async def _once_more(self, row: ImportRow, target: str, first: "asyncio.Task[None]") -> None:
        try:
            await first
            await self._finish([row.name])
        finally:
            first.cancel()
            self._once_more_for[os.fsdecode(row.archive_path), target] -= 1
            firsts = [task for task in self._firsts.pop(row.name, []) if task is not first]
            if firsts:
                self._firsts[row.name] = firsts
        await self._bring(row, target)

    async def _bring(self, row: ImportRow, target: str) -> None:
        """Mirror until it has ended, or waits for an archive or a store; then it resumes by itself."""
        source = os.fsdecode(row.archive_path)
        for one in list(self._all.values()):
            if (one.source, one.target) == (source, target) and one.task is not None:
                one.try_now()
                await one.at_rest()
                if one.away.is_set():
                    return  # it brings everything when it goes on
        try:
            one = self._all[await self.start(source, target, both=False, waits=True)]
        except LadingError as error:
            log.warning("a mirror cannot begin yet", extra={"target": target, "reason": str(error)})
        else:
            await one.at_rest()
