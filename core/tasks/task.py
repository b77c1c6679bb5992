"""What a task is: it takes jobs, does work outside the event loop, and hands back what to write."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from core.models import Value

Statement = tuple[str, Sequence[Sequence[Any]]]
"""SQL, and the rows it is executed for."""


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
    """What became of one job. Empty `error`: done, and `statements` are written with that in one transaction.

    `final`: trying again cannot help, so the job is dead at once.
    """

    statements: Sequence[Statement] = ()
    error: str = ""
    final: bool = False


class ItemFacts(Value, frozen=True, kw_only=True):
    """What a task needs to know of an item. `path` is absolute, `name` one of its original names."""

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
"""Called with a job's id and how far it is (0 to 1) whenever it makes progress: a job that does not call it for
long is taken for stuck."""


class Context(Protocol):
    """What the engine gives to tasks."""

    @property
    def scratch(self) -> str:
        """A local folder for intermediate files; emptied when the engine starts."""

    async def items(self, ids: Sequence[int]) -> Mapping[int, ItemFacts]:
        """The facts of items, by id."""

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query on committed data (`core.database.Database.read`)."""

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        """Copy the local file `local` to `target` below the archive's root: staged, flushed, renamed over whatever
        derivative stood there; `local` is removed. Raises core.errors.LadingError."""

    async def text(self, archive_id: int, path: str) -> bytes | None:
        """One of Lading's own small files in the archive; None when it is not there."""

    async def heads(self, archive_id: int, paths: Sequence[str], length: int) -> list[tuple[int, bytes]]:
        """Sizes and first bytes of Lading's own files in the archive; -1 and nothing for one that is not there.
        Raises core.errors.LadingError."""


class Task(Protocol):
    """The work of one queue."""

    queue: str
    together: int
    """Jobs that one call takes at most."""

    def missing(self) -> str:
        """Empty when the task can run; else why not and the command that installs what is missing."""

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Do the jobs; a result for each. Cancelling it ends its child processes at once.

        An exception counts as an error of all jobs of the call, which are then tried one by one.
        """

    async def close(self) -> None:
        """End every child process."""
