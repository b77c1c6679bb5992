"""Types of the answers of commands with --json; which command has which, `tui.console.schema_files` says.

Every answer but a receipt is in the shape of `tui.console.json_shape`.
"""

from typing import Any, Literal

from core.details import ItemView
from core.models import Value, Verdict
from core.results import (
    AuditResult,
    CardView,
    Survey,
)
from core.snapshot import Arrival, ErrorGroup, ImportView


class Error(Value, frozen=True, kw_only=True):
    """An error in place of an answer: what went wrong, and what to do next. `exit`: the exit status."""

    error: str
    title: str
    advice: str
    exit: int


class Lacking(Value, frozen=True, kw_only=True):
    """A file that is not in the archive; with a `reason` one that could not be read."""

    path: str
    reason: str | None = None


class Started(Value, frozen=True, kw_only=True):
    """An import has been started, and the command exits (--detach)."""

    event: Literal["started"] = "started"
    id: str


class Progressed(ImportView, frozen=True, kw_only=True):
    """The progress of an import, at most once a second."""

    event: Literal["progress"] = "progress"
    time: float


class Ended(ImportView, frozen=True, kw_only=True):
    """The end of an import; `seconds` refer to this run of it."""

    event: Literal["done"] = "done"
    seconds: float
    errors: tuple[ErrorGroup, ...] = ()


class Surveyed(Survey, frozen=True, kw_only=True):
    """The result of a dry run (--dry-run)."""

    event: Literal["survey"] = "survey"


class Arrived(Arrival, frozen=True, kw_only=True):
    """A card was put in, or more is known of it."""

    event: Literal["card"] = "card"


class Turned(ImportView, frozen=True, kw_only=True):
    """An import has begun, paused, gone on or ended."""

    event: Literal["import"] = "import"


class AuditAnswer(AuditResult, frozen=True, kw_only=True):
    """An audit's result; `items`: the damaged ones, with all that the catalog has of them."""

    items: tuple[ItemView, ...] = ()


class Ids(Value, frozen=True, kw_only=True):
    """The imports that were paused or cancelled."""

    ids: tuple[str, ...]


class Retried(Value, frozen=True, kw_only=True):
    """How many background `jobs`, and `files` of imports, are retried."""

    jobs: int = 0
    files: int = 0


class Added(Value, frozen=True, kw_only=True):
    """How many background jobs were added."""

    jobs: int


class EngineState(Value, frozen=True, kw_only=True):
    """The engine. Where none runs, everything but `runs` and `unfinished` is empty. unfinished: imports that can
    be resumed."""

    runs: bool
    version: str = ""
    pid: int = 0
    since: float | None = None
    busy: bool = False
    running: int = 0
    terminals: int = 0
    unfinished: int = 0


class HashList(Value, frozen=True, kw_only=True):
    """The ASC MHL history that was started at `path`, or the manifest itself."""

    path: str = ""
    files: int
    left_out: int
    manifest: str = ""


class Written(Value, frozen=True, kw_only=True):
    """The page that was written."""

    path: str
    bytes: int


class ServedAt(Value, frozen=True, kw_only=True):
    """An archive is served at an address until the command ends."""

    event: Literal["serving"] = "serving"
    address: str


class DamageServed(Value, frozen=True, kw_only=True):
    """A file that was asked for is not what was archived. `marked`: it was read again, and is known to be damaged
    from now on; None where it could not be read again, for the `reason`."""

    event: Literal["damaged"] = "damaged"
    path: str
    why: str
    marked: bool | None
    reason: str = ""


class Setting(Value, frozen=True, kw_only=True):
    """One value of the configuration, and where it comes from."""

    name: str
    value: Any
    source: str
    note: str = ""


class Verified(Value, frozen=True, kw_only=True):
    """Whether a configuration is valid."""

    file: str
    valid: bool = True


class HeldArchive(Value, frozen=True, kw_only=True):
    """An archive that lies on a volume: the copy that imports go to ("in use"), another copy, or one that the
    catalog does not know."""

    path: str
    role: Literal["in use", "copy", "unknown"]


class MountedVolume(Value, frozen=True, kw_only=True):
    """A mounted volume. kind: "card", "removable", "disk", else where its bytes are: "network", "unknown".

    size, free: in bytes, free for an ordinary user; None where it does not answer, or does not say. identity: the
    same wherever it is mounted: `uuid:` and its number, `net:` and the share, else `dev:` and what is known of the
    disk; empty where the system does not say. camera: whose card it is. error: why a part is missing. cards: the
    newest import of it, or of a folder of it, into each archive. arrival: how a running engine that looks for
    cards shows it.
    """

    label: str
    path: str
    kind: str
    filesystem: str
    device: str
    size: int | None
    free: int | None
    removable: bool
    read_only: bool
    camera: str
    identity: str
    answers: bool
    error: str
    archives: tuple[HeldArchive, ...] = ()
    cards: tuple[CardView, ...] = ()
    arrival: Arrival | None = None


class Ejected(Value, frozen=True, kw_only=True):
    """A volume that was to be ejected. verdict: of the newest import of all of it. keep: why what is on it should
    be kept. title, error, advice: why it was not ejected."""

    label: str
    path: str
    ejected: bool
    verdict: Verdict = Verdict.OPEN
    keep: str = ""
    title: str = ""
    error: str = ""
    advice: str = ""


class Script(Value, frozen=True, kw_only=True):
    """A script for a shell, the manual page, or words, one a line."""

    text: str
