"""The snapshot, which a dashboard shows, and all that it consists of: frozen values without behaviour.

Sizes are bytes, rates bytes per second, times seconds since 1970 UTC. Text made from file names is safe to show
(`core.paths.display`).
"""

from core.models import Count, JobState, State, Unopenable, Value, Verdict, Waits


class ImportView(Value, frozen=True, kw_only=True):
    """One import as the dashboard shows it: seen = archived + duplicate + skipped + junk + failed + todo.

    `listed`: everything below the source has been seen. `seconds_left` is None while that cannot be known. `read`,
    `written` and `verified` are bytes of this run of the engine. `level` is the lowest verification level that an
    archived file of it reached. `by_choice`: KEEP, but only for what the user chose: entries excluded, copies not
    read back. `acceptable`: KEEP until a person accepts what differs from an earlier import. `one_volume`: source
    and archive lie on one. `network`: the archive is on a server. `together`: as in `ImportOptions`. `taken_from`:
    the archive that is read instead of the source; with `source_free` that is not needed any more.
    `location_folder`: as in ImportRecord.
    """

    id: str
    label: str
    source: str
    archive: str
    location: str
    location_folder: str = ""
    state: State
    reason: str = ""
    advice: str = ""
    waits: Waits = Waits.NOTHING
    listed: bool = False
    seen: Count = Count()
    archived: Count = Count()
    duplicate: Count = Count()
    skipped: Count = Count()
    junk: Count = Count()
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
    network: bool = False
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

    on_the_way: bytes that were uploaded, and are not compared yet. reason: why it is paused, or what holds
    it up just now. brought, rate: bytes of payload that this run has copied, and bytes per second. lacking:
    files that the copy cannot get. path: the file that is being copied. again: when a paused mirror is tried again
    by itself, in seconds since the epoch.
    """

    id: str
    label: str
    source: str
    target: str
    state: State
    reason: str = ""
    advice: str = ""
    again: float | None = None
    total: Count = Count()
    held: Count = Count()
    on_the_way: int = 0
    brought: Count = Count()
    lacking: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    path: str = ""
    started: float = 0.0
    ended: float | None = None

    @property
    def share(self) -> float:
        """The share of all bytes that are in the copy, or were uploaded; 1 where there are none."""
        return min(1.0, (self.held.bytes + self.on_the_way) / self.total.bytes) if self.total.bytes else 1.0


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

    `read_limit`: the most bytes per second that are read from each source; 0: no limit. `read_limit_from`: the
    variable of the engine's environment, or the file, that says so; empty: not known.
    """

    time: float
    version: str
    imports: tuple[ImportView, ...] = ()
    limits: tuple[LimitView, ...] = ()
    in_flight: tuple[InFlight, ...] = ()
    errors: tuple[ErrorGroup, ...] = ()
    rates: Rates = Rates()
    read_limit: int = 0
    read_limit_from: str = ""
    queues: tuple[QueueView, ...] = ()
    mirrors: tuple[MirrorView, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
