"""The protocol between a terminal and the engine.

The engine listens on a Unix stream socket, `LADING_HOME/run/engine.sock`. Where that path is too long for a
socket, the text file `LADING_HOME/run/socket` holds the path of the one to use. Only processes of the engine's own
user are accepted.

Both sides send frames: a length in 4 bytes, big-endian, then that many bytes of MessagePack. A frame to the engine
has at most `LARGEST_REQUEST` bytes, one from it `LARGEST_REPLY`. Every message is a map; its key `type` holds the
name of a class in lower case (those below, and those in `replies`, `requests` and `*_requests`), the other keys
are the fields of that class, and fields with a default may be left out. Paths are binary, as the system has them;
everything else is UTF-8 text. A frame that is larger, is no such message or comes out of turn ends the connection,
and only that one.

The client sends `Call`s: a number that it chooses, from 1, different from those of its unanswered calls, and a
request. Each gets one `Answer` with that number and a reply; replies may come in another order than the calls. The
reply is a `Returned` with a value of the type that the request's class names, or `Welcome`, or `Done` where that
type is None. Instead of any of these it may be `Failed`, an error to be shown to a person.

The first call must be `Hello`, within `GREETING` seconds; it is answered by `Welcome`. `Hello`, `Welcome`,
`Status` and `Stop` never change, so that programs of any two versions can tell each other their versions;
everything else is only compatible between equal versions.

After `Subscribe` the engine pushes a `Pushed` snapshot every `PUSH_INTERVAL` seconds, each of which replaces the
one before. A client that has not read everything yet gets none until it has. `Audit`, `Check`, `Restore` and
`Rebuild` send `Progress` in the same way; `GetReceipt`, `GetReport`, `GetSheet` and `HashList` send their text in
`Part`s before their answer.

A client may have `CALLS` unanswered calls; while it has that many, the engine reads no more from it. Calls that
ask for a `Page` are answered one after the other, each when the answer before has been read; so are those for what
is read `FromArchive`, beside them. When the connection ends, work that only serves to answer this client is
cancelled. Imports continue, and changes that were requested (each `Change`) are carried out. `Forget` says that
the client does not need a call any more: the work that would be cancelled at the end of the connection is
cancelled now, and imports that a `StartImports` or `ResumeImport` has started are paused. The call is answered all
the same.
"""

from typing import Any, Generic, TypeVar

import msgspec

from core.ipc import framed
from core.models import Count
from core.protocol.message import Message, Number
from core.protocol.replies import Failed, Pushed, Reply, Returned, Welcome
from core.protocol.requests import Request

LARGEST_REQUEST, LARGEST_REPLY = 1 << 20, 16 << 20
"""The most bytes of a frame, without its length."""

GREETING = 10.0
PUSH_INTERVAL = 0.25
CALLS = 32

Q = TypeVar("Q")


class Call(Message, Generic[Q], frozen=True, kw_only=True):
    """A client's request with its number. The engine decodes a `Call[AnyRequest]` (core.protocol.any_request)."""

    number: Number
    request: Q


class Answer(Message, frozen=True, kw_only=True):
    """The reply to a call."""

    number: int
    reply: Reply


class Progress(Message, frozen=True, kw_only=True):
    """The progress of a call; an empty total is not known."""

    number: int
    checked: Count
    total: Count


class Part(Message, frozen=True, kw_only=True):
    """A further part of the text that a call asked for."""

    number: int
    text: str


FromEngine = Answer | Pushed | Progress | Part

_encoder = msgspec.msgpack.Encoder()


def pack(message: Message) -> bytes:
    """Encode a message as a frame. Raises ValueError for text that UTF-8 cannot hold."""
    data = _encoder.encode(message)
    return framed(data)


def unpacker(kind: Any) -> "msgspec.msgpack.Decoder[Any]":
    """A decoder for the frames of one side."""
    return msgspec.msgpack.Decoder(kind)


__all__ = [
    "CALLS",
    "GREETING",
    "LARGEST_REPLY",
    "LARGEST_REQUEST",
    "Answer",
    "Call",
    "Failed",
    "FromEngine",
    "Message",
    "Part",
    "Progress",
    "Pushed",
    "Reply",
    "Request",
    "Returned",
    "Welcome",
    "pack",
    "unpacker",
]
