"""What a terminal and the engine say to each other.

The engine listens on a Unix stream socket, `LADING_HOME/run/engine.sock`. Where that path is too long for a
socket, the text file `LADING_HOME/run/socket` holds the path of the one to use. Only processes of the engine's
own user are let in.

Both sides send frames: a length in 4 bytes, big-endian, then that many bytes of MessagePack. A frame to the
engine has at most `LARGEST_REQUEST` bytes, one from it `LARGEST_REPLY`. Every message is a map; its key `type`
holds the name of a class below in lower case, the other keys are the fields of that class, and fields with a
default may be left out. Paths are binary, as the system has them; all else is UTF-8 text. A frame that is
larger, no such message, or out of turn ends the connection, and only that one.

The client sends `Call`s: a number of its own, from 1, that no unanswered call of its has, and a request. Each
gets one `Answer` with that number and a reply; replies may come in another order than the calls. The reply that
belongs to a request is named in its docstring; any may instead be `Failed`, an error to be shown to a person.

The first call must be `Hello`, within `GREETING` seconds; it is answered by `Welcome`. `Hello`, `Welcome`,
`Status` and `Stop` never change, so that programs of any two versions can tell each other which they are;
everything else holds only between equal versions.

After `Subscribe` the engine pushes a `Pushed` snapshot every `PERIOD` seconds, each of which replaces the one
before. A client that has not read everything yet gets none until it has. `Audit` sends `Progress` in the same
way, and `Receipt` its text in `Part`s before its answer.

A client may have `CALLS` calls unanswered; while it has, the engine reads no more from it. When the connection
ends, so does what was done only for this client (`Wait`, `Survey`, `Audit`, `Receipt`, `Subscribe`). Imports go
on, and a start, resume, pause or cancel that was asked for is carried out. `Forget` says that a call is not
wanted any more: what would end with the connection ends now, and imports that a `Start` or `Resume` has begun
are paused. The call is answered all the same.
"""

import os
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from core import errors
from core.errors import LadingError
from core.models import AuditResult, Count, ImportRequest, Snapshot, Survey, Verdict

FRAME = 4
"""Bytes of a frame's length."""

LARGEST_REQUEST, LARGEST_REPLY = 1 << 20, 16 << 20
"""Bytes of a frame at most, without its length."""

GREETING = 10.0
PERIOD = 0.25
CALLS = 32
PAGE = 200
"""Imports on one page at most."""

Number = Annotated[int, msgspec.Meta(ge=1, le=2**62)]
Name = Annotated[str, msgspec.Meta(max_length=200)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower, omit_defaults=True):
    """Base of everything here."""


# Requests


class Hello(Message, frozen=True, kw_only=True):
    """The client's version. → Welcome"""

    version: Name


class Status(Message, frozen=True, kw_only=True):
    """How the engine is. → Welcome"""


class Stop(Message, frozen=True, kw_only=True):
    """End the engine; with `if_idle` only when nothing is under way and no other client attached. Imports that
    run go on when an engine starts again. → Done, and the end of the connection when it has ended; or Failed"""

    if_idle: bool = False


class Wanted(Message, frozen=True, kw_only=True):
    """An ImportRequest; see there."""

    source: bytes
    archive: bytes
    location: str
    label: str = ""
    operator: str = ""
    note: str = ""
    verify: Literal["readback", "source", "none"] = "readback"
    known: Literal["read", "record"] = "read"
    duplicates: Literal["archive", "location"] = "archive"
    exclude: tuple[bytes, ...] = ()
    libraries: bool = False
    icloud: bool = False

    @classmethod
    def of(cls, request: ImportRequest) -> "Wanted":
        """As it is sent."""
        values = msgspec.structs.asdict(request)
        for name in ("source", "archive"):
            values[name] = os.fsencode(values[name])
        return cls(**values | {"exclude": tuple(map(os.fsencode, request.exclude))})

    def request(self) -> ImportRequest:
        """As the engine takes it."""
        values = msgspec.structs.asdict(self)
        for name in ("source", "archive"):
            values[name] = os.fsdecode(values[name])
        return ImportRequest(**values | {"exclude": tuple(map(os.fsdecode, self.exclude))})


class Start(Message, frozen=True, kw_only=True):
    """Begin imports. → Started"""

    requests: tuple[Wanted, ...]


class Resume(Message, frozen=True, kw_only=True):
    """Go on with a paused or interrupted import. → Done"""

    id: Name


class Pause(Message, frozen=True, kw_only=True):
    """Stop reading and writing until `Resume`. → Done"""

    id: Name
    reason: Name = "by the user"


class Cancel(Message, frozen=True, kw_only=True):
    """End an import as it is. → Done"""

    id: Name


class Wait(Message, frozen=True, kw_only=True):
    """Until these imports have ended, or cannot go on. → Done"""

    ids: tuple[Name, ...]


class Look(Message, frozen=True, kw_only=True):
    """One snapshot. → Pushed"""


class Subscribe(Message, frozen=True, kw_only=True):
    """Snapshots from now on. → Done"""


class Prospect(Message, frozen=True, kw_only=True):
    """What importing these would do. → Surveys"""

    requests: tuple[Wanted, ...]


class Audit(Message, frozen=True, kw_only=True):
    """Read an archive again. → Audited"""

    archive: bytes


class Imports(Message, frozen=True, kw_only=True):
    """The imports before the one in row `before` (0: the newest), `PAGE` of them. → Records"""

    before: int = 0
    unfinished: bool = False


class Find(Message, frozen=True, kw_only=True):
    """The import whose id is or begins with `name`. → Records, with one"""

    name: Name


class Receipt(Message, frozen=True, kw_only=True):
    """The receipt of the import whose id is or begins with `name`. → Done, after the Parts"""

    name: Name
    form: Literal["text", "json", "csv", "tsv"] = "text"


class Forget(Message, frozen=True, kw_only=True):
    """An unanswered call is not wanted any more. → Done"""

    call: Number


Request = (
    Hello
    | Status
    | Stop
    | Start
    | Resume
    | Pause
    | Cancel
    | Wait
    | Look
    | Subscribe
    | Prospect
    | Audit
    | Imports
    | Find
    | Receipt
    | Forget
)


# Replies


class Failed(Message, frozen=True, kw_only=True):
    """An error to be shown. `kind` is the class in `core.errors` that it counts as."""

    kind: str
    title: str
    cause: str
    advice: str = ""

    @classmethod
    def of(cls, error: LadingError) -> "Failed":
        """As it is sent."""
        kind = next(base for base in type(error).__mro__ if vars(errors).get(base.__name__) is base)
        return cls(
            kind=kind.__name__,
            title=encodable(error.title),
            cause=encodable(error.cause),
            advice=encodable(error.advice),
        )

    def error(self) -> LadingError:
        """As it is raised."""
        kind = vars(errors).get(self.kind)
        known = kind if isinstance(kind, type) and issubclass(kind, LadingError) else LadingError
        return known(self.cause, self.advice, title=self.title)


class Done(Message, frozen=True, kw_only=True):
    """It is done."""


class Welcome(Message, frozen=True, kw_only=True):
    """An engine of this version and process number, begun at `since`. `busy`: work is under way or waited for.

    clients: those attached, this one included. running: imports that are not paused.
    """

    version: str
    pid: int
    since: float = 0.0
    busy: bool = False
    clients: int = 1
    running: int = 0


class Started(Message, frozen=True, kw_only=True):
    """The imports' ids. There are fewer than requests when one source lies in another."""

    ids: tuple[str, ...]


class Surveys(Message, frozen=True, kw_only=True):
    """One for each source that does not lie in another."""

    surveys: tuple[Survey, ...]


class Audited(Message, frozen=True, kw_only=True):
    """The audit's result."""

    result: AuditResult


class Record(Message, frozen=True, kw_only=True):
    """One import as the catalog has it; the counts are files. `row` is for paging.

    state: a `core.models.State`, or "interrupted" for one that does not run and was not paused.
    """

    row: int
    id: str
    started: float
    ended: float | None = None
    source: str
    label: str = ""
    archive: str
    location: str
    state: str
    reason: str = ""
    advice: str = ""
    seen: int = 0
    archived: int = 0
    duplicate: int = 0
    skipped: int = 0
    failed: int = 0
    todo: int = 0
    verdict: Verdict = Verdict.OPEN
    verdict_reason: str = ""


class Records(Message, frozen=True, kw_only=True):
    """One page of imports, newest first."""

    records: tuple[Record, ...]


class Pushed(Message, frozen=True, kw_only=True):
    """What is happening now."""

    snapshot: Snapshot


Reply = Failed | Done | Welcome | Started | Surveys | Audited | Records | Pushed


# What is in the frames


class Call(Message, frozen=True, kw_only=True):
    """A request of a client."""

    number: Number
    request: Request


class Answer(Message, frozen=True, kw_only=True):
    """The reply to a call."""

    number: int
    reply: Reply


class Progress(Message, frozen=True, kw_only=True):
    """How far the audit of a call is."""

    number: int
    checked: Count
    total: Count


class Part(Message, frozen=True, kw_only=True):
    """More of the receipt of a call."""

    number: int
    text: str


FromEngine = Answer | Pushed | Progress | Part

M = TypeVar("M")

_encoder = msgspec.msgpack.Encoder()


def encodable(text: str) -> str:
    """`text` with what UTF-8 cannot hold, such as escaped bytes of a path, made visible."""
    return text.encode("utf-8", "backslashreplace").decode()


def pack(message: Message) -> bytes:
    """The frame of a message. Raises ValueError for text that UTF-8 cannot hold."""
    data = _encoder.encode(message)
    return len(data).to_bytes(FRAME, "big") + data


def unpacker(kind: Any) -> "msgspec.msgpack.Decoder[Any]":
    """Decodes the frames of one side."""
    return msgspec.msgpack.Decoder(kind)
