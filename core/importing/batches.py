"""Collects files into batches, and starts one task for each batch."""

import asyncio
from collections.abc import Awaitable, Callable

from core.importing.import_files import Todo
from core.workers.read_source import ARENA

FILES_PER_BATCH = 512
"""The most files in one batch."""


class Batches:
    """Starts a batch once it is full, as a task in `tasks` that awaits `bring(batch)`. The semaphore `room` limits
    how many run at once, counted over all instances that share it."""

    def __init__(
        self, tasks: asyncio.TaskGroup, room: asyncio.Semaphore, bring: Callable[[list[Todo]], Awaitable[None]]
    ) -> None:
        self._tasks = tasks
        self._room = room
        self._bring = bring
        self._started: set[asyncio.Task[None]] = set()
        self._batch: list[Todo] = []
        self._filled = 0

    async def add(self, todo: Todo, *, alone: bool = False, size: int | None = None) -> None:
        """Add a file. It is a batch of its own if `alone`, or if `size` is larger than ARENA. `size`: the bytes
        that count for the batch; None: the file's size."""
        size = todo.size if size is None else size
        if alone or size > ARENA:
            await self._start([todo])
            return
        if len(self._batch) >= FILES_PER_BATCH or self._filled + size > ARENA:
            await self.flush()
        self._batch.append(todo)
        self._filled += size

    async def flush(self) -> None:
        """Start the batch that is not full yet, if it has files."""
        batch, self._batch, self._filled = self._batch, [], 0
        if batch:
            await self._start(batch)

    async def ended(self) -> None:
        """Wait until all batches that were started have ended."""
        await asyncio.gather(*self._started)

    async def cancel(self) -> None:
        """Cancel all batches that were started, and wait until they have ended."""
        for task in self._started:
            task.cancel()
        await asyncio.gather(*self._started, return_exceptions=True)

    async def _start(self, batch: list[Todo]) -> None:
        await self._room.acquire()
        task = self._tasks.create_task(self._run(batch))
        self._started.add(task)

        def ended(task: "asyncio.Task[None]") -> None:
            self._started.discard(task)
            self._room.release()

        task.add_done_callback(ended)

    async def _run(self, batch: list[Todo]) -> None:
        await self._bring(batch)
