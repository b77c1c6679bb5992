"""The poll loop: fills free slots with claimed jobs, writes what became of them, else sleeps."""

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
from core.models import QueueView
from core.queue import claims, kinds
from core.queue.call import GRACE, Call
from core.queue.claims import Claimed
from core.queue.jobs import Finished, Jobs
from core.queue.kinds import QUEUES, Queue
from core.queue.sharing import Sharing
from core.queue.standing import Archives, Standing
from core.queue.tally import Tally
from core.tasks.task import Context, Task

LIMIT = 600.0
"""Seconds without progress after which a call is stuck; a task may have a `limit` of its own."""

log = logging.getLogger("lading.jobs")

LONG, SHOWN = 1.0, 8
"""Seconds after which a call is shown by name, and how many are."""

TROUBLE = 1.0
"""Seconds to wait when the database cannot be written."""


class Worker:
    """Does the jobs of one engine. What changes jobs that are claimed is its one loop."""

    def __init__(
        self,
        jobs: Jobs,
        tasks: Sequence[Task],
        context: Context,
        archives: Archives,
        profile: Profile,
        queues: Sequence[Queue] = QUEUES,
    ) -> None:
        self.sharing = Sharing(queues, kinds.slots(profile, queues), profile.cores)
        self._jobs = jobs
        self._tasks = {task.queue: task for task in tasks}
        self._context = context
        self._archives = archives
        self._standing = Standing(self._tasks, self.sharing, archives)
        self._poll_busy, self._poll_idle = profile.poll_busy_ms / 1000, profile.poll_idle_ms / 1000
        self._order = [queue.name for queue in sorted(queues, key=lambda queue: -queue.priority)]
        self._tally = Tally(jobs.database, self._order)
        self._calls: dict[asyncio.Task[list[Finished]], Call] = {}
        self._finished: list[Finished] = []
        self._taken_back: set[tuple[str, int]] = set()
        self._turns = 0
        self._work = asyncio.Event()
        self._stopping = False

    # Life

    async def start(self) -> None:
        """Take back what a dead engine held, and begin."""
        for name, (paused, slots) in (await self._jobs.settings()).items():
            if name in self.sharing.slots:
                self.sharing.slots[name] = slots or self.sharing.slots[name]
                self.sharing.paused |= {name} if paused else set()
        self._taken_back = set(await self._jobs.take_back())
        await self._tally.refresh(self._jobs.changes)
        self._loop = asyncio.create_task(self._run(), name="jobs")
        self._counting = asyncio.create_task(self._count(), name="jobs counted")

    def wake(self) -> None:
        """Work was added in this process: look at once."""
        self._jobs.changes += 1
        self._work.set()

    async def stop(self) -> None:
        """Cancel all calls, give back what they had, end the tasks' child processes. Waits for nothing stuck."""
        self._stopping = True
        self._work.set()
        self._counting.cancel()
        await asyncio.gather(self._loop, self._counting, return_exceptions=True)
        for one in list(self._calls):
            one.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=GRACE + 1)
        for call in self._calls.values():
            self._finished += call.unfinished()
        with suppress(DatabaseError):  # else the next engine takes them back
            await self._jobs.turn(self._finished, None)
        if self._tasks:
            closing = [asyncio.ensure_future(task.close()) for task in self._tasks.values()]
            await asyncio.wait(closing, timeout=GRACE)
        await self._archives.close()

    # Control

    async def pause(self, name: str) -> None:
        """Begin no more calls of a queue. Raises UsageError."""
        self.check(name)
        await self._jobs.set_paused(name, True)
        self.sharing.paused.add(name)

    async def resume(self, name: str) -> None:
        """Go on with a queue. Raises UsageError."""
        self.check(name)
        await self._jobs.set_paused(name, False)
        self.sharing.paused.discard(name)
        self.wake()

    async def resize(self, name: str, slots: int) -> None:
        """So many calls of a queue at once; those at work go on. Raises UsageError."""
        self.check(name)
        if slots < 1:
            raise UsageError(f"{slots} slots are too few.", "Give 1 or more, or pause the queue.")
        await self._jobs.set_slots(name, slots)
        self.sharing.slots[name] = slots
        self.wake()

    def check(self, name: str) -> None:
        """Raises UsageError when there is no such queue."""
        if name not in self._order:
            raise UsageError(f"there is no queue {name}.", f"There are: {', '.join(self._order)}.")

    def copying(self, transfers: int) -> None:
        """So many transfers of imports are at work now."""
        if transfers != self.sharing.transfers:
            self.sharing.copying(transfers)
            self._work.set()

    # What is seen

    @property
    def busy(self) -> Counter[str]:
        """Calls at work, by queue."""
        return Counter(call.queue for call in self._calls.values())

    def views(self) -> tuple[QueueView, ...]:
        """All queues as they were a moment ago."""
        reasons = {name: self._standing.reason(name) for name in self._order}
        at_work = [(call.queue, *call.at) for call in self._long()]
        return self._tally.views(self.busy, self.sharing.slots, self.sharing.paused, reasons, at_work)

    @property
    def wants(self) -> bool:
        """Whether there is anything that it does or would do without anybody's help."""
        return bool(self._calls or self._finished) or any(
            self._tally.pressing(name) and not self._standing.until_someone_acts(name) for name in self._order
        )

    async def left(self, imports: Sequence[int]) -> dict[str, int]:
        """Jobs still to be done for these imports, by queue, but for those that wait until a person acts."""
        found: Counter[str] = Counter()
        for name, archive, count in await self._tally.of_imports(imports):
            if not self._standing.until_someone_acts(name) and archive not in self._archives.away:
                found[name] += count
        return dict(found)

    async def _count(self) -> None:
        while True:
            with suppress(Exception):
                await self._tally.refresh(self._jobs.changes)
                await self._tally.name([call.at[0] for call in self._long()])
            await asyncio.sleep(1)

    def _long(self) -> list[Call]:
        """Calls that have gone on for a while, the first of them."""
        now = time.monotonic()
        return [call for call in self._calls.values() if now - call.begun > LONG][:SHOWN]

    # The loop

    async def _run(self) -> None:
        while not self._stopping:
            self._work.clear()
            try:
                worked = await self._turn()
                self._standing.trouble = ""
            except Exception as error:
                # Nothing is lost: what has finished is written by a later turn.
                if not self._standing.trouble:
                    log.exception("jobs cannot go on")
                self._standing.trouble = str(error)
                await asyncio.sleep(TROUBLE)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_busy if worked or self._calls else self._poll_idle):
                    await self._work.wait()

    async def _turn(self) -> bool:
        """Write what has finished, and begin what is ready; whether there was anything to do."""
        finished = self._finished
        if not finished and not await self._something():
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

    async def _something(self) -> bool:
        """Whether a job can begin, or has become due: one read, whatever waits."""
        await self._standing.look()
        free = [name for name in self._order if self._free(name, self.busy)]
        # While they rest the archives are looked for already: they are open as long as an import runs into them.
        queues = list(filter(self._standing.can, self._order)) if self.sharing.resting else free
        if not queues:
            return False
        ready, due = await self._jobs.look(queues)
        if not (ready or due or self._calls):
            self._archives.rest()
        # Each is asked, so that all that are not open yet are looked for at once.
        usable = [queue for queue, archive in ready if self._archives.usable(archive)]
        return due or any(queue in free for queue in usable)

    def _free(self, name: str, busy: Counter[str]) -> int:
        return self.sharing.free(name, busy) if self._standing.can(name) else 0

    async def _claim(self, connection: aiosqlite.Connection) -> list[list[Claimed]]:
        """Jobs for every free slot, by call. Slots are taken first, then jobs for them."""
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
                if not free or not self._archives.usable(archive):
                    continue
                # What a dead engine was doing is tried one by one: it may have been the cause.
                careful = any(queue == name for queue, _ in self._taken_back)
                together = 1 if careful else self.sharing.together(self._tasks[name].together)
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
        call = Call(task, jobs, self._context, limit, partial(self._archives.present, archive), self._report)
        served = asyncio.create_task(call.serve(), name=f"{task.queue} {jobs[0].id}")
        self._calls[served] = call
        served.add_done_callback(self._served)

    def _report(self, finished: Finished) -> None:
        self._finished.append(finished)
        self._work.set()

    def _served(self, served: asyncio.Task[list[Finished]]) -> None:
        call = self._calls.pop(served)
        self.sharing.ended(call.queue, time.monotonic() - call.begun)
        failed = served.cancelled() or served.exception() is not None
        self._finished += call.unfinished() if failed else served.result()
        self._work.set()
