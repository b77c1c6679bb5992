"""The synchronous client, for commands that send one request: importing asyncio takes longer than most replies."""

import itertools
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec

from core import VERSION
from core.client.calls import Calls, OnProgress, OnText, listener
from core.client.framing import GREETING_TIMEOUT, frame, from_engine, lost, result_of, silent
from core.errors import EngineLostError
from core.ipc import PREFIX_LENGTH, length_of
from core.protocol import LARGEST_REPLY, Answer, FromEngine, Part, Progress, Request, Welcome, transport
from core.protocol.requests import Hello

R = TypeVar("R")
T = TypeVar("T")


class Blocking(Calls):
    """Attached to a running engine. Each call blocks until the reply has come."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._numbers = itertools.count(1)

    async def call(
        self, request: Request[R], *, progress: OnProgress | None = None, text: OnText | None = None
    ) -> R:
        """See Calls. It never suspends, so `done` can run it without an event loop."""
        number = next(self._numbers)
        hear = listener(progress, text)
        self._send(frame(number, request))
        while True:
            match self._next():
                case Answer(number=answered, reply=reply) if answered == number:
                    return result_of(reply, request)
                case Progress(number=at) | Part(number=at) as message if at == number:
                    hear(message)

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise lost() from error

    def _next(self) -> FromEngine:
        try:
            length = length_of(self._exactly(PREFIX_LENGTH))
            if length > LARGEST_REPLY:
                raise lost()
            return from_engine.decode(self._exactly(length))
        except TimeoutError as error:
            raise silent(GREETING_TIMEOUT) from error
        except (OSError, msgspec.MsgspecError) as error:
            raise lost() from error

    def _exactly(self, count: int) -> bytearray:
        data = bytearray(count)
        view = memoryview(data)
        while view:
            got = self._socket.recv_into(view)
            if not got:
                raise lost()
            view = view[got:]
        return data

    def close(self) -> None:
        """Close the connection. The engine continues."""
        self._socket.close()


def greeted(home: str) -> tuple[Blocking, Welcome] | None:
    """A connection to the engine of the state folder `home`, of any version; None when none runs.

    Raises EngineError.
    """
    try:
        connected = transport.connect(home)
    except OSError:
        return None
    line = Blocking(connected)
    try:
        connected.settimeout(GREETING_TIMEOUT)
        welcome = done(line.call(Hello(version=VERSION)))
        connected.settimeout(None)
    except EngineLostError:
        # The engine was about to exit.
        line.close()
        return None
    except BaseException:
        line.close()
        raise
    return line, welcome


def attached(home: str) -> Blocking | None:
    """A connection to the engine of `home`; None when none of this version runs. Raises EngineError."""
    found = greeted(home)
    if found is None or found[1].version == VERSION:
        return found and found[0]
    found[0].close()
    return None


def running(home: str) -> bool:
    """Whether an engine of this version runs. Raises EngineError."""
    line = attached(home)
    if line is not None:
        line.close()
    return line is not None


def done(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    work.close()
    raise RuntimeError("it waits for a loop")
