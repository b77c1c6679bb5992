"""The workers that run for one import, the places at limits that they take, and how they are paused."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import msgspec

from core.concurrency import Controller, Limit
from core.errors import WorkerDiedError
from core.importing.halt_reasons import HaltError
from core.importing.import_files import Todo
from core.workers import shared_memory
from core.workers.messages import Request
from core.workers.pool import Pool, TaskFailedError, TaskStoppedError, Worker

R = TypeVar("R")

ONE_READS = 200_000_000
"""Bytes per second that one worker surely reads, hashes and writes on any machine: a higher limit is shared by
several."""


class Limits(msgspec.Struct):
    """The limits of the stages, shared by all imports."""

    hash: Limit
    copy: Limit
    verify: Limit

    def all(self) -> list[Limit]:
        """All limits, in the order in which a file passes their stages."""
        return [self.hash, self.copy, self.verify]


class RunWorkers:
    """The workers of one run. `reading` and `writing` are the controllers of the source's volume and of the
    archive's.

    read_limit: returns the most bytes per second to read from the source; 0: no limit. The value may change.
    """

    def __init__(
        self,
        name: str,
        pool: Pool,
        limits: Limits,
        reading: Controller,
        writing: Controller,
        read_limit: Callable[[], int] = lambda: 0,
    ) -> None:
        self.pool = pool
        self.limits = limits
        self.reading = reading
        self._of_source = reading
        self.writing = writing
        self._read_limit = read_limit
        self.paced = Limit(f"pace {name}", 1)
        """Places for reading workers while there is a read limit; each gets an equal share of it."""
        self.in_flight: dict[Worker, list[Todo]] = {}
        """The files that each worker is working on."""
        self._name = name
        self._counters_before: dict[Worker, tuple[int, int, int]] = {}
        self._moved = [0, 0, 0]
        self._reported = 0, 0
        self._go = asyncio.Event()
        self._go.set()
        self._held: Counter[Limit] = Counter()
        self._at_archive: dict[Worker, AsyncExitStack] = {}

    @asynccontextmanager
    async def worker(self, files: list[Todo]) -> AsyncIterator[Worker]:
        """Borrow a worker that is paused and stopped with this run; `files` are those it works on. Raises
        HaltError."""
        await self._go.wait()
        async with AsyncExitStack() as stack:
            try:
                worker = await stack.enter_async_context(self.pool.worker(self._name))
            except WorkerDiedError as error:
                raise HaltError(error.cause, error.advice) from error
            except OSError as error:
                raise HaltError(
                    f"no worker process can be started: {error.strerror}", "Close other programs, then resume."
                ) from error
            self.in_flight[worker] = files
            self._counters_before[worker] = _counters(worker)
            self.pace()
            try:
                yield worker
            except (TaskFailedError, TaskStoppedError):
                raise  # the worker has released everything itself
            except BaseException:
                # This also applies between two requests: a batch that the worker still holds would keep the
                # volumes busy.
                worker.kill()
                raise
            finally:
                await self.leave_archive(worker)
                now, before = _counters(worker), self._counters_before.pop(worker)
                self._moved = [sum_ + a - b for sum_, a, b in zip(self._moved, now, before, strict=True)]
                del self.in_flight[worker]

    async def ask(self, worker: Worker, request: Request, wanted: type[R]) -> R:
        """Ask a worker; waits while the run is paused."""
        await self._go.wait()
        return await worker.ask(request, wanted)

    @asynccontextmanager
    async def places(self, *limits: Limit) -> AsyncIterator[None]:
        """Take a place at each of the limits, in this order. They are released while the run is paused."""
        taken: list[Limit] = []
        try:
            for limit in limits:
                await limit.acquire()
                while not self._go.is_set():
                    limit.release()
                    await self._go.wait()
                    await limit.acquire()
                self._held[limit] += 1
                taken.append(limit)
            yield
        finally:
            for limit in taken:
                self._held[limit] -= 1
                if self._go.is_set():
                    limit.release()

    async def enter_archive(self, worker: Worker) -> None:
        """Take a place at the archive's volume, unless the worker has one. It is released with the worker, too."""
        if worker not in self._at_archive:
            place = AsyncExitStack()
            await place.enter_async_context(self.places(self.writing))
            self._at_archive[worker] = place

    async def leave_archive(self, worker: Worker) -> None:
        """Release the worker's place at the archive's volume."""
        if place := self._at_archive.pop(worker, None):
            await place.aclose()

    # Progress

    def bytes_moved(self) -> tuple[int, int, int]:
        """(read, written, verified) bytes of this run so far."""
        read, written, verified = self._moved
        for worker, before in self._counters_before.items():
            now = _counters(worker)
            read += now[0] - before[0]
            written += now[1] - before[1]
            verified += now[2] - before[2]
        return read, written, verified

    def report(self) -> None:
        """Report to the volumes' controllers what was moved since the last call."""
        read, written, verified = self.bytes_moved()
        now, before = (read, written + verified), self._reported
        self._reported = now
        for limit, after, earlier in zip((self.reading, self.writing), now, before, strict=True):
            if self.paused:
                limit.rest()
            else:
                limit.moved(after - earlier)

    def beats(self) -> list[int]:
        """Numbers of which at least one changes whenever a worker does something."""
        return [worker.slot.get(shared_memory.BEAT) for worker in self.in_flight]

    # Control

    @property
    def read_limit(self) -> int:
        """The most bytes per second to read from the source; 0: no limit, or another volume is read."""
        return self._read_limit() if self.reading is self._of_source else 0

    def read_elsewhere(self, reading: Controller | None) -> None:
        """Read another volume from now on, with the places of `reading`; None: the source again. To be called
        while nothing is in flight."""
        self.reading = reading or self._of_source

    def source_places(self) -> tuple[Limit, ...]:
        """The limits at the source's volume at which reading takes places."""
        return (self.paced, self.reading) if self.read_limit else (self.reading,)

    def hashing_places(self, *, large: bool) -> tuple[Limit, ...]:
        """The limits, shared by all imports, at which reading takes places; `large`: for a file that is copied
        while it is read.

        A worker with a read limit sleeps most of the time, so it takes no place that stands for the processor or
        the archive's disk. The place to copy comes last, so that a worker that waits for the processor takes none
        from a file that was read and is to be flushed.
        """
        if self.read_limit:
            return ()
        return (self.limits.hash, self.limits.copy) if large else (self.limits.hash,)

    def pace(self) -> None:
        """Share the read limit among the workers that may read at once; to be called about once a second."""
        limit = self.read_limit
        self.paced.resize(max(1, -(-limit // ONE_READS)))
        for worker in self.in_flight:
            worker.slot.set(shared_memory.PACE, limit // self.paced.ceiling)

    @property
    def paused(self) -> bool:
        """Whether the run waits for `resume`."""
        return not self._go.is_set()

    def pause(self) -> None:
        """Stop reading and writing within one block, and release the places at limits."""
        if self._go.is_set():
            self._go.clear()
            for worker in self.in_flight:
                worker.slot.set(shared_memory.COMMAND, shared_memory.PAUSE)
            for limit, count in self._held.items():
                for _ in range(count):
                    limit.release()

    def resume(self) -> None:
        """Continue where `pause` stopped."""
        if not self._go.is_set():
            for limit, count in self._held.items():
                for _ in range(count):
                    limit.retake()
            for worker in self.in_flight:
                worker.slot.set(shared_memory.COMMAND, shared_memory.RUN)
            self._go.set()


def _counters(worker: Worker) -> tuple[int, int, int]:
    slot = worker.slot
    return slot.get(shared_memory.READ), slot.get(shared_memory.WRITTEN), slot.get(shared_memory.VERIFIED)
