"""For commands that ask and leave: a line to the engine without an event loop, which takes longer to load than
most answers to come."""

import itertools
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec

from core import VERSION
from core.client.calls import Calls, Hear
from core.client.frames import ANSWER, frame, lost, meant, silent, told
from core.errors import EngineLostError
from core.protocol import FRAME, LARGEST_REPLY, Answer, FromEngine, Part, Progress, Request, Welcome
from core.protocol.requests import Hello
from core.server import sockets

R = TypeVar("R")
T = TypeVar("T")


class Blocking(Calls):
    """Attached to an engine that runs. What it is asked keeps this process until the answer is there."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._numbers = itertools.count(1)

    @property
    def _connection(self) -> "Blocking":
        return self

    async def ask(self, request: Request, wanted: type[R], hear: Hear | None = None) -> R:
        """The reply to a request; `hear` gets what is told before it. It never waits for a loop.

        Raises the engine's LadingError, EngineLostError when it ends before the answer.
        """
        number = next(self._numbers)
        self._send(frame(number, request))
        while True:
            match self._next():
                case Answer(number=answered, reply=reply) if answered == number:
                    return meant(reply, wanted)
                case Progress(number=at) | Part(number=at) as message if at == number and hear:
                    hear(message)

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise lost() from error

    def _next(self) -> FromEngine:
        try:
            length = int.from_bytes(self._exactly(FRAME), "big")
            if length > LARGEST_REPLY:
                raise lost()
            return told.decode(self._exactly(length))
        except TimeoutError as error:
            raise silent(ANSWER) from error
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
        """End the connection; what was begun goes on."""
        self._socket.close()


def greeted(home: str) -> tuple[Blocking, Welcome] | None:
    """A line to the engine of the state folder `home`, of whatever version; None when none is up.

    Raises EngineError.
    """
    try:
        connected = sockets.connect(home)
    except OSError:
        return None
    line = Blocking(connected)
    try:
        connected.settimeout(ANSWER)
        welcome = done(line.ask(Hello(version=VERSION), Welcome))
        connected.settimeout(None)
    except EngineLostError:
        # It was about to leave.
        line.close()
        return None
    except BaseException:
        line.close()
        raise
    return line, welcome


def attached(home: str) -> Blocking | None:
    """A line to the engine of `home`; None when none of this version is up. Raises EngineError."""
    found = greeted(home)
    if found is None or found[1].version == VERSION:
        return found and found[0]
    found[0].close()
    return None


def done(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    work.close()
    raise RuntimeError("it waits for a loop")
