"""One connection to a running engine: calls out, answers in."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

from core import VERSION
from core.client.calls import Hear
from core.client.frames import ANSWER, frame, lost, meant, silent, told
from core.errors import EngineLostError
from core.protocol import (
    FRAME,
    LARGEST_REPLY,
    Answer,
    Call,
    FromEngine,
    Part,
    Progress,
    Pushed,
    Reply,
    Request,
    Welcome,
    pack,
)
from core.protocol.requests import Forget, Hello
from core.server import sockets

R = TypeVar("R")

LEAVE = 1.0
"""Seconds for the last bytes to be taken."""


class Connection:
    """Made by `open`. `pushed` is called with every snapshot."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pushed: Callable[[Pushed], None] = lambda _: None
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[asyncio.Future[Reply], Hear | None]] = {}
        self._listening = asyncio.create_task(self._listen(), name="engine's answers")

    @classmethod
    async def open(cls, home: str) -> tuple["Connection", Welcome]:
        """Say hello to the engine of the state folder `home`.

        Raises OSError when there is none, EngineLostError when it ends meanwhile, EngineError when it is not ours
        or gives no answer.
        """
        connection = cls(*await asyncio.open_unix_connection(sock=sockets.connect(home)))
        try:
            async with asyncio.timeout(ANSWER):
                return connection, await connection.ask(Hello(version=VERSION), Welcome)
        except TimeoutError as error:
            await connection.close()
            raise silent(ANSWER) from error
        except BaseException:
            await connection.close()
            raise

    async def ask(self, request: Request, wanted: type[R], hear: Hear | None = None) -> R:
        """The reply to a request; `hear` gets what is told before it. Cancelled, the engine is told.

        Raises the engine's LadingError, EngineLostError when it ends before the answer.
        """
        if self._listening.done():
            raise EngineLostError("there is no connection to it any more.", "Start the command again.")
        number = next(self._numbers)
        sent = frame(number, request)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer, hear
        try:
            self._writer.write(sent)
            reply = await answer
        except asyncio.CancelledError:
            if not self._writer.is_closing():
                self._writer.write(pack(Call(number=next(self._numbers), request=Forget(call=number))))
            raise
        finally:
            del self._waiting[number]
        return meant(reply, wanted)

    async def ended(self) -> None:
        """Until the connection has ended."""
        await asyncio.wait([self._listening])

    async def close(self) -> None:
        """End the connection; what was begun goes on."""
        self._writer.close()
        try:
            async with asyncio.timeout(LEAVE):
                await self._writer.wait_closed()
        except (TimeoutError, OSError):
            self._writer.transport.abort()
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening

    async def _listen(self) -> None:
        try:
            while True:
                length = int.from_bytes(await self._reader.readexactly(FRAME), "big")
                if length > LARGEST_REPLY:
                    break
                self._take(told.decode(await self._reader.readexactly(length)))
        except (asyncio.IncompleteReadError, OSError, msgspec.MsgspecError):
            pass
        finally:
            self._writer.transport.abort()
            for answer, _ in self._waiting.values():
                if not answer.done():
                    answer.set_exception(lost())

    def _take(self, message: FromEngine) -> None:
        match message:
            case Pushed():
                self.pushed(message)
            case Answer(number=number, reply=reply):
                answer, _ = self._waiting.get(number, (None, None))
                if answer is not None and not answer.done():
                    answer.set_result(reply)
            case Progress(number=number) | Part(number=number):
                answer, hear = self._waiting.get(number, (None, None))
                if answer is not None and hear is not None and not answer.done():
                    try:
                        hear(message)
                    except Exception as error:
                        answer.set_exception(error)
