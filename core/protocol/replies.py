"""What the engine answers."""

import msgspec

from core import errors, results
from core.errors import LadingError
from core.models import Failure, FailureGroup, FileView, JobView, Snapshot, Verdict
from core.protocol.message import Message, encodable
from core.results import AuditResult, CheckResult, RestoreResult, Survey
from core.shown import ItemView, LocationView


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


class Checked(Message, frozen=True, kw_only=True):
    """What the check has found."""

    result: CheckResult


class Restored(Message, frozen=True, kw_only=True):
    """What the restore has done."""

    result: RestoreResult


class Rebuilt(Message, frozen=True, kw_only=True):
    """What the catalog knows of the archive now."""

    result: results.Rebuilt


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One import as the catalog has it; the counts are files. `row` is for paging.

    proven: archived files by the verification level that they reached; told of an import asked for by its name.

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
    proven: tuple[tuple[str, int], ...] = ()


class Records(Message, frozen=True, kw_only=True):
    """One page of imports, newest first."""

    records: tuple[Record, ...]


class FilePage(Message, frozen=True, kw_only=True):
    """So many files there are, or with `more` at least so many, and some of them."""

    total: int
    more: bool = False
    files: tuple[FileView, ...]


class Facts(Message, frozen=True, kw_only=True):
    """Names and values, as they are shown."""

    facts: tuple[tuple[str, str], ...]


class Moved(Message, frozen=True, kw_only=True):
    """What became of its payload."""

    result: results.Moved


class Exported(Message, frozen=True, kw_only=True):
    """So many files are in what was written as `path` (empty: sent), so many could not be."""

    path: str
    files: int
    left_out: int


class JobPage(Message, frozen=True, kw_only=True):
    """Some jobs, by their numbers."""

    jobs: tuple[JobView, ...]


class Revived(Message, frozen=True, kw_only=True):
    """So many jobs are to be done now."""

    count: int


class ErrorGroups(Message, frozen=True, kw_only=True):
    """Causes, the most frequent first."""

    groups: tuple[FailureGroup, ...]


class FailurePage(Message, frozen=True, kw_only=True):
    """Some files that failed."""

    failures: tuple[Failure, ...]


class Items(Message, frozen=True, kw_only=True):
    """Items, the first of them where there are many."""

    items: tuple[ItemView, ...]


class Located(Message, frozen=True, kw_only=True):
    """Locations, by name."""

    locations: tuple[LocationView, ...]


class Pushed(Message, frozen=True, kw_only=True):
    """What is happening now."""

    snapshot: Snapshot


Reply = (
    Failed
    | Done
    | Welcome
    | Started
    | Surveys
    | Audited
    | Checked
    | Restored
    | Rebuilt
    | Records
    | FilePage
    | Facts
    | Exported
    | Moved
    | JobPage
    | Revived
    | ErrorGroups
    | FailurePage
    | Pushed
    | Items
    | Located
)
