"""One run of an import: what its stages share, and how it is paused, resumed and stopped."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import msgspec

from core.archives.archive import Archive
from core.catalog import Catalog, ImportRow, Item, below
from core.errors import WorkerDiedError
from core.importing.gate import Gate
from core.importing.halting import CONGESTION, HaltError
from core.limits import Controller, Limit
from core.models import Count, Outcome
from core.queue import plan
from core.volumes.filesystems import Kind
from core.workers import control, messages
from core.workers.messages import Digest, Request, Source
from core.workers.pool import Pool, TaskFailedError, TaskStoppedError, Worker

R = TypeVar("R")


READS = ("hash", "copy")
"""Stages in which a worker reads its source."""


class Limits(msgspec.Struct):
    """The stages' places, shared by all imports."""

    hash: Limit
    copy: Limit
    verify: Limit

    def all(self) -> list[Limit]:
        """All of them, in the order a file passes them."""
        return [self.hash, self.copy, self.verify]


class Todo(msgspec.Struct):
    """A file to be brought in. `path` is below the source's root; `known`: an earlier import had it."""

    id: int
    path: bytes
    size: int
    kind: str
    item_id: int | None = None

    @property
    def known(self) -> bool:
        """Whether it looks as it did in an earlier import."""
        return self.item_id is not None


class Settled(msgspec.Struct):
    """What became of a file. `mtime_ns` None: as it was listed."""

    todo: Todo
    outcome: Outcome
    item_id: int | None
    reason: str | None
    size: int
    mtime_ns: int | None
    kind: str
    stage: str = ""
    attempts: int = 0

    @classmethod
    def of(cls, todo: Todo, digest: Digest, outcome: Outcome, item: Item) -> "Settled":
        """A file that was read, and is in the archive as `item`."""
        return cls(todo, outcome, item.id, None, digest.size, digest.mtime_ns, digest.kind)


class Run:
    """The state of one run that all its stages see."""

    def __init__(
        self,
        row: ImportRow,
        archive: Archive,
        gate: Gate,
        source: Source,
        pool: Pool,
        catalog: Catalog,
        limits: Limits,
        reading: Controller,
        writing: Controller,
        read_limit: int = 0,
    ) -> None:
        self.row = row
        self.request = row.request()
        self.archive = archive
        self.gate = gate
        self.source = source
        self.pool = pool
        self.catalog = catalog
        self.limits = limits
        self.reading = reading
        self.writing = writing
        self.read_limit = read_limit
        """Bytes a second that are read of the source at most; 0: as many as it gives."""
        self.network = archive.filesystem.kind is Kind.NETWORK
        self.staging = f".lading/staging/{row.name}/{row.runs}"
        self.scope = row.location_id if self.request.duplicates == "location" else None
        self.counts: dict[Outcome, list[int]] = {outcome: [0, 0] for outcome in Outcome}
        self.causes: dict[str, tuple[int, bytes]] = {}
        """Why files failed in this run: how many, and the newest."""
        self.levels: set[str] = set()
        """Verification levels that files of this run reached."""
        self.by_choice = False
        self.source_wanted = True
        """Whether the source is still to be read or listed."""
        self.read_well = b""
        """A file of the source that could be read."""
        self.some = False
        """Whether only some of what had failed is tried again: the rest stays as it is."""
        self.warnings: list[str] = []
        self.left_out: Counter[str] = Counter()
        """Reasons for which entries were skipped in this run, and how many."""
        self.listed = False
        self.linked = False
        """Whether it is recorded which of the files listed belong to others."""
        self.newest_before = catalog.last_file_id
        """File rows up to this number are of earlier runs or other imports."""
        self.added: Callable[[], None] = lambda: None
        """Called when there is work for the background."""
        self.turn = asyncio.Lock()
        self.in_flight: dict[Worker, list[Todo]] = {}
        self.ticks: dict[Worker, tuple[int, int, int]] = {}
        self.moved = [0, 0, 0]
        self._recorded = 0
        self._reported = 0, 0
        self.following: set[int] = set()
        self.followed = asyncio.Event()
        self._go = asyncio.Event()
        self._go.set()
        self._held: Counter[Limit] = Counter()

    # Counting

    def count(self, outcome: Outcome, size: int, by: int = 1) -> None:
        """One file of `size` bytes more (or, `by` -1, less) with this outcome."""
        self.counts[outcome][0] += by
        self.counts[outcome][1] += by * size

    def counted(self, *outcomes: Outcome) -> Count:
        """Files and bytes with these outcomes."""
        return Count(
            files=sum(self.counts[outcome][0] for outcome in outcomes),
            bytes=sum(self.counts[outcome][1] for outcome in outcomes),
        )

    def life(self) -> tuple[int, ...]:
        """Numbers of which one changes whenever anything moves."""
        beats = (worker.slot.get(control.BEAT) for worker in self.in_flight)
        return (*self.bytes_moved(), *self.counts[Outcome.TODO], self.counted(*Outcome).files, *beats)

    def bytes_moved(self) -> tuple[int, int, int]:
        """Bytes read, written and verified by this run so far."""
        read, written, verified = self.moved
        for worker, before in self.ticks.items():
            now = _counters(worker)
            read += now[0] - before[0]
            written += now[1] - before[1]
            verified += now[2] - before[2]
        return read, written, verified

    def report(self) -> None:
        """Tell the volumes' controllers what has moved since the last time."""
        read, written, verified = self.bytes_moved()
        now, before = (read, written + verified), self._reported
        self._reported = now
        for limit, after, earlier in zip((self.reading, self.writing), now, before, strict=True):
            if self.paused:
                limit.rest()
            else:
                limit.moved(after - earlier)

    def may_pass(self, fault: messages.Fault) -> bool:
        """Whether a server had too much to do, or was away for a moment: clients say EIO for much."""
        return self.network and fault.side == "archive" and fault.code in CONGESTION

    async def record_read(self) -> None:
        """Add to the catalog's sum what was read of the source since the last time."""
        read = self.bytes_moved()[0]
        since, self._recorded = read - self._recorded, read
        await self.catalog.add_read(self.row.id, since)

    async def recount(self) -> None:
        """Count what the catalog has."""
        totals = await self.catalog.totals(self.row.id)
        self.counts = {outcome: list(totals.get(outcome, (0, 0))) for outcome in Outcome}
        if self.some:
            self.causes = {
                cause: (count, below(self.row.root, path))
                for cause, count, path in await self.catalog.reasons(self.row.id)
            }

    async def settle(self, items: list[Item], files: list[Settled]) -> None:
        """Commit new items, their jobs and what became of files, then count it."""
        new = [(self.archive.id, item) for item in items]
        await self.catalog.settle(
            new,
            [(f.todo.id, f.outcome, f.item_id, f.reason, f.size, f.mtime_ns, f.kind) for f in files],
            [*plan.of_items(new, self.row.id), *self.catalog.failures(_failures(files))],
        )
        self.added()
        self.levels.update(item.level for item in items)
        for file in files:
            if file.outcome is Outcome.FAILED and file.reason:
                self.failed(file.reason, file.todo.path)
            self.count(Outcome.TODO, file.todo.size, -1)
            self.count(file.outcome, file.size)

    def forgive(self, reason: str) -> None:
        """A file that had failed for this reason is tried again."""
        count, path = self.causes.get(reason, (0, b""))
        if count > 1:
            self.causes[reason] = count - 1, path
        else:
            self.causes.pop(reason, None)

    def failed(self, reason: str, path: bytes) -> None:
        """Remember why an entry failed."""
        self.causes[reason] = (self.causes.get(reason, (0, b""))[0] + 1, path)

    # Workers and places

    @asynccontextmanager
    async def worker(self, files: list[Todo]) -> AsyncIterator[Worker]:
        """A worker that is paused and stopped with this run; `files` are what it has in hand. Raises HaltError."""
        await self._go.wait()
        async with AsyncExitStack() as stack:
            try:
                worker = await stack.enter_async_context(self.pool.worker(self.row.name))
            except WorkerDiedError as error:
                raise HaltError(error.cause, error.advice) from error
            except OSError as error:
                raise HaltError(
                    f"no worker process can be started: {error.strerror}", "Close other programs, then resume."
                ) from error
            self.in_flight[worker] = files
            self.ticks[worker] = _counters(worker)
            self.pace()
            try:
                yield worker
            except (TaskFailedError, TaskStoppedError):
                raise  # it has let go of all by itself
            except BaseException:
                # Also between two requests: what it holds of the batch would keep the volumes busy.
                worker.kill()
                raise
            finally:
                now, before = _counters(worker), self.ticks.pop(worker)
                self.moved = [sum_ + a - b for sum_, a, b in zip(self.moved, now, before, strict=True)]
                del self.in_flight[worker]

    async def ask(self, worker: Worker, request: Request, wanted: type[R]) -> R:
        """Ask, but not while paused."""
        await self._go.wait()
        return await worker.ask(request, wanted)

    @asynccontextmanager
    async def places(self, *limits: Limit) -> AsyncIterator[None]:
        """A place in each of the limits, taken in this order; given away while the run is paused."""
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

    # Control

    def pace(self) -> None:
        """Share the limit among the workers that read; to be called about every second."""
        if self.read_limit:
            reading = [one for one in self.in_flight if control.STAGES[one.slot.get(control.STAGE)] in READS]
            for worker in self.in_flight:
                worker.slot.set(control.PACE, max(1, self.read_limit // max(1, len(reading))))

    @property
    def paused(self) -> bool:
        """Whether the run waits for `resume`."""
        return not self._go.is_set()

    def pause(self) -> None:
        """Stop reading and writing within a block; places are given to others."""
        if self._go.is_set():
            self._go.clear()
            for worker in self.in_flight:
                worker.slot.set(control.COMMAND, control.PAUSE)
            for limit, count in self._held.items():
                for _ in range(count):
                    limit.release()
            self.gate.paused(self)

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        if not self._go.is_set():
            for limit, count in self._held.items():
                for _ in range(count):
                    limit.retake()
            for worker in self.in_flight:
                worker.slot.set(control.COMMAND, control.RUN)
            self._go.set()


def _failures(files: list[Settled]) -> list[tuple[int, str, int]]:
    return [(f.todo.id, f.stage, f.attempts) for f in files if f.outcome is Outcome.FAILED]


def _counters(worker: Worker) -> tuple[int, int, int]:
    slot = worker.slot
    return slot.get(control.READ), slot.get(control.WRITTEN), slot.get(control.VERIFIED)
