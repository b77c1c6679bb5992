"""The values that pass between engine, command line and screen: frozen, typed, without behaviour.

Sizes are bytes, rates bytes per second, times seconds since 1970 UTC unless a name ends in `_ns`. Text made from
file names is safe to show (`core.paths.display`).
"""

from enum import IntEnum, StrEnum
from typing import Literal

import msgspec


class State(StrEnum):
    """The state of an import. A `running` one in a database without an engine was interrupted."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class Side(StrEnum):
    """The side on which a fault happened."""

    SOURCE = "source"
    ARCHIVE = "archive"
    TARGET = "target"
    PROGRAM = "program"
    UNKNOWN = ""


class Waits(StrEnum):
    """The volume that a paused import waits for; the import is resumed by itself when that is back."""

    NOTHING = ""
    SOURCE = "source"
    ARCHIVE = "archive"


class Outcome(IntEnum):
    """The outcome of one directory entry."""

    TODO = 0
    ARCHIVED = 1
    DUPLICATE = 2
    SKIPPED = 3
    LITTER = 4
    FAILED = 5


IN_ARCHIVE = (Outcome.ARCHIVED, Outcome.DUPLICATE)
"""Outcomes of files whose content is in the archive."""

ENDED = (State.DONE, State.CANCELLED)
"""States of imports that have ended, and have a receipt."""


class JobState(StrEnum):
    """The state of a job: running; ready; waiting; failed for good; cancelled for lack of what it needs; done."""

    CLAIMED = "claimed"
    READY = "ready"
    WAITING = "waiting"
    DEAD = "dead"
    CANCELLED = "cancelled"
    DONE = "done"


class Verdict(StrEnum):
    """The verdict on a source."""

    OPEN = ""
    SAFE = "SAFE"
    KEEP = "KEEP"


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the frozen values here."""


class ImportOptions(Value, frozen=True, kw_only=True):
    """The options of an import, without its paths.

    copies: so many verified copies on devices of their own SAFE takes.
    together: the import is one of a group that brings one source into several archives, and this the id of the
    first one; the engine sets it.
    """

    location: str
    label: str = ""
    operator: str = ""
    note: str = ""
    verify: Literal["readback", "source", "end", "none"] = "readback"
    known: Literal["read", "record"] = "read"
    duplicates: Literal["archive", "location"] = "archive"
    libraries: bool = False
    icloud: bool = False
    copies: int = 1
    accept: tuple[Literal["links", "special"], ...] = ()
    together: str = ""


class ImportRequest(ImportOptions, frozen=True, kw_only=True):
    """One source into one location. In paths and in `exclude` (patterns of names) bytes that are not UTF-8 are
    escaped, as os.fsdecode does. `also`: further archives; an import begins for each."""

    source: str
    archive: str
    also: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Count(Value, frozen=True, kw_only=True):
    """A number of files, and their bytes."""

    files: int = 0
    bytes: int = 0


class Unopenable(Value, frozen=True, kw_only=True):
    """Photos and films that are archived unchanged, but cannot be opened: how many, and the first names.

    `looking`: the background jobs have not opened all of them yet.
    """

    files: int = 0
    names: tuple[str, ...] = ()
    looking: bool = False


class ImportView(Value, frozen=True, kw_only=True):
    """One import as the dashboard shows it: seen = archived + duplicate + skipped + failed + todo.

    `skipped` counts litter, too; `litter` is how much of it is. `listed`: everything below the source has been
    seen. `seconds_left` is None while that cannot be known. `read`, `written` and `verified` are bytes of this run
    of the engine. `level` is the lowest verification level that an archived file of it reached. `by_choice`: KEEP,
    but only for what the user chose: entries excluded, copies not read back. `acceptable`: KEEP until a person
    accepts what differs from an earlier import. `one_volume`: source and archive lie on one. `together`: as in
    `ImportOptions`. `taken_from`: the archive that is read instead of the source; with `source_free` that is not
    needed any more.
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
    litter: Count = Count()
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
    acceptable: bool = False
    one_volume: bool = False
    unopenable: Unopenable = Unopenable()
    level: str = ""
    warnings: tuple[str, ...] = ()
    started: float = 0.0
    ended: float | None = None
    together: str = ""
    taken_from: str = ""
    source_free: bool = False


class LimitView(Value, frozen=True, kw_only=True):
    """A stage's or a volume's limit: places taken, places in all, and callers that wait."""

    name: str
    busy: int
    ceiling: int
    waiting: int
    label: str = ""


class InFlight(Value, frozen=True, kw_only=True):
    """What one worker does now: the file `path`, and `more` others that it holds; `size` 0 where not known."""

    import_id: str
    path: str
    stage: str
    size: int
    position: int
    more: int = 0


class ErrorGroup(Value, frozen=True, kw_only=True):
    """Files that failed for one reason, with the newest of them. `queue`: the queue whose jobs failed, in which
    case the files are of any import. Empty: the files could not be archived."""

    import_id: str
    cause: str
    advice: str
    count: int
    newest: str
    queue: str = ""


class Rates(Value, frozen=True, kw_only=True):
    """Bytes per second now, and the last samples, oldest first, one every `period` seconds. `cores`: how many
    processor cores the workers keep busy; None: not known."""

    read: float = 0.0
    written: float = 0.0
    verified: float = 0.0
    period: float = 1.0
    read_history: tuple[float, ...] = ()
    written_history: tuple[float, ...] = ()
    verified_history: tuple[float, ...] = ()
    cores: float | None = None


class AtWork(Value, frozen=True, kw_only=True):
    """What a call of a queue works on, the name of a file, an import or a location, and its progress (0 to 1)."""

    subject: str
    progress: float


class QueueView(Value, frozen=True, kw_only=True):
    """One queue of background jobs: `busy` of its `slots` are taken. `reason` says why `waiting` jobs wait.

    `at_work`: some of the calls that have run for a while. `rate` is jobs per second.
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
    """One job as a list shows it; `subject` is the original path of a file on its volume, or the name of an import
    or location."""

    id: int
    queue: str
    state: JobState
    subject: str = ""
    attempts: int = 0
    error: str = ""
    due: float = 0.0
    ended: float | None = None


class MirrorView(Value, frozen=True, kw_only=True):
    """A mirror as the dashboard shows it: `held` of `total` items are verified in the copy `target`.

    brought, rate: bytes of payload that this run has copied, and bytes per second. lacking: files that the copy
    cannot get. path: the file that is being copied.
    """

    id: str
    label: str
    source: str
    target: str
    state: State
    reason: str = ""
    advice: str = ""
    total: Count = Count()
    held: Count = Count()
    brought: Count = Count()
    lacking: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    path: str = ""
    started: float = 0.0
    ended: float | None = None


class Arrival(Value, frozen=True, kw_only=True):
    """A card that is plugged in, and of which no import was begun since.

    new, duplicate: files on it, by their listing and the catalog alone, once they are `counted`. preset: that by
    which a rule of the configuration imports it, at the time `starts`; None: not by itself; `note` may say why.
    """

    identity: str
    label: str
    source: str
    camera: str = ""
    counted: bool = False
    new: Count = Count()
    duplicate: Count = Count()
    preset: str = ""
    starts: float | None = None
    note: str = ""


class Snapshot(Value, frozen=True, kw_only=True):
    """Everything that a dashboard shows at one moment, of limited size whatever the engine does.

    `read_limit`: the most bytes per second that are read from each source; 0: no limit.
    """

    time: float
    version: str
    imports: tuple[ImportView, ...] = ()
    limits: tuple[LimitView, ...] = ()
    in_flight: tuple[InFlight, ...] = ()
    errors: tuple[ErrorGroup, ...] = ()
    rates: Rates = Rates()
    read_limit: int = 0
    queues: tuple[QueueView, ...] = ()
    mirrors: tuple[MirrorView, ...] = ()
    arrivals: tuple[Arrival, ...] = ()


class FileView(Value, frozen=True, kw_only=True):
    """One file of an import as a list shows it; `id` is for requesting its details.

    `path` is below the source's root, `payload` below the archive's root; that and the digests, in hexadecimal
    digits, are empty where nothing was archived. captured: `2024-05-06T07:08:09.25`, local time at the place; UTC
    when it ends in Z; or a day, month or year alone. sequence: for the first frame of a film kept as numbered
    pictures, which stands for all of them: `frames 0–86,399, 3 missing: 1,204–1,206`. damage: what was wrong with
    the archived file when it was last read. imports: how many had this content.
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
    sequence: str = ""
    copies: tuple[str, ...] = ()
    damage: str = ""
    imports: int = 0


class FilePage(Value, frozen=True, kw_only=True):
    """A page of files, and how many there are in all; with `more`, at least so many."""

    total: int
    more: bool = False
    files: tuple[FileView, ...]


class Failure(Value, frozen=True, kw_only=True):
    """One file that could not be archived. `path` is absolute; attempts 0: it could not even be listed. `cause` is
    the same for all files of its group, `detail` is about this file only."""

    id: int
    path: str
    size: int
    stage: str
    attempts: int
    cause: str
    detail: str = ""


class FailureGroup(Value, frozen=True, kw_only=True):
    """Files of one import that failed with one cause: a stage at which one of them failed, the most attempts for
    one of them, the newest of them."""

    cause: str
    count: int
    stage: str
    attempts: int
    advice: str
    newest: str


class ImportRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One import as the catalog has it; the counts are files. `row` is for paging.

    proven: archived files by the verification level that they reached; only for an import requested by its name.
    copies: (path of another copy of the archive, contents of this import that are verified there).
    together: as in `ImportOptions`.

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
    unopenable: Unopenable = Unopenable()
    proven: tuple[tuple[str, int], ...] = ()
    copies: tuple[tuple[str, int], ...] = ()
    together: str = ""


PAGE = 200
"""The most imports or jobs on one page."""
