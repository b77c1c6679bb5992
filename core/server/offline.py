"""Answers without an engine: the state database, read in the command's own process.

Commands that only read use it where no engine runs, so that they neither start nor resume anything.
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from core import VERSION, schema
from core.catalog import Catalog, import_list
from core.client.api import EngineCalls
from core.client.calls import OnProgress, OnText
from core.client.sync_client import done
from core.database import Database, Row, of_the_disk, read_error
from core.details import Changes
from core.engine.engine import Engine
from core.engine.hash_lists import HashLists
from core.engine.queries import Queries
from core.errors import DatabaseError, EngineError, OlderDatabaseError, UsageError
from core.listings import ImportRecord
from core.models import Count, JobState, State, Waits
from core.paths import display
from core.protocol import Message, Part, Request, archive_requests, import_requests, queue_requests, requests
from core.queue.jobs import Jobs
from core.queue.queue_defs import QUEUES
from core.queue.stats import QueueStats
from core.server.caller import Caller
from core.server.handlers import handle
from core.snapshot import ImportView, JobView, MirrorView, QueueView, Snapshot
from core.sqlite import connect_to_read, sqlite3

R = TypeVar("R")

BUSY_TIMEOUT = 5.0
"""Seconds that a read waits for an engine that is starting or ending."""

LOOKING = (
    requests.Look,
    import_requests.ListImports,
    import_requests.FindImport,
    import_requests.ListFiles,
    import_requests.FileDetails,
    import_requests.FilePosition,
    import_requests.ListCards,
    import_requests.FailureCauses,
    import_requests.FailedFiles,
    import_requests.GetReceipt,
    queue_requests.ListJobs,
    import_requests.ListInUse,
    archive_requests.ListArchives,
    archive_requests.ShowItems,
    archive_requests.ListLocations,
)
"""The requests that can be answered in this way."""

NO_ENGINE, OTHER_ENGINE = "no engine runs", "an engine of another version runs"


class Offline(EngineCalls):
    """Answers from the database of the state folder `home`. Its calls never suspend (`sync_client.done`).

    other_engine: one of another version is at work there, so that what is marked as running was not interrupted.
    """

    def __init__(self, home: str, *, other_engine: bool = False) -> None:
        self._engine = _OfflineEngine(home, other_engine=other_engine)

    async def call(
        self, request: Request[R], *, progress: OnProgress | None = None, text: OnText | None = None
    ) -> R:
        """The reply to one of LOOKING. Raises UsageError, DatabaseError; EngineError for any other."""
        if not isinstance(request, LOOKING) and not _only_looks(request):
            raise EngineError(
                f"{type(request).__name__} needs one, and {self._engine.why}.", "Run any import or resume."
            )
        # `_OfflineEngine` has only the members of an engine that the handlers of these requests use.
        return await handle(cast("Engine", self._engine), request, Caller(_TextSink(text), 0))

    def close(self) -> None:
        """Close the database."""
        self._engine.close()


def _only_looks(request: Request[Any]) -> bool:
    """Whether a request of a class that may change something changes nothing."""
    if isinstance(request, import_requests.HashList):
        return not request.folder and not request.classic
    unchanged = (getattr(request, name, None) is None for name in Changes.__struct_fields__)
    return isinstance(request, archive_requests.DescribeLocation) and all(unchanged)


class _TextSink:
    """Receives what is sent before a reply."""

    def __init__(self, text: OnText | None) -> None:
        self._text = text

    def offer(self, frame: bytes) -> None:
        """Progress is ignored, because everything is read at once."""

    async def send(self, message: Message) -> None:
        if self._text is not None and isinstance(message, Part):
            self._text(message.text)


class ReadOnlyDatabase:
    """The reading part of `core.database.Database`, without an event loop. Creating it raises DatabaseError."""

    def __init__(self, home: str) -> None:
        path = os.path.join(home, schema.DATABASE_FILE)
        # An empty database is not opened: SQLite would remove the write-ahead log beside it as soon as it is read.
        if _is_gone_or_empty(path):
            raise DatabaseError(
                f"{path} is gone.",
                "Put it back if it was moved away. A new one is made from the archive by: lading rebuild ARCHIVE",
            )
        try:
            self._rows = connect_to_read(path, BUSY_TIMEOUT)
            ((version,),) = self._rows.execute("PRAGMA user_version").fetchall()
            if version == schema.SCHEMA_VERSION:
                # The version is on the first page only; this also reads the list of tables, so that damage there
                # is found.
                self._rows.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        except sqlite3.Error as error:
            raise read_error(error, home) from error
        self._home = home
        if version == schema.SCHEMA_VERSION:
            return
        self._rows.close()
        cause = f"{path} is of version {version}, this program's is {schema.SCHEMA_VERSION}."
        if version < schema.SCHEMA_VERSION:
            raise OlderDatabaseError(cause, "An engine upgrades it: open the app, or: lading resume")
        raise DatabaseError(cause, "Use the newer Lading that wrote it, or another LADING_HOME.")

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """`core.database.Read`; it never suspends. Raises DatabaseError."""
        try:
            return [tuple(row) for row in self._rows.execute(sql, parameters)]
        except sqlite3.DatabaseError as error:
            if not of_the_disk(error):
                raise
            raise read_error(error, self._home) from error

    read_aside = read

    def close(self) -> None:
        """Close the connection."""
        self._rows.close()


def _is_gone_or_empty(path: str) -> bool:
    """Whether there is no file of this path, or an empty one."""
    try:
        return os.path.getsize(path) == 0
    except FileNotFoundError:
        return True
    except OSError:
        return False  # opening the file will say why it cannot be read


class _Imports:
    def __init__(self, under_way: Mapping[str, object]) -> None:
        self.under_way = under_way


class _NoArchives:
    opened: Mapping[object, object] = {}


class _NoMirrors:
    def views(self) -> tuple[MirrorView, ...]:
        return ()


class _OldJobs:
    def __init__(self, database: Database) -> None:
        self._jobs = Jobs(database)

    async def page(self, state: str = "", queue: str = "", after: int = 0, count: int = 100) -> list[JobView]:
        names = [one.name for one in QUEUES]
        if queue and queue not in names:
            raise UsageError(f"there is no queue {display(queue)}.", f"There are: {', '.join(names)}.")
        if state and state not in tuple(JobState):
            raise UsageError(f"jobs are never {display(state)}.", f"They are: {', '.join(JobState)}.")
        return await self._jobs.page(state, queue, after, count)


class _OfflineEngine:
    """What the handlers of LOOKING use of an engine."""

    def __init__(self, home: str, *, other_engine: bool) -> None:
        self.why = OTHER_ENGINE if other_engine else NO_ENGINE
        self.database = cast("Database", ReadOnlyDatabase(home))
        self.jobs = _OldJobs(self.database)
        running = done(self.database.read("SELECT name FROM import WHERE state = 'running'"))
        self.imports = _Imports({name: None for (name,) in running} if other_engine else {})
        self.archives = _NoArchives()
        self.mirrors = _NoMirrors()
        catalog, nothing = Catalog(self.database), cast("Any", None)
        self.queries = Queries(catalog, nothing)
        self.hash_lists = HashLists(nothing, catalog, nothing)

    def close(self) -> None:
        cast("ReadOnlyDatabase", self.database).close()

    def snapshot(self) -> Snapshot:
        """The unfinished imports, as they were left or are under way, and the jobs that wait in the queues."""
        records = done(import_list.page(self.database.read, self.imports.under_way, 0, unfinished=True))
        return Snapshot(
            time=time.time(),
            version=VERSION,
            imports=tuple(_view(record) for record in reversed(records)),
            queues=done(self._queues()),
        )

    async def _queues(self) -> tuple[QueueView, ...]:
        stats = QueueStats(self.database, [queue.name for queue in QUEUES])
        await stats.refresh(0)
        paused = {name for (name,) in await self.database.read("SELECT name FROM queue WHERE paused")}
        return stats.views_without_engine(paused, self.why)


def _view(record: ImportRecord) -> ImportView:
    interrupted = record.state == "interrupted"
    return ImportView(
        id=record.id,
        label=record.label,
        source=record.source,
        archive=record.archive,
        location=record.location,
        location_folder=record.location_folder,
        state=State.RUNNING if record.state == State.RUNNING else State.PAUSED,
        reason=f"interrupted: {NO_ENGINE}" if interrupted else record.reason,
        advice=f"Go on with it: lading resume {record.id}" if interrupted else record.advice,
        waits=Waits.NOTHING,
        seen=Count(files=record.seen),
        archived=Count(files=record.archived),
        duplicate=Count(files=record.duplicate),
        skipped=Count(files=record.skipped),
        junk=Count(files=record.junk),
        failed=Count(files=record.failed),
        todo=Count(files=record.todo),
        started=record.started,
    )
