"""The poll loop: claims jobs for free slots, records their results, and sleeps when there are none."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import aiosqlite

from core.errors import DatabaseError, UsageError
from core.hardware import Profile
from core.queue import claims, queue_defs
from core.queue.blocked_reason import ReachableArchives, Readiness
from core.queue.claims import Claimed
from core.queue.execution import CANCEL_TIMEOUT, Execution
from core.queue.jobs import Finished, Jobs
from core.queue.queue_defs import QUEUES, Queue
from core.queue.stats import QueueStats
from core.queue.throttle import Throttle
from core.snapshot import ErrorGroup, QueueView
from core.tasks.task import Context, QueueTask

SLOTS, SLOTS_PER_CORE = 16, 8
"""A person can give a queue the larger of these: so many, or so many for each core."""

LIMIT = 600.0
"""Seconds without progress after which a call is stuck; a task may define its own `limit`."""

log = logging.getLogger("lading.jobs")

LONG, SHOWN = 1.0, 8
"""Seconds after which a running call is shown by name, and how many are shown at most."""

RETRY_DELAY = 1.0
"""Seconds until a retry when the database cannot be written."""


class QueueWorker:
    """Runs the jobs of one engine. Only its loop changes jobs that are claimed."""

    def __init__(
        self,
        jobs: Jobs,
        tasks: Sequence[QueueTask],
        context: Context,
        archives: ReachableArchives,
        profile: Profile,
        queues: Sequence[Queue] = QUEUES,
    ) -> None:
        self._most = max(SLOTS, SLOTS_PER_CORE * profile.cores)
        self.throttle = Throttle(queues, queue_defs.slots(profile, queues), profile.cores)
        self._jobs = jobs
        self._tasks = {task.queue: task for task in tasks}
        self._context = context
        self._archives = archives
        self._readiness = Readiness(self._tasks, self.throttle, archives, context.scratch)
        self._poll_busy, self._poll_idle = profile.poll_busy_ms / 1000, profile.poll_idle_ms / 1000
        self._order = [queue.name for queue in sorted(queues, key=lambda queue: -queue.priority)]
        self._stats = QueueStats(jobs.database, self._order)
        self._calls: dict[asyncio.Task[list[Finished]], Execution] = {}
        self._finished: list[Finished] = []
        self._taken_back: set[tuple[str, int]] = set()
        self._turns = 0
        self._work = asyncio.Event()
        self._stopping = False
        self.loops: tuple[asyncio.Task[None], ...] = ()
        """The tasks that run from `start` until `stop`."""

    # Life

    async def start(self) -> None:
        """Release what dead runs of the engine had claimed, and begin."""
        for name, (paused, slots) in (await self._jobs.settings()).items():
            if name in self.throttle.slots:
                self.throttle.slots[name] = slots or self.throttle.slots[name]
                self.throttle.paused |= {name} if paused else set()
        self._taken_back = set(await self._jobs.take_back())
        await self._stats.refresh(self._jobs.changes)
        self._counting = asyncio.create_task(self._count(), name="jobs counted")
        self.loops = asyncio.create_task(self._run(), name="jobs"), self._counting

    def wake(self) -> None:
        """Poll at once, because jobs were added in this process."""
        self._jobs.changes += 1
        self._work.set()

    async def stop(self) -> None:
        """Cancel all calls, release their jobs, and end the tasks' child processes. Stuck calls are not waited
        for."""
        self._stopping = True
        self._work.set()
        self._counting.cancel()
        await asyncio.gather(*self.loops, return_exceptions=True)
        for one in list(self._calls):
            one.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=CANCEL_TIMEOUT + 1)
        for call in self._calls.values():
            self._finished += call.unfinished()
        with suppress(DatabaseError):  # otherwise the next engine releases them
            await self._jobs.turn(self._finished, None)
        if self._tasks:
            closing = [asyncio.ensure_future(task.close()) for task in self._tasks.values()]
            await asyncio.wait(closing, timeout=CANCEL_TIMEOUT)
        await self._archives.close()

    # Control

    async def pause(self, name: str) -> None:
        """Begin no more calls of a queue; running ones continue. Raises UsageError."""
        self.check(name)
        await self._jobs.set_paused(name, True)
        self.throttle.paused.add(name)

    async def resume(self, name: str) -> None:
        """Resume a queue. Raises UsageError."""
        self.check(name)
        await self._jobs.set_paused(name, False)
        self.throttle.paused.discard(name)
        self.wake()

    async def resize(self, name: str, slots: int) -> None:
        """Set how many calls of a queue may run at once; running ones continue. Raises UsageError."""
        self.check(name)
        if slots < 1:
            raise UsageError(f"{slots} slots are too few.", "Give 1 or more, or pause the queue.")
        if slots > self._most:
            raise UsageError(f"{slots:,} slots are too many for this machine.", f"Give {self._most} at most.")
        await self._jobs.set_slots(name, slots)
        self.throttle.slots[name] = slots
        self.wake()

    def check(self, name: str) -> None:
        """Raises UsageError when there is no such queue."""
        if name not in self._order:
            raise UsageError(f"there is no queue {name}.", f"There are: {', '.join(self._order)}.")

    def copying(self, transfers: int) -> None:
        """Set the number of transfers of imports that are running."""
        if transfers != self.throttle.transfers:
            self.throttle.copying(transfers)
            self._work.set()

    # What is seen

    @property
    def busy(self) -> Counter[str]:
        """Running calls, by queue."""
        return Counter(call.queue for call in self._calls.values())

    def views(self) -> tuple[QueueView, ...]:
        """All queues, as of the last count."""
        reasons = {name: self._readiness.reason(name) for name in self._order}
        at_work = [(call.queue, *call.at) for call in self._long()]
        return self._stats.views(self.busy, self.throttle.slots, self.throttle.paused, reasons, at_work)

    def failures(self) -> tuple[ErrorGroup, ...]:
        """Causes of dead jobs."""
        return self._stats.failures()

    @property
    def has_work(self) -> bool:
        """Whether anything runs, or would run without a person's action."""
        return bool(self._calls or self._finished) or any(
            self._stats.pressing(name) and not self._readiness.until_someone_acts(name) for name in self._order
        )

    async def unfinished_of(self, imports: Sequence[int]) -> dict[str, int]:
        """By queue, unfinished jobs of these imports, without those that wait for a person's action or for an
        archive."""
        found: Counter[str] = Counter()
        for name, archive, count in await self._stats.of_imports(imports):
            if not self._readiness.until_someone_acts(name) and archive not in self._archives.away:
                found[name] += count
        return dict(found)

    async def _count(self) -> None:
        failing = False
        while True:
            try:
                await self._stats.refresh(self._jobs.changes)
                await self._stats.name([call.at[0] for call in self._long()])
                failing = False
            except Exception:
                # Logged once until it succeeds again; the counts shown are stale meanwhile.
                if not failing:
                    log.exception("jobs cannot be counted")
                failing = True
            await asyncio.sleep(1)

    def _long(self) -> list[Execution]:
        """The first SHOWN of the calls that have run for more than LONG seconds."""
        now = time.monotonic()
        return [call for call in self._calls.values() if now - call.begun > LONG][:SHOWN]

    # The loop

    async def _run(self) -> None:
        while not self._stopping:
            self._work.clear()
            try:
                worked = await self._turn()
                self._readiness.trouble = ""
            except Exception as error:
                # Nothing is lost: results are kept, and written by a later turn.
                if not self._readiness.trouble:
                    log.exception("jobs cannot go on")
                self._readiness.trouble = str(error)
                await asyncio.sleep(RETRY_DELAY)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_busy if worked or self._calls else self._poll_idle):
                    await self._work.wait()

    async def _turn(self) -> bool:
        """Record results and start ready jobs. Returns whether there was anything to do."""
        finished = self._finished
        if not finished and not await self._anything_to_do():
            return False
        self._finished = []
        try:
            taken = await self._jobs.turn(finished, self._claim)
        except BaseException:
            self._finished = finished + self._finished
            raise
        self._taken_back.difference_update((one.job.queue, one.job.id) for one in finished)
        for part in taken or []:
            self._begin(part)
        return bool(finished or taken)

    async def _anything_to_do(self) -> bool:
        """Whether a job can begin or has become due; one read, however many jobs wait."""
        busy, resting = self.busy, self.throttle.resting
        opened = [name for name in self._order if self._readiness.open(name)]
        free = [name for name in opened if self.throttle.free(name, busy)]
        # While calls pause beside copies, archives are opened all the same, so that they stay open between calls.
        queues = opened if resting else free
        if not queues:
            return False
        ready, due = await self._jobs.look(queues)
        if not (ready or due or self._calls):
            self._archives.rest()
        if (ready or due) and free:
            # Not before: to ask exiftool for its version takes as long as the start of a worker.
            await self._readiness.look()
        can = [(queue, archive) for queue, archive in ready if self._readiness.can(queue)]
        # `usable` begins to look for an archive that is not open, so it is called for all of them.
        usable = [queue for queue, archive in can if self._archives.usable(archive, queue)]
        return due or any(self._free(queue, self.busy) for queue in usable)

    def _free(self, name: str, busy: Counter[str]) -> int:
        return self.throttle.free(name, busy) if self._readiness.can(name) else 0

    async def _claim(self, connection: aiosqlite.Connection) -> list[list[Claimed]]:
        """Claim jobs for all free slots, grouped by call. Only as many are claimed as the slots take."""
        now, busy = time.time(), self.busy
        await claims.promote(connection, now)
        ready, _ = await claims.look(connection, [name for name in self._order if self._free(name, busy)], now)
        self._turns += 1
        calls: list[list[Claimed]] = []
        for name in self._order:
            # Archives take turns.
            archives = sorted(archive for queue, archive in ready if queue == name)
            turn = self._turns % max(1, len(archives))
            for archive in archives[turn:] + archives[:turn]:
                free = self._free(name, busy)
                if not free or not self._archives.usable(archive, name):
                    continue
                # Jobs that a dead run had claimed are run one at a time, because one of them may have crashed the
                # engine.
                careful = any(queue == name for queue, _ in self._taken_back)
                together = 1 if careful else self.throttle.together(self._tasks[name].together)
                jobs = await claims.claim(connection, self._jobs.run, name, archive, free * together, now)
                size = min(together, -(-len(jobs) // free))
                calls += [jobs[at : at + size] for at in range(0, len(jobs), max(1, size))]
                busy[name] += -(-len(jobs) // max(1, size))
        return calls

    def _begin(self, claimed: list[Claimed]) -> None:
        archive = claimed[0].archive_id
        task = self._tasks[claimed[0].job.queue]
        limit: float = getattr(task, "limit", LIMIT)
        jobs = [one.job for one in claimed]
        call = Execution(task, jobs, self._context, limit, partial(self._counts, archive), self._report)
        served = asyncio.create_task(call.serve(), name=f"{task.queue} {jobs[0].id}")
        self._calls[served] = call
        served.add_done_callback(self._served)

    async def _counts(self, archive: int) -> bool:
        """Whether a job that has failed just now counts as failed: its archive answers, and there was room for
        what it makes in the state folder."""
        return not await self._readiness.full() and await self._archives.present(archive)

    def _report(self, finished: Finished) -> None:
        self._finished.append(finished)
        self._work.set()

    def _served(self, served: asyncio.Task[list[Finished]]) -> None:
        call = self._calls.pop(served)
        self.throttle.ended(call.queue, time.monotonic() - call.begun)
        failed = served.cancelled() or served.exception() is not None
        self._finished += call.unfinished() if failed else served.result()
        self._work.set()
