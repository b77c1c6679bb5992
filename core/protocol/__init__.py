"""What a terminal and the engine say to each other.

The engine listens on a Unix stream socket, `LADING_HOME/run/engine.sock`. Where that path is too long for a
socket, the text file `LADING_HOME/run/socket` holds the path of the one to use. Only processes of the engine's
own user are let in.

Both sides send frames: a length in 4 bytes, big-endian, then that many bytes of MessagePack. A frame to the
engine has at most `LARGEST_REQUEST` bytes, one from it `LARGEST_REPLY`. Every message is a map; its key `type`
holds the name of a class in lower case (those below, and those in `requests` and `replies`), the other keys are
the fields of that class, and fields with a default may be left out. Paths are binary, as the system has them; all
else is UTF-8 text. A frame that is larger, no such message, or out of turn ends the connection, and only that one.

The client sends `Call`s: a number of its own, from 1, that no unanswered call of its has, and a request. Each
gets one `Answer` with that number and a reply; replies may come in another order than the calls. The reply that
belongs to a request is named in its docstring; any may instead be `Failed`, an error to be shown to a person.

The first call must be `Hello`, within `GREETING` seconds; it is answered by `Welcome`. `Hello`, `Welcome`,
`Status` and `Stop` never change, so that programs of any two versions can tell each other which they are;
everything else holds only between equal versions.

After `Subscribe` the engine pushes a `Pushed` snapshot every `PERIOD` seconds, each of which replaces the one
before. A client that has not read everything yet gets none until it has. `Audit`, `Check`, `Restore` and
`Rebuild` send `Progress` in the same way, and `Receipt` and `HashList` their text in `Part`s before their answer.

A client may have `CALLS` calls unanswered; while it has, the engine reads no more from it. Of those that ask for a
`Page`, one is answered after the other, each when the one before has been read. When the connection
ends, so does what is done only to tell this client something. Imports go on, and what was asked for to be changed
(`Start`, `Resume`, `Pause`, `Cancel`, and the same for queues and jobs) is changed. `Forget` says that a call is
not wanted any more: what would end with the connection ends now, and imports that a `Start` or `Resume` has begun
are paused. The call is answered all the same.
"""

from typing import Any

import msgspec

from core.models import Count
from core.protocol.message import Message, Number, encodable
from core.protocol.replies import Failed, FilePage, Pushed, Record, Reply, Welcome
from core.protocol.requests import Request

FRAME = 4
"""Bytes of a frame's length."""

LARGEST_REQUEST, LARGEST_REPLY = 1 << 20, 16 << 20
"""Bytes of a frame at most, without its length."""

GREETING = 10.0
PERIOD = 0.25
CALLS = 32
PAGE = 200
"""Imports or jobs on one page at most."""


class Call(Message, frozen=True, kw_only=True):
    """A request of a client."""

    number: Number
    request: Request


class Answer(Message, frozen=True, kw_only=True):
    """The reply to a call."""

    number: int
    reply: Reply


class Progress(Message, frozen=True, kw_only=True):
    """How far a call is; a total of nothing is one that nobody knows."""

    number: int
    checked: Count
    total: Count


class Part(Message, frozen=True, kw_only=True):
    """More of the text that a call asked for."""

    number: int
    text: str


FromEngine = Answer | Pushed | Progress | Part

_encoder = msgspec.msgpack.Encoder()


def pack(message: Message) -> bytes:
    """The frame of a message. Raises ValueError for text that UTF-8 cannot hold."""
    data = _encoder.encode(message)
    return len(data).to_bytes(FRAME, "big") + data


def unpacker(kind: Any) -> "msgspec.msgpack.Decoder[Any]":
    """Decodes the frames of one side."""
    return msgspec.msgpack.Decoder(kind)


__all__ = [
    "CALLS",
    "FRAME",
    "GREETING",
    "LARGEST_REPLY",
    "LARGEST_REQUEST",
    "PAGE",
    "PERIOD",
    "Answer",
    "Call",
    "Failed",
    "FilePage",
    "FromEngine",
    "Message",
    "Part",
    "Progress",
    "Pushed",
    "Record",
    "Reply",
    "Request",
    "Welcome",
    "encodable",
    "pack",
    "unpacker",
]
