"""The base classes of all requests, and the requests about the connection itself.

The others are in `import_requests`, `archive_requests` and `queue_requests`. Each class names the type of its
reply: the reply to a `Request[list[str]]` is a list of texts.
"""

from typing import Any, Generic, TypeVar

from core.protocol.message import Message, Name, Number
from core.protocol.replies import Welcome
from core.snapshot import Snapshot

R = TypeVar("R", covariant=True)


class Request(Message, Generic[R], frozen=True, kw_only=True):
    """A request whose reply is an R."""


class Change(Request[R], frozen=True, kw_only=True):
    """A request that is carried out even when the client has disconnected."""


class Page(Request[R], frozen=True, kw_only=True):
    """A request for a list: the engine has one such reply at a time in memory for each client."""


class FromArchive(Request[R], frozen=True, kw_only=True):
    """A request for what is read of an archive, whose disk may not answer: one such reply at a time, as of Pages,
    but no Page waits for it."""


class Hello(Request[Welcome], frozen=True, kw_only=True):
    """The client's version. The first request of a connection."""

    version: Name


class Status(Request[Welcome], frozen=True, kw_only=True):
    """Ask for the engine's state."""


class Stop(Request[None], frozen=True, kw_only=True):
    """End the engine; with `if_idle` only when it does nothing and no other client is attached. Running imports
    are resumed when an engine starts again. The connection ends when the engine has ended."""

    if_idle: bool = False


class Look(Page[Snapshot], frozen=True, kw_only=True):
    """Ask for one snapshot."""


class Subscribe(Request[None], frozen=True, kw_only=True):
    """Ask for snapshots from now on."""


class Forget(Request[None], frozen=True, kw_only=True):
    """The client does not need the reply to an unanswered call any more."""

    call: Number


def request_types() -> list[type[Request[Any]]]:
    """All classes of requests, as far as the modules that define them are imported."""

    def below(kind: type[Request[Any]]) -> list[type[Request[Any]]]:
        return [one for child in kind.__subclasses__() for one in (child, *below(child))]

    return [kind for kind in below(Request) if kind not in (Change, Page, FromArchive)]


def reply_type(kind: type[Request[Any]]) -> Any:
    """The type of the reply to requests of this class; NoneType where they have no result."""
    (base,) = kind.__orig_bases__  # type: ignore[attr-defined]
    (reply,) = base.__args__
    return reply
