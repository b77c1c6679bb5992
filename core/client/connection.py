"""One connection to a running engine, which sends calls and receives answers."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from core import VERSION
from core.client.api import EngineCalls
from core.client.calls import Hear, OnProgress, OnText, listener
from core.client.framing import GREETING_TIMEOUT, frame, from_engine, lost_error, result_of, silent_error
from core.client.silence import PULSE, Silence
from core.errors import EngineLostError
from core.ipc import read_frame
from core.protocol import (
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
    transport,
)
from core.protocol.requests import Forget, Hello, Status

R = TypeVar("R")

EXIT_TIMEOUT = 1.0
"""Seconds for sending the last bytes."""


class Connection(EngineCalls):
    """A connection, made by `open`. `pushed` is called with every snapshot."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int) -> None:
        self.pushed: Callable[[Pushed], None] | None = None
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[asyncio.Future[Reply], Hear]] = {}
        self._welcome: Welcome | None = None
        self._silence = Silence(pid)
        self._listening = asyncio.create_task(self._listen(), name="engine's answers")
        self._noticing = asyncio.create_task(self._notice(), name="engine's silence")

    @classmethod
    async def open(cls, home: str) -> tuple["Connection", Welcome]:
        """Connect to the engine of the state folder `home`, and greet it.

        Raises OSError when there is none, EngineLostError when it ends meanwhile, EngineError when it is another
        user's or does not answer.
        """
        connected = transport.connect(home)
        pid = transport.process(connected)
        connection = cls(*await asyncio.open_unix_connection(sock=connected), pid)
        try:
            async with asyncio.timeout(GREETING_TIMEOUT):
                connection._welcome = await connection.call(Hello(version=VERSION))
            return connection, connection._welcome
        except TimeoutError as error:
            await connection.close()
            raise silent_error(pid) from error
        except BaseException:
            await connection.close()
            raise

    async def call(
        self, request: Request[R], *, progress: OnProgress | None = None, text: OnText | None = None
    ) -> R:
        """See Calls."""
        if self._listening.done():
            raise EngineLostError("there is no connection to it any more.", "Start the command again.")
        number = next(self._numbers)
        sent = frame(number, request)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer, listener(progress, text)
        try:
            self._writer.write(sent)
            reply = await answer
        except asyncio.CancelledError:
            if not self._writer.is_closing():
                self._writer.write(pack(Call(number=next(self._numbers), request=Forget(call=number))))
            raise
        finally:
            del self._waiting[number]
        return result_of(reply, request)

    async def ended(self) -> None:
        """Wait until the connection has ended."""
        await asyncio.wait([self._listening])

    async def close(self) -> None:
        """Close the connection. The engine continues."""
        self._writer.close()
        try:
            async with asyncio.timeout(EXIT_TIMEOUT):
                await self._writer.wait_closed()
        except (TimeoutError, OSError):
            self._writer.transport.abort()
        for task in (self._listening, self._noticing):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        try:
            while True:
                self._take(from_engine.decode(await read_frame(self._reader, LARGEST_REPLY)))
        except (asyncio.IncompleteReadError, OSError, ValueError):
            pass
        finally:
            self._noticing.cancel()
            self._writer.transport.abort()
            for answer, _ in self._waiting.values():
                if not answer.done():
                    answer.set_exception(lost_error())

    async def _notice(self) -> None:
        """Count the pulses without a message while an answer or the next snapshot is waited for (`Silence`), and
        ask the engine for its state when that is due."""
        while True:
            await asyncio.sleep(PULSE)
            awaited = self._waiting or self.pushed is not None
            if (
                awaited
                and self._silence.count_pulse()
                and self._welcome is not None
                and self._welcome.version == VERSION
            ):
                # The answer itself is dropped; its arrival shows that the engine answers.
                self._writer.write(frame(next(self._numbers), Status()))

    def _take(self, message: FromEngine) -> None:
        self._silence.heard()
        match message:
            case Pushed():
                if self.pushed is not None:
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
