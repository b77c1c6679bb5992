"""The values that pass between engine, command line and screen: frozen, typed, without behaviour.

Sizes are bytes, rates bytes a second, times seconds since 1970 UTC unless a name ends in `_ns`. Text made
from file names is safe to show (`core.paths.display`).
"""

from enum import IntEnum, StrEnum
from typing import Literal

import msgspec


class State(StrEnum):
    """What an import is doing. One that is `running` in a database without an engine was interrupted."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class Waits(StrEnum):
    """The volume that a paused import waits for; it goes on by itself when that is back."""

    NOTHING = ""
    SOURCE = "source"
    ARCHIVE = "archive"


class Outcome(IntEnum):
    """What became of one directory entry."""

    TODO = 0
    ARCHIVED = 1
    DUPLICATE = 2
    SKIPPED = 3
    LITTER = 4
    FAILED = 5


class Verdict(StrEnum):
    """The one word for a source."""

    OPEN = ""
    SAFE = "SAFE"
    KEEP = "KEEP"


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the frozen values here."""


class ImportRequest(Value, frozen=True, kw_only=True):
    """One source into one location. `source` and `archive` are paths, bytes that are not UTF-8 escaped."""

    source: str
    archive: str
    location: str
    label: str = ""
    operator: str = ""
    note: str = ""
    verify: Literal["readback", "source", "none"] = "readback"
    known: Literal["read", "record"] = "read"
    duplicates: Literal["archive", "location"] = "archive"
    exclude: tuple[str, ...] = ()
    libraries: bool = False
    icloud: bool = False


class Count(Value, frozen=True, kw_only=True):
    """So many files of so many bytes."""

    files: int = 0
    bytes: int = 0


class ImportView(Value, frozen=True, kw_only=True):
    """One import as the dashboard shows it: seen = archived + duplicate + skipped + failed + todo.

    `skipped` counts litter, too. `listed`: everything below the source has been seen. `seconds_left` is None
    while that cannot be known. `read`, `written` and `verified` are bytes of this run of the engine. `level` is
    the lowest verification level that a file of this run reached. `by_choice`: KEEP, but only for what
    the user chose: entries left out, copies not read back.
    """

    id: str
    label: str
    source: str
    archive: str
    location: str
    state: State
    reason: str = ""
    advice: str = ""
    waits: Waits = Waits.NOTHING
    listed: bool = False
    seen: Count = Count()
    archived: Count = Count()
    duplicate: Count = Count()
    skipped: Count = Count()
    failed: Count = Count()
    todo: Count = Count()
    read: int = 0
    written: int = 0
    verified: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    verdict: Verdict = Verdict.OPEN
    verdict_reason: str = ""
    by_choice: bool = False
    level: str = ""
    warnings: tuple[str, ...] = ()
    started: float = 0.0
    ended: float | None = None


class LimitView(Value, frozen=True, kw_only=True):
    """A stage or a volume: so many of so many places taken, so many waiting."""

    name: str
    busy: int
    ceiling: int
    waiting: int
    label: str = ""


class InFlight(Value, frozen=True, kw_only=True):
    """What one worker does now, with `path` and so many `more` files in its hands; `size` 0 where not known."""

    import_id: str
    path: str
    stage: str
    size: int
    position: int
    more: int = 0


class ErrorGroup(Value, frozen=True, kw_only=True):
    """Files that failed for one reason, with the newest of them."""

    import_id: str
    cause: str
    advice: str
    count: int
    newest: str


class Rates(Value, frozen=True, kw_only=True):
    """Bytes a second now, and the last samples, oldest first, one every `period` seconds."""

    read: float = 0.0
    written: float = 0.0
    verified: float = 0.0
    period: float = 1.0
    read_history: tuple[float, ...] = ()
    written_history: tuple[float, ...] = ()
    verified_history: tuple[float, ...] = ()


class AtWork(Value, frozen=True, kw_only=True):
    """What a call of a queue is at: a file's name or that of an import or location, and how far it is (0 to 1)."""

    subject: str
    progress: float


class QueueView(Value, frozen=True, kw_only=True):
    """One queue of background work: `busy` calls in so many `slots`. `reason` says why `waiting` jobs wait.

    `at_work`: some of the calls that have gone on for a while. `rate` is jobs a second.
    """

    name: str
    busy: int = 0
    slots: int = 0
    waiting: int = 0
    reason: str = ""
    done: int = 0
    failed: int = 0
    dead: int = 0
    rate: float = 0.0
    paused: bool = False
    at_work: tuple[AtWork, ...] = ()


class JobView(Value, frozen=True, kw_only=True):
    """One job as a list shows it; `subject` is the path of an item or the name of an import or location."""

    id: int
    queue: str
    state: str
    subject: str = ""
    attempts: int = 0
    error: str = ""
    due: float = 0.0
    ended: float | None = None


class Snapshot(Value, frozen=True, kw_only=True):
    """All that a dashboard shows at one moment, bounded whatever the engine does."""

    time: float
    version: str
    imports: tuple[ImportView, ...] = ()
    limits: tuple[LimitView, ...] = ()
    in_flight: tuple[InFlight, ...] = ()
    errors: tuple[ErrorGroup, ...] = ()
    rates: Rates = Rates()
    queues: tuple[QueueView, ...] = ()


class FileView(Value, frozen=True, kw_only=True):
    """One file of an import as a list shows it; `id` is for asking more about it.

    `path` is below the source's root, `payload` below the archive's root; that and the digests, in hexadecimal
    digits, are empty where nothing was archived.
    """

    id: int
    import_id: str
    path: str
    size: int
    mtime: float
    kind: str
    outcome: Outcome
    reason: str = ""
    payload: str = ""
    level: str = ""
    captured: str = ""
    camera: str = ""
    label: str = ""
    location: str = ""
    archive: str = ""
    xxh128: str = ""
    sha256: str = ""


class Failure(Value, frozen=True, kw_only=True):
    """One file that could not be archived. `path` is absolute; attempts 0: it could not even be listed."""

    id: int
    path: str
    size: int
    stage: str
    attempts: int
    cause: str


class FailureGroup(Value, frozen=True, kw_only=True):
    """Files of one import that failed for one cause: a stage at which one of them did, the most attempts that
    one took, the newest of them."""

    cause: str
    count: int
    stage: str
    attempts: int
    advice: str
    newest: str
