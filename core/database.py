"""The state database: one writer that commits changes, and read-only connections."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import closing, suppress
from typing import Any, TypeVar

import aiosqlite

from core import schema
from core.errors import DatabaseError
from core.sqlite import connect, sqlite3
from core.volumes.filesystems import filesystem
from core.volumes.mounts import volume_of
from core.volumes.space import space

T = TypeVar("T")
Row = tuple[Any, ...]
Unit = Callable[[aiosqlite.Connection], Awaitable[T]]
"""One change: what it executes on the writing connection is committed or rolled back as a whole."""

# temp_store: otherwise SQLite writes pages that a savepoint changes to a temporary file, some 40 writes for each
# file of an import, and a full /var/tmp makes the change fail (sqlite.org, "Temporary Files Used By SQLite", 2.3).
# cache_size, in KiB: digests come in no order, so that each new row changes other pages of their index. With 2 MB,
# SQLite's default, the pages of a large archive's index are read again for each row.
# fullfsync: on macOS fsync(2) does not reach the medium (sqlite.org, PRAGMA fullfsync).
_SETTINGS = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = 1;
    PRAGMA checkpoint_fullfsync = 1;
    PRAGMA foreign_keys = 1;
    PRAGMA busy_timeout = 5000;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -8192;
"""

_OF_THE_DISK = frozenset(
    getattr(sqlite3, f"SQLITE_{name}")
    for name in (
        *("PERM", "BUSY", "LOCKED", "NOMEM", "READONLY", "IOERR", "CORRUPT", "FULL", "CANTOPEN"),
        *("PROTOCOL", "NOTADB"),
    )
)

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

NO_ROOM = 1 << 20
"""Bytes free on the state folder's disk below which an I/O error there counts as lack of space."""

UNITS_PER_TRANSACTION = 64
"""The most units that are committed in one transaction of SQLite."""


class Database:
    """The open database, made by `Database.open`. `write` returns once a change is on the medium."""

    def __init__(
        self, writing: aiosqlite.Connection, reading: aiosqlite.Connection, aside: aiosqlite.Connection, home: str
    ) -> None:
        self.home = home
        self.writing = writing
        self.reading = reading
        self.aside = aside
        self._units: asyncio.Queue[tuple[Unit[Any], asyncio.Future[Any]] | None] = asyncio.Queue()
        self._closed = False
        self.writer = asyncio.create_task(self._write(), name="database writer")
        """Executes and commits the units given to `write`, until `close`."""

    @classmethod
    async def open(cls, home: str) -> "Database":
        """Open the database in the folder `home`, or make it. Raises DatabaseError.

        A database of a newer version is refused; one of an older version is migrated, after a backup beside it.
        """
        await asyncio.to_thread(_prepare, home)
        path = os.path.join(home, schema.DATABASE_FILE)
        try:
            writing = await connect(path)
        except sqlite3.Error as error:
            raise DatabaseError(f"{path} cannot be opened: {error}.", advice(error, home)) from error
        try:
            await writing.executescript(_SETTINGS)
            await _migrate(writing, path)
            reading = await connect(path)
            aside = await connect(path)
        except sqlite3.Error as error:
            await writing.close()
            raise DatabaseError(f"{path} cannot be used: {error}.", advice(error, home)) from error
        except BaseException:
            await writing.close()
            raise
        for connection in (reading, aside):
            await connection.executescript("PRAGMA query_only = 1; PRAGMA busy_timeout = 5000;")
        return cls(writing, reading, aside, home)

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query on committed data. Raises DatabaseError."""
        return await self._read(self.reading, sql, parameters)

    async def read_aside(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """`read` for background work, on a connection of its own: other readers need not wait for a long query."""
        return await self._read(self.aside, sql, parameters)

    async def _read(self, connection: aiosqlite.Connection, sql: str, parameters: Sequence[Any]) -> list[Row]:
        try:
            return [tuple(row) for row in await connection.execute_fetchall(sql, parameters)]
        except sqlite3.DatabaseError as error:
            if not of_the_disk(error):
                raise
            raise read_error(error, self.home) from error

    async def write(self, unit: Unit[T]) -> T:
        """Execute `unit` on the writing connection, and return its result once it is committed.

        Each unit has a savepoint: one that raises is rolled back alone, and its error is raised here. If the
        caller is cancelled, the unit is committed all the same. Raises DatabaseError.
        """
        if self._closed or self.writer.done():
            raise DatabaseError("it is closed.")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._units.put_nowait((unit, done))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            done.add_done_callback(_retrieve_exception)
            raise

    async def run(self, *statements: tuple[str, Iterable[Sequence[Any]]]) -> None:
        """Execute statements as one unit, each for all of its rows. Raises DatabaseError."""

        async def unit(connection: aiosqlite.Connection) -> None:
            for sql, rows in statements:
                await connection.executemany(sql, rows)

        await self.write(unit)

    async def _write(self) -> None:
        ended = False
        while not ended:
            first = await self._units.get()
            waiting = [first]
            while not self._units.empty() and len(waiting) < UNITS_PER_TRANSACTION:
                waiting.append(self._units.get_nowait())
            ended = None in waiting
            units = [unit for unit in waiting if unit is not None]
            if units:
                await self._transaction(units)

    async def _transaction(self, units: list[tuple[Unit[Any], asyncio.Future[Any]]]) -> None:
        results: list[tuple[asyncio.Future[Any], Any, Exception | None]] = []
        try:
            await self.writing.execute("BEGIN IMMEDIATE")
            for unit, done in units:
                await self.writing.execute("SAVEPOINT unit")
                try:
                    results.append((done, await unit(self.writing), None))
                except (Exception, asyncio.CancelledError) as error:
                    if self._cancelled():
                        raise
                    # The unit was cancelled, not the writer: it counts as failed, and the writer continues.
                    await self.writing.execute("ROLLBACK TO unit")
                    cancelled = DatabaseError("a change was cancelled.")
                    if isinstance(error, sqlite3.DatabaseError) and of_the_disk(error):
                        error = self._write_error(error)
                    results.append((done, None, error if isinstance(error, Exception) else cancelled))
                await self.writing.execute("RELEASE unit")
            await self.writing.execute("COMMIT")
        except Exception as error:
            # The writer continues after any error: the next transaction may succeed, and all callers get a result.
            with suppress(Exception):
                if self.writing.in_transaction:
                    await self.writing.execute("ROLLBACK")
            failure = self._write_error(error)
            results = [(done, None, failure) for _, done in units]
        for done, result, problem in results:
            if problem is None:
                done.set_result(result)
            else:
                done.set_exception(problem)

    def _write_error(self, error: Exception) -> DatabaseError:
        cause = f"a change could not be written: {error}."
        if _code(error) in _DAMAGED:
            # A damaged database has an advice that refers to its file, so the cause names the file.
            cause = f"{os.path.join(self.home, schema.DATABASE_FILE)} is damaged, {cause}"
        return DatabaseError(cause, advice(error, self.home))

    @staticmethod
    def _cancelled() -> bool:
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0

    async def close(self) -> None:
        """Commit the units that were given to `write`, then close."""
        self._closed = True
        self._units.put_nowait(None)
        await self.writer
        await self.reading.close()
        await self.aside.close()
        # No statistics are left behind (PRAGMA optimize): those of a catalog that is still small make SQLite go
        # through whole tables in the import that makes it large.
        await self.writing.close()


def of_the_disk(error: sqlite3.DatabaseError) -> bool:
    """Whether an error of SQLite is about the disk, the database file, its locks or memory. Any other is a fault
    of this program's statement."""
    return _code(error) in _OF_THE_DISK


def read_error(error: sqlite3.Error, home: str) -> DatabaseError:
    """The error to raise when the database of the state folder `home` cannot be read."""
    path = os.path.join(home, schema.DATABASE_FILE)
    return DatabaseError(f"{path} cannot be read: {error}.", advice(error, home))


def advice(error: Exception, home: str) -> str:
    """What a person can do about an error of SQLite, by its code (sqlite.org, "Result and Error Codes")."""
    code = _code(error)
    if code == sqlite3.SQLITE_FULL or (code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _no_room(home)):
        return f"Make room on the disk of the state folder {home}; what is done stays, and goes on from there."
    if code in _DAMAGED:
        return "Move it away: Lading builds a new one from the archive."
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return f"Make the state folder {home} and what is in it writable for you."
    if code == sqlite3.SQLITE_IOERR:
        return f"Check the disk of the state folder {home}."
    return "See: lading log"


def _code(error: Exception) -> int:
    """The primary result code of SQLite; 0 when there is none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _no_room(home: str) -> bool:
    try:
        found = space(os.fsencode(home))
    except OSError:
        return False
    return found is not None and (found.available < NO_ROOM or found.files == 0)


def _retrieve_exception(done: "asyncio.Future[Any]") -> None:
    """Retrieve the exception of a unit whose caller was cancelled: else asyncio reports it as unhandled."""
    if not done.cancelled():
        done.exception()


def _prepare(home: str) -> None:
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"the state folder {home} cannot be made: {error.strerror}.", "Set LADING_HOME to a local folder."
        ) from error
    try:
        where = volume_of(os.fsencode(home))
    except OSError as error:
        raise DatabaseError(
            f"the state folder {home} cannot be opened: {error.strerror}.", "Set LADING_HOME to a local folder."
        ) from error
    if where is not None and not filesystem(where.filesystem, where.kind).sqlite:
        raise DatabaseError(
            f"the state folder {home} is on a network file system ({where.filesystem}), where SQLite's locks "
            "cannot be relied on.",
            "Set LADING_HOME to a folder on a local disk.",
        )


async def _migrate(connection: aiosqlite.Connection, path: str) -> None:
    rows = await connection.execute_fetchall("PRAGMA user_version")
    found = next(iter(rows))[0]
    if found > schema.SCHEMA_VERSION:
        raise DatabaseError(
            f"{path} was written by a newer Lading (version {found}, this one knows {schema.SCHEMA_VERSION}).",
            "Use the newer Lading, or another LADING_HOME.",
        )
    if 0 < found < schema.SCHEMA_VERSION:
        try:
            await asyncio.to_thread(_back_up, path, f"{path}.version-{found}")
        except (OSError, sqlite3.Error) as error:
            raise DatabaseError(
                f"{path} is of an older Lading and could not be copied before its upgrade: {error}.",
                "Make room beside it.",
            ) from error
    for name, function in schema.FUNCTIONS.items():
        await connection.create_function(name, 1, function)
    if found < schema.SCHEMA_VERSION:
        # One transaction: a commit of each would wait for the disk again.
        steps = "; ".join(schema.MIGRATIONS[found:])
        await connection.executescript(
            f"BEGIN IMMEDIATE; {steps}; PRAGMA user_version = {schema.SCHEMA_VERSION}; COMMIT;"
        )


def _back_up(path: str, target: str) -> None:
    """Copy the database with its write-ahead log to `target`, which is complete or absent. Raises sqlite3.Error,
    OSError."""
    unfinished = f"{target}.unfinished"
    with suppress(FileNotFoundError):
        os.unlink(unfinished)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
    os.replace(unfinished, target)


Read = Callable[[str, Sequence[Any]], Awaitable[list[tuple[Any, ...]]]]
"""A function that returns all rows of a query on committed data, such as `Database.read`."""


Statement = tuple[str, Sequence[Sequence[Any]]]
"""SQL, and the parameter rows that it is executed for."""
