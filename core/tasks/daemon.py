"""The engine's side of one exiftool: asked, waited for no longer than its patience lasts, and killed."""

import asyncio
import sys
from collections.abc import Sequence

import msgspec

from core.errors import LadingError
from core.tasks.children import Child
from core.tasks.reader import DIED, FRAME, Read

LARGEST = 256 << 20
"""Bytes; a longer answer means that the line is broken."""

_decoder = msgspec.msgpack.Decoder(list[Read])


class DaemonLostError(LadingError):
    """An exiftool hangs, or has ended."""

    title = "exiftool"


class Daemon:
    """One exiftool with the process around it. It belongs to one caller at a time."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.expiry: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, executable: str) -> "Daemon":
        """Start one."""
        return cls(await Child.start([sys.executable, "-P", "-m", "core.tasks.reader", executable]))

    async def ask(self, paths: Sequence[bytes]) -> None:
        """Ask for some files; also while it still works on others. Raises DaemonLostError; then `kill` it."""
        line = self.child.process.stdin
        if line is None:
            raise DaemonLostError("it has no line to the engine.")
        request = msgspec.msgpack.encode(list(paths))
        line.write(len(request).to_bytes(FRAME, "big") + request)
        try:
            await line.drain()
        except OSError as error:
            raise await self._lost() from error

    async def answer(self, count: int, patience: float) -> list[Read]:
        """What exiftool says of the `count` files asked for first, in their order, within `patience` seconds.

        Raises DaemonLostError; then `kill` it.
        """
        try:
            async with asyncio.timeout(patience):
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
        length = int.from_bytes(await answer.readexactly(FRAME), "big")
        if length > LARGEST:
            raise DaemonLostError(f"an answer of {length:,} bytes.")
        try:
            answers = _decoder.decode(await answer.readexactly(length))
        except msgspec.DecodeError as error:
            raise DaemonLostError("an answer that makes no sense.") from error
        if len(answers) != count:
            raise DaemonLostError(f"{len(answers)} answers for {count} files.")
        return answers

    @property
    def alive(self) -> bool:
        """Whether any of its processes still runs."""
        return self.child.alive

    def kill(self) -> None:
        """End it now, with the process around it."""
        if self.expiry:
            self.expiry.cancel()
        self.child.kill()
