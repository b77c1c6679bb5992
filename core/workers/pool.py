"""The engine's side of the worker processes: they are started on demand, replaced when they die, and never
joined."""

import asyncio
import errno
import itertools
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from core import process_start
from core.errors import WorkerDiedError
from core.ipc import FrameTooLargeError, framed, read_frame
from core.workers import messages, shared_memory
from core.workers.decoders import decoder_of
from core.workers.messages import Reply, Request
from core.workers.shared_memory import Control, Slot

R = TypeVar("R")

LARGEST_FRAME = 64 << 20
"""Bytes; a longer frame means that the connection is broken."""

RETRY_DELAY = 0.5
"""Seconds until a volume that returned an error is asked once more."""

EXIT_TIMEOUT = 1.0
"""Seconds that a worker gets to end by itself."""

reply_decoder: "msgspec.msgpack.Decoder[Reply]" = decoder_of(Reply)
_encoder = msgspec.msgpack.Encoder()


class TaskFailedError(Exception):
    """A worker could not carry out a request at all."""

    def __init__(self, fault: messages.Fault, detail: str = "") -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.detail = detail


def code_of(error: Exception) -> int:
    """The errno that a request failed with; 0 when there is none, as when its worker died."""
    return error.fault.code if isinstance(error, TaskFailedError) else 0


class TaskStoppedError(Exception):
    """A request ended because it was cancelled."""


class Worker:
    """One worker process. Inside `Pool.worker` it belongs to one caller."""

    def __init__(
        self,
        number: int,
        slot: Slot,
        process: process_start.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.number = number
        self.slot = slot
        self.process = process
        self.task = ""
        self._reader = reader
        self.writer = writer
        self._asked = False

    @property
    def alive(self) -> bool:
        """Whether it can accept a request."""
        return self.process.returncode is None and not self._asked

    async def ask(self, request: Request, wanted: type[R]) -> R:
        """Send a request and wait for its reply.

        Raises WorkerDiedError, TaskFailedError, TaskStoppedError.
        """
        data = _encoder.encode(request)
        self._asked = True
        try:
            self.writer.write(framed(data))
            await self.writer.drain()
            reply = reply_decoder.decode(await read_frame(self._reader, LARGEST_FRAME))
        except FrameTooLargeError as error:
            raise WorkerDiedError("a worker sent too large a frame", detail=f"({error.length:,} bytes)") from error
        except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            raise WorkerDiedError("a worker is gone", detail=f"(process {self.process.pid})") from error
        self._asked = False
        if isinstance(reply, messages.Failed):
            raise TaskFailedError(reply.fault, reply.detail)
        if isinstance(reply, messages.Stopped):
            raise TaskStoppedError
        if not isinstance(reply, wanted):
            raise WorkerDiedError(f"a worker answered with {type(reply).__name__}")
        return reply

    async def ask_twice(self, request: Request, wanted: type[R]) -> R:
        """Ask, and once more after EIO or EBUSY: a server may have been overloaded, or its session has just ended,
        or a file was open there.

        Only for requests that may be carried out twice. Raises as `ask`.
        """
        try:
            return await self.ask(request, wanted)
        except TaskFailedError as error:
            if error.fault.code not in (errno.EIO, errno.EBUSY):
                raise
        await asyncio.sleep(RETRY_DELAY)
        return await self.ask(request, wanted)

    def kill(self) -> None:
        """Kill the process now; one that is stuck in the kernel ends when the kernel allows it."""
        self._asked = True  # it accepts no more requests
        self.writer.close()
        if self.process.returncode is None:
            self.process.kill()

    async def leave(self) -> None:
        """Let the process end by itself, then kill it. Never waits for one that is stuck."""
        self.writer.close()
        try:
            await asyncio.wait_for(self.process.wait(), EXIT_TIMEOUT)
        except TimeoutError:
            self.process.kill()
            try:
                await asyncio.wait_for(self.process.wait(), EXIT_TIMEOUT)
            except TimeoutError:
                return


class Pool:
    """The worker processes that all tasks share. The callers' limits decide how many of them run at once.

    `umask`: for the files and folders that they make.
    """

    def __init__(self, umask: int = 0o022) -> None:
        self._control = Control.create()
        self._lifeline, self._end = os.pipe()
        self._numbers = itertools.count()
        self._free_slots: list[int] = []
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._dying: set[Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._umask = umask
        self.retired = [0] * shared_memory.SLOT_WORDS
        """The sums of the counters of workers that have ended, word by word."""

    async def _start(self) -> Worker:
        number = self._free_slots.pop() if self._free_slots else next(self._numbers)
        if number >= shared_memory.SLOTS:
            raise WorkerDiedError("too many workers are stuck", "Unmount what does not answer and start again.")
        self._control.clear(number)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                fds = (theirs.fileno(), self._lifeline, self._control.fd)
                arguments = [str(argument) for argument in (*fds, number, self._umask)]
                process = await process_start.start("core.workers.main", arguments, fds)
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            # If the process was started nevertheless, it finds its connection closed, and ends.
            ours.close()
            self._free_slots.append(number)
            raise
        return Worker(number, self._control.slot(number), process, reader, writer)

    @asynccontextmanager
    async def worker(self, task: str = "") -> AsyncIterator[Worker]:
        """Borrow a worker; it is returned when the block ends normally, and killed when it does not."""
        worker = None
        while self._idle and worker is None:
            found = self._idle.pop()
            if found.alive:
                worker = found
            else:
                self._discard(found)
        if worker is None:
            worker = await self._start()
        worker.task = task
        worker.slot.set(shared_memory.COMMAND, shared_memory.RUN)
        worker.slot.set(shared_memory.PACE, 0)
        self._busy.add(worker)
        try:
            yield worker
        finally:
            self._busy.discard(worker)
            if worker.alive:
                self._idle.append(worker)
            else:
                self._discard(worker)

    def _discard(self, worker: Worker) -> None:
        worker.kill()
        self._dying.add(worker)
        task = asyncio.create_task(self._wait_for_end(worker))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _wait_for_end(self, worker: Worker) -> None:
        await worker.process.wait()
        self._dying.discard(worker)
        for word in range(shared_memory.SLOT_WORDS):
            self.retired[word] += worker.slot.get(word)
        self._free_slots.append(worker.number)

    def busy(self) -> list[Worker]:
        """The workers that are borrowed now."""
        return list(self._busy)

    def total(self, word: int) -> int:
        """The sum of a counter over all workers, including those that have ended."""
        alive = [*self._idle, *self._busy, *self._dying]
        return self.retired[word] + sum(worker.slot.get(word) for worker in alive)

    async def stop(self) -> None:
        """End all workers. One that is stuck in the kernel is left behind."""
        workers = [*self._idle, *self._busy]
        self._idle, self._busy = [], set()
        await asyncio.gather(*(worker.leave() for worker in workers))
        if self._ending:
            _, stuck = await asyncio.wait(self._ending, timeout=EXIT_TIMEOUT)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
        os.close(self._end)
        os.close(self._lifeline)
        self._control.close()


__all__ = ["Pool", "TaskFailedError", "TaskStoppedError", "Worker"]
