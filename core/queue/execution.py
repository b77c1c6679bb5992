"""One call of a task in a slot: cancelled when it is stuck, repeated job by job when it fails as a whole."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from core.aio import time_limit
from core.errors import LadingError
from core.queue.jobs import Finished
from core.tasks.task import Context, Job, QueueTask, Result

log = logging.getLogger("lading.jobs")

CANCEL_TIMEOUT = 5.0
"""Seconds until a cancelled call is abandoned; in that time it should end its child processes."""


class StuckError(LadingError):
    """A call made no progress for too long."""

    title = "Stuck"


class Execution:
    """One call of a queue's task with some jobs on items of one archive.

    `limit`: the call is stuck after this many seconds without progress. `counts` returns whether a failure is the
    jobs' own: it is not when the archive does not answer any more, or the disk of the state folder is full.
    """

    def __init__(
        self,
        task: QueueTask,
        jobs: Sequence[Job],
        context: Context,
        limit: float,
        counts: Callable[[], Awaitable[bool]],
        report: Callable[[Finished], None],
    ) -> None:
        self.queue = task.queue
        self.at: tuple[int, float] = jobs[0].id, 0.0
        """The job in progress, and its progress (0 to 1)."""
        self.begun = time.monotonic()
        self._task = task
        self._jobs = jobs
        self._context = context
        self._limit = limit
        self._counts = counts
        self._report = report
        self._left = {job.id: job for job in jobs}
        self._moved = asyncio.Event()

    async def serve(self) -> list[Finished]:
        """Run the call. Returns the results of those jobs that were not reported meanwhile."""
        try:
            results = await self._attempt(self._jobs)
        except asyncio.CancelledError:
            return self.unfinished()
        except Exception as error:
            expected = isinstance(error, LadingError) and not isinstance(error, StuckError)
            facts = {"queue": self.queue, "jobs": len(self._jobs), "error": _text(error)}
            log.warning("a call failed", exc_info=None if expected else error, extra=facts)
            if len(self._jobs) == 1 or not await self._counts():
                return await self._ended({job.id: Result(error=_text(error)) for job in self._jobs})
            return await self._one_by_one()
        return await self._ended(results)

    def unfinished(self) -> list[Finished]:
        """The jobs without a result, to be released."""
        left, self._left = self._left, {}
        return [Finished(job, None) for job in left.values()]

    async def _one_by_one(self) -> list[Finished]:
        """Find out which job made a call fail, by running each alone."""
        try:
            for job in self._jobs:
                try:
                    results = await self._attempt([job])
                except Exception as error:
                    results = {job.id: Result(error=_text(error))}
                for finished in await self._ended(results, job):
                    self._report(finished)
        except asyncio.CancelledError:
            return self.unfinished()
        return []

    async def _ended(self, results: Mapping[int, Result], only: Job | None = None) -> list[Finished]:
        jobs = list(self._left.values()) if only is None else [only]
        found = [(job, results.get(job.id, Result(error="its task said nothing about it"))) for job in jobs]
        failed = any(result.error for _, result in found)
        spared = failed and not await self._counts()
        for job in jobs:
            self._left.pop(job.id, None)
        return [Finished(job, None if spared and result.error else result) for job, result in found]

    async def _attempt(self, jobs: Sequence[Job]) -> Mapping[int, Result]:
        """Run the task. Raises what it raises, and StuckError when it makes no progress."""
        work = asyncio.ensure_future(self._task.run(jobs, self._context, self._beat))
        work.add_done_callback(lambda _: self._moved.set())
        try:
            while not work.done():
                self._moved.clear()
                async with time_limit(self._limit):
                    await self._moved.wait()
        except TimeoutError:
            if not work.done():
                raise StuckError(f"it made no progress for {self._limit:,.0f} seconds") from None
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait((work,), timeout=CANCEL_TIMEOUT)
            if work.done() and not work.cancelled():
                work.exception()
        if work.cancelled():
            raise RuntimeError("its task ended itself")
        return work.result()

    def _beat(self, job: int, progress: float) -> None:
        self._moved.set()
        if progress or job == self.at[0]:
            self.at = job, progress


def _text(error: Exception) -> str:
    return error.cause if isinstance(error, LadingError) else f"{type(error).__name__}: {error}"
