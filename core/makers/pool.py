"""The engine's side of the makers: started when needed, killed with all they run, never waited for."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import IO

import msgspec

from core.errors import WorkerDiedError
from core.makers.line import FRAME
from core.makers.messages import Answer, Made, Order, Refused, RefusedError

PATIENCE = 120.0
"""Seconds without progress after which a maker is taken for stuck."""

LEAVE = 1.0
"""Seconds that a killed maker is waited for; one stuck in the kernel goes when the kernel lets it."""

ORDERS = 1000
"""Orders after which a maker is replaced, because decoders leak."""

IDLE = 60.0
"""Seconds after which a maker that nobody needs ends."""

STUCK = 4
"""Killed makers that may still hang in the kernel; with more no new one is started."""

LARGEST = 1 << 20
"""Bytes; a longer frame means that the line is broken."""

_decoder: "msgspec.msgpack.Decoder[Answer]" = msgspec.msgpack.Decoder(Answer)
_encoder = msgspec.msgpack.Encoder()


class Maker:
    """One maker process. It leads a process group, to which everything it runs belongs."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self.orders = 0
        self.expiry: asyncio.TimerHandle | None = None
        self._reader = reader
        self._writer = writer

    @property
    def alive(self) -> bool:
        """Whether it can take an order."""
        return self.process.returncode is None and self.orders < ORDERS

    async def send(self, order: Order) -> None:
        """Give it an order. Raises WorkerDiedError."""
        self.orders += 1
        data = _encoder.encode(order)
        try:
            self._writer.write(len(data).to_bytes(FRAME, "big") + data)
            await self._writer.drain()
        except ConnectionError as error:
            raise self._gone() from error

    async def answer(self) -> Answer:
        """The next answer. Raises WorkerDiedError."""
        try:
            length = int.from_bytes(await self._reader.readexactly(FRAME), "big")
            if length > LARGEST:
                raise self._gone()
            return _decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
            raise self._gone() from error

    def _gone(self) -> WorkerDiedError:
        return WorkerDiedError(f"the decoder process {self.process.pid} is gone")

    def kill(self) -> None:
        """End it and everything it runs, now."""
        self._writer.close()
        # Also when the maker itself is dead: a program it ran may live on in its group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Makers:
    """Maker processes. There are as many as orders at once, which is for the callers to bound."""

    def __init__(self, log: IO[bytes] | None = None, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.busy: set[Maker] = set()
        self._idle: list[Maker] = []
        self._log = log
        self._lifeline: tuple[int, int] | None = None
        self._ending: set[asyncio.Task[int]] = set()

    async def make(self, order: Order, step: Callable[[float], None]) -> Made:
        """Have an order carried out; `step` gets its progress. Cancelling it kills the maker and what it runs.

        Raises RefusedError, and WorkerDiedError when the maker died of it.
        """
        maker = await self._take()
        self.busy.add(maker)
        answer: Answer | None = None
        try:
            await maker.send(order)
            while not isinstance(answer, Made | Refused):
                async with asyncio.timeout(self.patience):
                    answer = await maker.answer()
                if not isinstance(answer, Made | Refused):
                    step(answer.fraction)
        except TimeoutError:
            raise RefusedError(f"no progress for {self.patience:g} s", final=False) from None
        finally:
            self.busy.discard(maker)
            if isinstance(answer, Made | Refused):
                self._idle.append(maker)
                maker.expiry = asyncio.get_running_loop().call_later(IDLE, self._retire, maker)
            else:
                await asyncio.wait({self._bury(maker)}, timeout=LEAVE)
        if isinstance(answer, Refused):
            raise RefusedError(answer.error, final=answer.final)
        return answer

    async def close(self) -> None:
        """End all makers and what they run."""
        for maker in [*self._idle, *self.busy]:
            self._retire(maker)
        ending = set(self._ending)
        if ending:
            await asyncio.wait(ending, timeout=LEAVE)
        if self._lifeline:
            for fd in self._lifeline:
                os.close(fd)
            self._lifeline = None

    async def _take(self) -> Maker:
        while self._idle:
            maker = self._idle.pop()
            if maker.expiry:
                maker.expiry.cancel()
            if maker.alive:
                return maker
            self._bury(maker)
        if len(self._ending) >= STUCK:
            cause = f"{len(self._ending)} decoder processes hang in the kernel"
            raise WorkerDiedError(cause, "Unmount what does not answer.")
        return await self._start()

    def _retire(self, maker: Maker) -> None:
        if maker.expiry:
            maker.expiry.cancel()
        if maker in self._idle:
            self._idle.remove(maker)
        self._bury(maker)

    async def _start(self) -> Maker:
        if self._lifeline is None:
            self._lifeline = os.pipe()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                fds = (theirs.fileno(), self._lifeline[0])
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",
                    "-m",
                    "core.makers.main",
                    *map(str, fds),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=self._log,
                    pass_fds=fds,
                    process_group=0,
                )
        except BaseException:
            ours.close()
            raise
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return Maker(process, reader, writer)

    def _bury(self, maker: Maker) -> "asyncio.Task[int]":
        maker.kill()
        task = asyncio.create_task(maker.process.wait())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task
