"""The synchronous client, for commands that send one request: importing asyncio takes longer than most replies."""

import itertools
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec

from core import VERSION
from core.client.calls import Calls, OnProgress, OnText, listener
from core.client.framing import GREETING_TIMEOUT, frame, from_engine, lost_error, result_of, silent_error
from core.client.silence import PULSE, Silence
from core.errors import EngineLostError
from core.ipc import PREFIX_LENGTH, length_of
from core.protocol import LARGEST_REPLY, Answer, FromEngine, Part, Progress, Request, Welcome, transport
from core.protocol.requests import Hello, Status

R = TypeVar("R")
T = TypeVar("T")


class Blocking(Calls):
    """A connection to a running engine. Each call blocks until the reply has come."""

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
            raise lost_error() from error

    def _next(self) -> FromEngine:
        try:
            length = length_of(self._read_exactly(PREFIX_LENGTH))
            if length > LARGEST_REPLY:
                raise lost_error()
            return from_engine.decode(self._read_exactly(length))
        except (OSError, msgspec.MsgspecError) as error:
            raise lost_error() from error

    def _read_exactly(self, count: int) -> bytearray:
        data = bytearray(count)
        view = memoryview(data)
        while view:
            self._socket.settimeout(PULSE)
            try:
                got = self._socket.recv_into(view)
            except TimeoutError:
                self._count_silence()
                continue
            if not got:
                raise lost_error()
            self._silence.heard()
            view = view[got:]
        return data

    def _count_silence(self) -> None:
        """Count a pulse without a message. Raises EngineError when the time for the greeting is over."""
        asks = self._silence.count_pulse()
        if self._welcome is None:
            if self._silence.pulses * PULSE >= GREETING_TIMEOUT:
                raise silent_error(self._silence.pid)
        elif asks and self._welcome.version == VERSION:
            # The answer itself is dropped; its arrival shows that the engine answers.
            self._send(frame(next(self._numbers), Status()))

    def close(self) -> None:
        """Close the connection. The engine continues."""
        self._socket.close()


def connect_any_version(home: str) -> tuple[Blocking, Welcome] | None:
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


def connect_or_welcome(home: str) -> Blocking | Welcome | None:
    """A connection to the engine of the state folder `home`; for an engine of another version its Welcome instead;
    None when none runs. Raises EngineError."""
    here = connect_any_version(home)
    if here is None:
        return None
    line, welcome = here
    if welcome.version == VERSION:
        return line
    line.close()
    return welcome


def connect(home: str) -> Blocking | None:
    """A connection to the engine of the state folder `home`; None when no engine of this version runs. Raises
    EngineError."""
    here = connect_or_welcome(home)
    return here if isinstance(here, Blocking) else None


def engine_runs(home: str) -> bool:
    """Whether an engine of this version runs. Raises EngineError."""
    line = connect(home)
    if line is not None:
        line.close()
    return line is not None


def done(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, without an event loop. Returns its result. Raises RuntimeError if it
    suspends."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    work.close()
    raise RuntimeError("it waits for a loop")
