"""The engine's side of the makers: they are started on demand, killed with all they run, and never joined."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

import msgspec

from core import process_start
from core.aio import time_limit
from core.derivatives.messages import (
    Answer,
    Made,
    MakeProxy,
    MakeStrip,
    MakeThumbnails,
    Order,
    OrderRefusedError,
    Probed,
    ProbeFilm,
    Refused,
    Step,
)
from core.errors import WorkerDiedError
from core.ipc import framed, read_frame

STALL_TIMEOUT = 120.0
"""Seconds without progress after which a maker counts as stuck."""

EXIT_TIMEOUT = 1.0
"""Seconds to wait for a killed maker; one that is stuck in the kernel ends when the kernel allows it."""

ORDERS_PER_MAKER = 1000
"""Orders after which a maker is replaced, because decoders leak."""

IDLE_TIMEOUT = 60.0
"""Seconds after which an idle maker is ended."""

STUCK = 4
"""The number of killed makers still stuck in the kernel at which no new one is started."""

LARGEST_FRAME = 1 << 20
"""Bytes; a longer frame means that the connection is broken."""

_Reply = Made | Probed | Refused
"""What ends an order."""

_decoder: "msgspec.msgpack.Decoder[Answer]" = msgspec.msgpack.Decoder(Answer)
_encoder = msgspec.msgpack.Encoder()


class Maker:
    """One maker process. It leads a process group, to which everything it runs belongs."""

    def __init__(
        self, process: process_start.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self.orders = 0
        self.expiry: asyncio.TimerHandle | None = None
        self._reader = reader
        self._writer = writer

    @property
    def alive(self) -> bool:
        """Whether it can accept an order."""
        return self.process.returncode is None and self.orders < ORDERS_PER_MAKER

    async def send(self, order: Order) -> None:
        """Send an order. Raises WorkerDiedError."""
        self.orders += 1
        data = _encoder.encode(order)
        try:
            self._writer.write(framed(data))
            await self._writer.drain()
        except ConnectionError as error:
            raise self._gone() from error

    async def answer(self) -> Answer:
        """Wait for the next answer. Raises WorkerDiedError."""
        try:
            return _decoder.decode(await read_frame(self._reader, LARGEST_FRAME))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            raise self._gone() from error

    def _gone(self) -> WorkerDiedError:
        return WorkerDiedError(f"the decoder process {self.process.pid} is gone")

    def kill(self) -> None:
        """Kill it and everything it runs, now."""
        self._writer.close()
        # This is done, too, when the maker itself is dead, because a program it ran may be alive in its group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Makers:
    """The maker processes of an engine. Each order gets a process of its own, so the callers limit how many run at
    once. `patience`: seconds without progress after which a maker is killed."""

    def __init__(self, patience: float = STALL_TIMEOUT) -> None:
        self.patience = patience
        self.busy: set[Maker] = set()
        self.idle: list[Maker] = []
        self._lifeline: tuple[int, int] | None = None
        self._ending: set[asyncio.Task[int]] = set()

    async def make(self, order: MakeThumbnails | MakeProxy | MakeStrip, step: Callable[[float], None]) -> Made:
        """Have an order carried out; `step` is called with its progress (0 to 1). Cancelling kills the maker and
        what it runs.

        Raises OrderRefusedError, also when no progress came for `patience` seconds; WorkerDiedError when the maker
        died of the order, or cannot be started.
        """
        answer = await self._reply(order, step)
        assert isinstance(answer, Made)  # noqa: S101 - for the type checker
        return answer

    async def probe(self, order: ProbeFilm) -> Probed:
        """As `make`, of an order that reports no progress."""
        answer = await self._reply(order, lambda _: None)
        assert isinstance(answer, Probed)  # noqa: S101 - for the type checker
        return answer

    async def _reply(self, order: Order, step: Callable[[float], None]) -> Made | Probed:
        maker = await self._take()
        self.busy.add(maker)
        answer: Answer | None = None
        try:
            await maker.send(order)
            while not isinstance(answer, _Reply):
                async with time_limit(self.patience):
                    answer = await maker.answer()
                if isinstance(answer, Step):
                    step(answer.fraction)
        except TimeoutError:
            raise OrderRefusedError(f"no progress for {self.patience:g} s", final=False) from None
        finally:
            self.busy.discard(maker)
            if isinstance(answer, _Reply):
                self.idle.append(maker)
                maker.expiry = asyncio.get_running_loop().call_later(IDLE_TIMEOUT, self._retire, maker)
            else:
                await asyncio.wait({self.bury(maker)}, timeout=EXIT_TIMEOUT)
        if isinstance(answer, Refused):
            raise OrderRefusedError(answer.error, final=answer.final, damaged=answer.damaged)
        return answer

    async def close(self) -> None:
        """End all makers and what they run."""
        for maker in [*self.idle, *self.busy]:
            self._retire(maker)
        ending = set(self._ending)
        if ending:
            await asyncio.wait(ending, timeout=EXIT_TIMEOUT)
        if self._lifeline:
            for fd in self._lifeline:
                os.close(fd)
            self._lifeline = None

    async def _take(self) -> Maker:
        while self.idle:
            maker = self.idle.pop()
            if maker.expiry:
                maker.expiry.cancel()
            if maker.alive:
                return maker
            self.bury(maker)
        if len(self._ending) >= STUCK:
            cause = f"{len(self._ending)} decoder processes hang in the kernel"
            raise WorkerDiedError(cause, "Unmount what does not answer.")
        return await self._start()

    def _retire(self, maker: Maker) -> None:
        if maker.expiry:
            maker.expiry.cancel()
        if maker in self.idle:
            self.idle.remove(maker)
        self.bury(maker)

    async def _start(self) -> Maker:
        if self._lifeline is None:
            self._lifeline = os.pipe()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                fds = (theirs.fileno(), self._lifeline[0])
                process = await process_start.start("core.derivatives.main", [*map(str, fds)], fds)
        except BaseException:
            ours.close()
            raise
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return Maker(process, reader, writer)

    def bury(self, maker: Maker) -> "asyncio.Task[int]":
        """Kill a maker; the returned task ends when the process has ended."""
        maker.kill()
        task = asyncio.create_task(maker.process.wait())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task
