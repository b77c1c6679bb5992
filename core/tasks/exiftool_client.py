"""The engine's side of one exiftool process: requests, answers with a timeout, kill."""

import asyncio
import sys
from collections.abc import Sequence

import msgspec

from core.aio import time_limit
from core.errors import LadingError
from core.ipc import FrameTooLargeError, framed, read_frame
from core.tasks.child_processes import Child
from core.tasks.exiftool_process import DIED, Read

LARGEST_FRAME = 256 << 20
"""Bytes; a longer answer means that the connection is broken."""

_decoder = msgspec.msgpack.Decoder(list[Read])


class DaemonLostError(LadingError):
    """An exiftool process hangs, or has ended."""

    title = "exiftool"


class Daemon:
    """One exiftool with the process around it. It belongs to one caller at a time."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.expiry: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, executable: str) -> "Daemon":
        """Start the process."""
        return cls(await Child.start([sys.executable, "-P", "-m", "core.tasks.exiftool_process", executable]))

    async def ask(self, paths: Sequence[bytes]) -> None:
        """Request some files; allowed while it still works on others. Raises DaemonLostError; then `kill` it."""
        line = self.child.process.stdin
        if line is None:
            raise DaemonLostError("it has no line to the engine.")
        request = msgspec.msgpack.encode(list(paths))
        line.write(framed(request))
        try:
            await line.drain()
        except OSError as error:
            raise await self._lost() from error

    async def answer(self, count: int, patience: float) -> list[Read]:
        """The answers for the first `count` requested files, in their order, within `patience` seconds.

        Raises DaemonLostError; then `kill` it.
        """
        try:
            async with time_limit(patience):
                return await self._answer(count)
        except TimeoutError as error:
            raise DaemonLostError(f"no answer within {patience:g} s.") from error
        except (asyncio.IncompleteReadError, OSError) as error:
            raise await self._lost() from error

    async def _lost(self) -> DaemonLostError:
        await self.child.gone()
        status = self.child.process.returncode
        cause = "it ended" if status == DIED else f"the process around it ended with status {status}"
        return DaemonLostError(f"{cause} while it read.")

    async def _answer(self, count: int) -> list[Read]:
        answer = self.child.process.stdout
        if answer is None:
            raise DaemonLostError("it has no line to the engine.")
        try:
            answers = _decoder.decode(await read_frame(answer, LARGEST_FRAME))
        except FrameTooLargeError as error:
            raise DaemonLostError(f"an answer of {error.length:,} bytes.") from error
        except ValueError as error:
            raise DaemonLostError("an answer that makes no sense.") from error
        if len(answers) != count:
            raise DaemonLostError(f"{len(answers)} answers for {count} files.")
        return answers

    @property
    def alive(self) -> bool:
        """Whether any of its processes still runs."""
        return self.child.alive

    def kill(self) -> None:
        """Kill it now, with the process around it."""
        if self.expiry:
            self.expiry.cancel()
        self.child.kill()
