"""The synchronous client, for commands that send one request: importing asyncio takes longer than most replies."""

import itertools
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec

from core import VERSION
from core.client.calls import Calls, OnProgress, OnText, listener
from core.client.framing import GREETING_TIMEOUT, frame, from_engine, lost, result_of, silent
from core.client.silence import PULSE, Silence
from core.errors import EngineLostError
from core.ipc import PREFIX_LENGTH, length_of
from core.protocol import LARGEST_REPLY, Answer, FromEngine, Part, Progress, Request, Welcome, transport
from core.protocol.requests import Hello, Status

R = TypeVar("R")
T = TypeVar("T")


class Blocking(Calls):
    """Attached to a running engine. Each call blocks until the reply has come."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._welcome: Welcome | None = None
        self._silence = Silence(transport.process(connected))
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

    def greet(self) -> Welcome:
        """Send the first request. Raises EngineError when the engine does not answer in time, EngineLostError when
        it ends meanwhile."""
        self._welcome = done(self.call(Hello(version=VERSION)))
        return self._welcome

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(None)
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
        except (OSError, msgspec.MsgspecError) as error:
            raise lost() from error

    def _exactly(self, count: int) -> bytearray:
        data = bytearray(count)
        view = memoryview(data)
        while view:
            self._socket.settimeout(PULSE)
            try:
                got = self._socket.recv_into(view)
            except TimeoutError:
                self._hear_nothing()
                continue
            if not got:
                raise lost()
            self._silence.heard()
            view = view[got:]
        return data

    def _hear_nothing(self) -> None:
        """Count a pulse without a message. Raises EngineError when the time for the greeting is over."""
        asks = self._silence.wanted()
        if self._welcome is None:
            if self._silence.pulses * PULSE >= GREETING_TIMEOUT:
                raise silent(self._silence.pid)
        elif asks and self._welcome.version == VERSION:
            # The answer itself is dropped; its arrival shows that the engine answers.
            self._send(frame(next(self._numbers), Status()))

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
        welcome = line.greet()
    except EngineLostError:
        # The engine was about to exit.
        line.close()
        return None
    except BaseException:
        line.close()
        raise
    return line, welcome


def found(home: str) -> Blocking | Welcome | None:
    """A connection to the engine of `home`; what it has said when it is of another version; None when none runs.
    Raises EngineError."""
    here = greeted(home)
    if here is None:
        return None
    line, welcome = here
    if welcome.version == VERSION:
        return line
    line.close()
    return welcome


def attached(home: str) -> Blocking | None:
    """A connection to the engine of `home`; None when none of this version runs. Raises EngineError."""
    here = found(home)
    return here if isinstance(here, Blocking) else None


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
