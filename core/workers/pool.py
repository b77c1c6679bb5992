"""The engine's side of the worker processes: started when needed, replaced when they die, never waited for."""

import asyncio
import errno
import itertools
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, TypeVar

import msgspec

from core.errors import WorkerDiedError
from core.workers import control, messages
from core.workers.control import Control, Slot
from core.workers.messages import FRAME, Reply, Request

R = TypeVar("R")

LARGEST_REPLY = 64 << 20
"""Bytes; a longer frame means that the line is broken."""

AGAIN = 0.5
"""Seconds until a volume that erred is asked once more."""

LEAVE = 1.0
"""Seconds a worker gets to end by itself."""

_decoder: "msgspec.msgpack.Decoder[Reply]" = msgspec.msgpack.Decoder(Reply)
_encoder = msgspec.msgpack.Encoder()


class TaskFailedError(Exception):
    """A worker could not carry out a request at all."""

    def __init__(self, fault: messages.Fault, detail: str = "") -> None:
        super().__init__(fault.text)
        self.fault = fault
        self.detail = detail


class TaskStoppedError(Exception):
    """A request ended because it was cancelled."""


class Worker:
    """One worker process. Between `Pool.worker` and its end it belongs to one caller."""

    def __init__(
        self,
        number: int,
        slot: Slot,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.number = number
        self.slot = slot
        self.process = process
        self.task = ""
        self._reader = reader
        self._writer = writer
        self._asked = False

    @property
    def alive(self) -> bool:
        """Whether it can take a request."""
        return self.process.returncode is None and not self._asked

    async def ask(self, request: Request, wanted: type[R]) -> R:
        """Send a request and wait for its reply.

        Raises WorkerDiedError, TaskFailedError, TaskStoppedError.
        """
        data = _encoder.encode(request)
        self._asked = True
        try:
            self._writer.write(len(data).to_bytes(FRAME, "big") + data)
            await self._writer.drain()
            length = int.from_bytes(await self._reader.readexactly(FRAME), "big")
            if length > LARGEST_REPLY:
                raise WorkerDiedError(f"worker {self.process.pid} sent a frame of {length:,} bytes")
            reply = _decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
            raise WorkerDiedError(f"worker {self.process.pid} is gone") from error
        self._asked = False
        if isinstance(reply, messages.Failed):
            raise TaskFailedError(reply.fault, reply.detail)
        if isinstance(reply, messages.Stopped):
            raise TaskStoppedError
        if not isinstance(reply, wanted):
            raise WorkerDiedError(f"worker {self.process.pid} answered with {type(reply).__name__}")
        return reply

    async def ask_twice(self, request: Request, wanted: type[R]) -> R:
        """Ask, and once more after EIO: a server was asked too much at once, or its session has just ended.

        For what may be done twice. Raises as `ask`.
        """
        try:
            return await self.ask(request, wanted)
        except TaskFailedError as error:
            if error.fault.code != errno.EIO:
                raise
        await asyncio.sleep(AGAIN)
        return await self.ask(request, wanted)

    def kill(self) -> None:
        """End it now; one stuck in the kernel goes when the kernel lets it."""
        self._asked = True  # it takes no more requests
        self._writer.close()
        if self.process.returncode is None:
            self.process.kill()

    async def leave(self) -> None:
        """Let it end by itself, then end it. Never waits for one that is stuck."""
        self._writer.close()
        try:
            await asyncio.wait_for(self.process.wait(), LEAVE)
        except TimeoutError:
            self.process.kill()
            try:
                await asyncio.wait_for(self.process.wait(), LEAVE)
            except TimeoutError:
                return


class Pool:
    """Worker processes that all tasks share. How many work at once is bounded by the callers' limits."""

    def __init__(self, log: IO[bytes] | None = None) -> None:
        self._control = Control.create()
        self._lifeline, self._end = os.pipe()
        self._numbers = itertools.count()
        self._free_slots: list[int] = []
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._dying: set[Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._log = log
        self.retired = [0] * control.WORDS
        """What workers that are gone have counted, word by word."""

    async def _start(self) -> Worker:
        number = self._free_slots.pop() if self._free_slots else next(self._numbers)
        if number >= control.SLOTS:
            raise WorkerDiedError("too many workers are stuck", "Unmount what does not answer and start again.")
        self._control.clear(number)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                fds = (theirs.fileno(), self._lifeline, self._control.fd)
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",
                    "-m",
                    "core.workers.main",
                    *(str(argument) for argument in (*fds, number)),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=self._log,
                    pass_fds=fds,
                    process_group=0,
                )
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            # A process that did start finds its line closed, and leaves.
            ours.close()
            self._free_slots.append(number)
            raise
        return Worker(number, self._control.slot(number), process, reader, writer)

    @asynccontextmanager
    async def worker(self, task: str = "") -> AsyncIterator[Worker]:
        """A worker for one caller; it goes back when the block ends well, and is killed when it does not."""
        worker = None
        while self._idle and worker is None:
            found = self._idle.pop()
            if found.alive:
                worker = found
            else:
                self._bury(found)
        if worker is None:
            worker = await self._start()
        worker.task = task
        worker.slot.set(control.COMMAND, control.RUN)
        worker.slot.set(control.PACE, 0)
        self._busy.add(worker)
        try:
            yield worker
        finally:
            self._busy.discard(worker)
            if worker.alive:
                self._idle.append(worker)
            else:
                self._bury(worker)

    def _bury(self, worker: Worker) -> None:
        worker.kill()
        self._dying.add(worker)
        task = asyncio.create_task(self._wait_for_end(worker))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _wait_for_end(self, worker: Worker) -> None:
        await worker.process.wait()
        self._dying.discard(worker)
        for word in range(control.WORDS):
            self.retired[word] += worker.slot.get(word)
        self._free_slots.append(worker.number)

    def busy(self) -> list[Worker]:
        """The workers that belong to a caller now."""
        return list(self._busy)

    def total(self, word: int) -> int:
        """The sum of a counter over all workers, those that are gone included."""
        alive = [*self._idle, *self._busy, *self._dying]
        return self.retired[word] + sum(worker.slot.get(word) for worker in alive)

    async def stop(self) -> None:
        """End all workers. One that is stuck in the kernel is left to it."""
        workers = [*self._idle, *self._busy]
        self._idle, self._busy = [], set()
        await asyncio.gather(*(worker.leave() for worker in workers))
        if self._ending:
            _, stuck = await asyncio.wait(self._ending, timeout=LEAVE)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
        os.close(self._end)
        os.close(self._lifeline)
        self._control.close()


__all__ = ["Pool", "TaskFailedError", "TaskStoppedError", "Worker"]
