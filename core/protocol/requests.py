"""What a client can ask for. Each class names the reply that it gets."""

import os
from typing import Annotated, Literal

import msgspec

from core.models import ImportRequest, Outcome
from core.protocol.message import Message, Name, Number
from core.results import AuditScope


class Change(Message, frozen=True, kw_only=True):
    """What is carried out even when the client is gone."""


class Page(Message, frozen=True, kw_only=True):
    """What is answered with a list: of these, the engine has one at a time in memory for each client."""


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


class Start(Change, frozen=True, kw_only=True):
    """Begin imports. → Started"""

    requests: tuple[Wanted, ...]


class Resume(Change, frozen=True, kw_only=True):
    """Go on with a paused or interrupted import. → Done"""

    id: Name


class Again(Change, frozen=True, kw_only=True):
    """Try failed files of an import once more: these, else those with this cause, else all. → Revived"""

    id: Name
    cause: Annotated[str, msgspec.Meta(max_length=10_000)] = ""
    files: Annotated[tuple[Number, ...], msgspec.Meta(max_length=1000)] = ()


class Errors(Message, frozen=True, kw_only=True):
    """Why files of an import failed. → ErrorGroups"""

    name: Name


class Failures(Message, frozen=True, kw_only=True):
    """Files of an import that failed for this cause, from row `offset` on. → FailurePage"""

    name: Name
    cause: Annotated[str, msgspec.Meta(max_length=10_000)]
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0


class Pause(Change, frozen=True, kw_only=True):
    """Stop reading and writing until `Resume`. → Done"""

    id: Name
    reason: Name = "by the user"


class Cancel(Change, frozen=True, kw_only=True):
    """End an import as it is. → Done"""

    id: Name


class Wait(Message, frozen=True, kw_only=True):
    """Until these imports have ended, or cannot go on. → Done"""

    ids: tuple[Name, ...]


class Look(Page, frozen=True, kw_only=True):
    """One snapshot. → Pushed"""


class Subscribe(Message, frozen=True, kw_only=True):
    """Snapshots from now on. → Done"""


class Prospect(Message, frozen=True, kw_only=True):
    """What importing these would do. → Surveys"""

    requests: tuple[Wanted, ...]


class Audit(Message, frozen=True, kw_only=True):
    """Read an archive again, as far as an AuditScope says. → Audited"""

    archive: bytes
    older_than: Annotated[float, msgspec.Meta(ge=0)] | None = None
    sample: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    heal: tuple[bytes, ...] = ()

    def scope(self) -> AuditScope:
        """As the engine takes it."""
        return AuditScope(older_than=self.older_than, sample=self.sample, heal=tuple(map(os.fsdecode, self.heal)))


class Check(Message, frozen=True, kw_only=True):
    """Is every file of a source archived, verified and still there; with `read` by content. → Checked"""

    source: bytes
    archive: bytes
    read: bool = False


class Restore(Message, frozen=True, kw_only=True):
    """The original tree of an import, a card or a location, below the folder `target`. → Restored"""

    name: Name
    target: bytes
    by_date: bool = False


class Rebuild(Message, frozen=True, kw_only=True):
    """Bring the catalog up to all that an archive itself holds. → Rebuilt"""

    archive: bytes


class Imports(Page, frozen=True, kw_only=True):
    """The imports before the one in row `before` (0: the newest), `PAGE` of them. → Records"""

    before: int = 0
    unfinished: bool = False


class Find(Message, frozen=True, kw_only=True):
    """The import whose id is or begins with `name`. → Records, with one"""

    name: Name


class Files(Page, frozen=True, kw_only=True):
    """Files of the import `name`, or of all, from row `offset` on; only of these outcomes, only what fits `text`,
    as `core.catalog.search` tells. → FilePage"""

    name: Name = ""
    outcomes: tuple[Outcome, ...] = ()
    text: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0


class Known(Message, frozen=True, kw_only=True):
    """All that is known of the file with this number. → Facts"""

    file: Number


class Receipt(Page, frozen=True, kw_only=True):
    """The receipt of the import whose id is or begins with `name`. → Done, after the Parts"""

    name: Name
    form: Literal["text", "json", "csv", "tsv"] = "text"


class HashList(Page, frozen=True, kw_only=True):
    """The ASC MHL manifest of the import whose id is or begins with `name`, in Parts; or, with `folder`, a
    history begun there. → Exported"""

    name: Name
    folder: bytes = b""


class Move(Change, frozen=True, kw_only=True):
    """Move an import that has ended, whose id is or begins with `name`, to another location. → Moved"""

    name: Name
    location: Name


class PauseQueue(Change, frozen=True, kw_only=True):
    """Begin no more jobs of a queue. → Done"""

    queue: Name


class ResumeQueue(Change, frozen=True, kw_only=True):
    """Go on with a queue. → Done"""

    queue: Name


class SetSlots(Change, frozen=True, kw_only=True):
    """So many calls of a queue at once. → Done"""

    queue: Name
    slots: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Jobs(Page, frozen=True, kw_only=True):
    """Up to `PAGE` jobs with numbers beyond `after`; of one state, of one queue. → JobPage"""

    state: Name = ""
    queue: Name = ""
    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0


class Retry(Change, frozen=True, kw_only=True):
    """Try dead jobs again: all, those of a queue, or these. → Revived"""

    queue: Name = ""
    ids: tuple[Number, ...] | None = None


class Derive(Change, frozen=True, kw_only=True):
    """Add jobs for all that is missing in an archive. → Revived"""

    archive: bytes


class Show(Message, frozen=True, kw_only=True):
    """The items that `wanted` means: a digest or its beginning, a name; what lies or lay at `path` (absolute).
    `raw`: one alone with all that exiftool and ffprobe said. → Items"""

    wanted: Annotated[str, msgspec.Meta(max_length=10_000)]
    path: bytes = b""
    raw: bool = False


class Locations(Page, frozen=True, kw_only=True):
    """The locations of an archive. → Located"""

    archive: bytes


class Describe(Change, frozen=True, kw_only=True):
    """Change what is said of the location of that folder or name: None leaves a value, an empty text or an empty
    `position` (latitude and longitude in degrees) takes it back. → Located, with one"""

    archive: bytes
    location: Name
    name: str | None = None
    description: str | None = None
    access_note: str | None = None
    external_identifier: str | None = None
    position: tuple[float, ...] | None = None


class Finish(Message, frozen=True, kw_only=True):
    """Until these imports have ended and all that they left to be done. → Done"""

    ids: tuple[Name, ...]


class Forget(Message, frozen=True, kw_only=True):
    """An unanswered call is not wanted any more. → Done"""

    call: Number


Request = (
    Hello
    | Status
    | Stop
    | Start
    | Resume
    | Again
    | Errors
    | Failures
    | Pause
    | Cancel
    | Wait
    | Look
    | Subscribe
    | Prospect
    | Audit
    | Check
    | Restore
    | Rebuild
    | Imports
    | Find
    | Files
    | Known
    | Receipt
    | HashList
    | Move
    | PauseQueue
    | ResumeQueue
    | SetSlots
    | Jobs
    | Retry
    | Derive
    | Show
    | Locations
    | Describe
    | Finish
    | Forget
)
