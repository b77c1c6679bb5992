"""The interface of tasks: a task takes jobs, does its work outside the event loop, and returns what is to be
written."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from core.database import Statement
from core.models import Value


class Job(Value, frozen=True, kw_only=True):
    """One unit of work on an item, an import or a location; the ids are those of the catalog's rows.

    `attempt` is 1 the first time.
    """

    id: int
    queue: str
    item_id: int | None = None
    import_id: int | None = None
    location_id: int | None = None
    attempt: int = 1


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one job. Empty `error`: it is done, and `statements` are executed in the transaction that
    records this.

    `final`: a retry cannot help, so the job is dead at once. `unopenable`: why the item cannot be opened, which is
    recorded as its damage.
    """

    statements: Sequence[Statement] = ()
    error: str = ""
    final: bool = False
    unopenable: str = ""


class ItemFacts(Value, frozen=True, kw_only=True):
    """The facts of an item that a task needs. `path` is absolute, `name` one of its original names."""

    id: int
    archive_id: int
    location_id: int
    path: str
    name: bytes
    size: int
    kind: str
    xxh128: str
    sha256: str


Beat = Callable[[int, float], None]
"""Called with a job's id and its progress (0 to 1) whenever there is any: a job that does not call it for long
counts as stuck."""


class Context(Protocol):
    """What the engine provides to tasks."""

    @property
    def scratch(self) -> str:
        """A local folder for temporary files; emptied when the engine starts."""

    async def items(self, ids: Sequence[int]) -> Mapping[int, ItemFacts]:
        """Returns the facts of items, by id."""

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns the rows of a query on committed data (`core.database.Database.read`)."""

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        """Copy the local file `local` to `target` below the archive's root: staged, flushed, renamed over an
        existing derivative; `local` is removed. Raises core.errors.LadingError."""

    async def text(self, archive_id: int, path: str) -> bytes | None:
        """Returns the content of one of Lading's own small files in the archive; None when it does not exist."""

    async def heads(self, archive_id: int, paths: Sequence[str], length: int) -> list[tuple[int, bytes]]:
        """Returns (size, first bytes) of Lading's own files in the archive, in order; (-1, b"") for a missing one.
        Raises core.errors.LadingError."""


class QueueTask(Protocol):
    """The task of one queue."""

    queue: str
    together: int
    """The most jobs of one call."""

    def missing(self) -> str:
        """Returns an empty text when the task can run; else why not, and the command that installs what is
        missing."""

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Do the jobs. Returns a result for each, by its id. Cancelling it kills its child processes at once.

        An exception counts as an error of all jobs of the call, which are then tried one by one.
        """

    async def close(self) -> None:
        """Kill every child process."""
