"""The engine's replies. Most requests are answered by a `Returned`, whose value has the type that the request's
class names."""

from typing import Any

import msgspec

from core import errors
from core.errors import LadingError
from core.paths import encodable
from core.protocol.message import Message
from core.snapshot import Snapshot


class Failed(Message, frozen=True, kw_only=True):
    """An error to be shown. `kind` is the name of its class in `core.errors`, or of the nearest base class
    there."""

    kind: str
    title: str
    cause: str
    advice: str = ""

    @classmethod
    def of(cls, error: LadingError) -> "Failed":
        """Make the message."""
        kind = next(base for base in type(error).__mro__ if vars(errors).get(base.__name__) is base)
        return cls(
            kind=kind.__name__,
            title=encodable(error.title),
            cause=encodable(error.cause),
            advice=encodable(error.advice),
        )

    def error(self) -> LadingError:
        """The error in the message."""
        kind = vars(errors).get(self.kind)
        known = kind if isinstance(kind, type) and issubclass(kind, LadingError) else LadingError
        return known(self.cause, self.advice, title=self.title)


class Done(Message, frozen=True, kw_only=True):
    """The request was carried out, and has no result."""


class Welcome(Message, frozen=True, kw_only=True):
    """An engine of this version and process id, started at `since`. `busy`: it works, or waits for something.

    clients: those attached, this one included. running: imports that are not paused.
    """

    version: str
    pid: int
    since: float = 0.0
    busy: bool = False
    clients: int = 1
    running: int = 0


class Returned(Message, frozen=True, kw_only=True):
    """A value of the type that the request's class names, as MessagePack."""

    value: msgspec.Raw


class Pushed(Message, frozen=True, kw_only=True):
    """A snapshot for clients that have subscribed."""

    snapshot: Snapshot


Reply = Failed | Done | Welcome | Returned

_encoder = msgspec.msgpack.Encoder()


def reply_of(value: Any) -> Reply:
    """The reply for the result of a request. Raises ValueError for text that UTF-8 cannot hold."""
    if value is None:
        return Done()
    if isinstance(value, Welcome):
        return value
    return Returned(value=msgspec.Raw(_encoder.encode(value)))
