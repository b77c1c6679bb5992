"""The state database: one writer that commits whole units, and connections that only read."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import closing, suppress
from typing import Any, TypeVar

import aiosqlite

from core import schema
from core.errors import DatabaseError
from core.volumes.filesystems import filesystem
from core.volumes.mounts import mounts, volume_of

T = TypeVar("T")
Row = tuple[Any, ...]
Unit = Callable[[aiosqlite.Connection], Awaitable[T]]

# fullfsync: on macOS fsync(2) does not reach the medium (sqlite.org, PRAGMA fullfsync).
_SETTINGS = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = 1;
    PRAGMA checkpoint_fullfsync = 1;
    PRAGMA foreign_keys = 1;
    PRAGMA busy_timeout = 5000;
"""

TOGETHER = 64
"""Units that one transaction holds at most."""


class Database:
    """Open with `Database.open`. Writes go through `write`, which returns once they are on the medium."""

    def __init__(
        self, writing: aiosqlite.Connection, reading: aiosqlite.Connection, aside: aiosqlite.Connection
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._aside = aside
        self._units: asyncio.Queue[tuple[Unit[Any], asyncio.Future[Any]] | None] = asyncio.Queue()
        self._closed = False
        self._writer = asyncio.create_task(self._write(), name="database writer")

    @classmethod
    async def open(cls, home: str) -> "Database":
        """Open or make the database in the folder `home`. Raises DatabaseError.

        A database of a newer program is refused; an older one is upgraded after a copy of it was made beside it.
        """
        await asyncio.to_thread(_prepare, home)
        path = os.path.join(home, schema.FILE)
        try:
            writing = await aiosqlite.connect(path, isolation_level=None)
        except sqlite3.Error as error:
            raise DatabaseError(f"{path} cannot be opened: {error}") from error
        try:
            await writing.executescript(_SETTINGS)
            await _migrate(writing, path)
            reading = await aiosqlite.connect(path, isolation_level=None)
            aside = await aiosqlite.connect(path, isolation_level=None)
        except sqlite3.Error as error:
            await writing.close()
            raise DatabaseError(
                f"{path} cannot be used: {error}.",
                "Move it away: Lading builds a new one from the archive.",
            ) from error
        except BaseException:
            await writing.close()
            raise
        for connection in (reading, aside):
            await connection.executescript("PRAGMA query_only = 1; PRAGMA busy_timeout = 5000;")
        return cls(writing, reading, aside)

    @classmethod
    async def open_to_read(cls, home: str) -> aiosqlite.Connection | None:
        """A connection that only reads, for a listing while an engine may be at work; None when there is none."""
        path = os.path.join(home, schema.FILE)
        if not os.path.exists(path):  # noqa: ASYNC240 - one stat on the local disk
            return None
        connection = await aiosqlite.connect(path, isolation_level=None)
        try:
            await connection.executescript("PRAGMA busy_timeout = 5000; PRAGMA query_only = 1;")
            rows = await connection.execute_fetchall("PRAGMA user_version")
        except sqlite3.Error as error:
            await connection.close()
            raise DatabaseError(f"{path} cannot be read: {error}.") from error
        found = next(iter(rows))[0]
        if found != schema.VERSION:
            await connection.close()
            raise DatabaseError(
                f"{path} is of version {found}, this program's is {schema.VERSION}.",
                "Run any import or resume once: it upgrades an older database."
                if found < schema.VERSION
                else "Use the newer Lading that wrote it.",
            )
        return connection

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query on committed data."""
        return [tuple(row) for row in await self._reading.execute_fetchall(sql, parameters)]

    async def read_aside(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """`read` for background work: on a connection of its own, so that nothing waits for a long query."""
        return [tuple(row) for row in await self._aside.execute_fetchall(sql, parameters)]

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` on the writing connection; its result, once its transaction is committed.

        A unit that raises is rolled back alone, and its error is raised here. Cancelling the caller changes
        nothing: what was given is written. Raises DatabaseError.
        """
        if self._closed:
            raise DatabaseError("it is closed.")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._units.put_nowait((unit, done))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            done.add_done_callback(_heard)
            raise

    async def run(self, *statements: tuple[str, Iterable[Sequence[Any]]]) -> None:
        """Write a unit made of statements, each executed for all of its rows."""

        async def unit(connection: aiosqlite.Connection) -> None:
            for sql, rows in statements:
                await connection.executemany(sql, rows)

        await self.write(unit)

    async def _write(self) -> None:
        ended = False
        while not ended:
            first = await self._units.get()
            waiting = [first]
            while not self._units.empty() and len(waiting) < TOGETHER:
                waiting.append(self._units.get_nowait())
            ended = None in waiting
            units = [unit for unit in waiting if unit is not None]
            if units:
                await self._transaction(units)

    async def _transaction(self, units: list[tuple[Unit[Any], asyncio.Future[Any]]]) -> None:
        results: list[tuple[asyncio.Future[Any], Any, Exception | None]] = []
        try:
            await self._writing.execute("BEGIN IMMEDIATE")
            for unit, done in units:
                await self._writing.execute("SAVEPOINT unit")
                try:
                    results.append((done, await unit(self._writing), None))
                except (Exception, asyncio.CancelledError) as error:
                    if self._cancelled():
                        raise
                    # A unit that was cancelled in itself is one that failed: the writer goes on.
                    await self._writing.execute("ROLLBACK TO unit")
                    cancelled = DatabaseError("a change was cancelled.")
                    results.append((done, None, error if isinstance(error, Exception) else cancelled))
                await self._writing.execute("RELEASE unit")
            await self._writing.execute("COMMIT")
        except Exception as error:
            # Whatever it is, the next transaction may go well, and nobody waits for ever.
            with suppress(Exception):
                if self._writing.in_transaction:
                    await self._writing.execute("ROLLBACK")
            failure = DatabaseError(f"a change could not be written: {error}.", "Is the disk full?")
            results = [(done, None, failure) for _, done in units]
        for done, result, problem in results:
            if problem is None:
                done.set_result(result)
            else:
                done.set_exception(problem)

    @staticmethod
    def _cancelled() -> bool:
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0

    async def close(self) -> None:
        """Commit what was given, then close."""
        self._closed = True
        self._units.put_nowait(None)
        await self._writer
        await self._reading.close()
        await self._aside.close()
        try:
            await self._writing.execute("PRAGMA optimize")
        finally:
            await self._writing.close()


def _heard(done: "asyncio.Future[Any]") -> None:
    """Nobody waits for this result any more."""
    if not done.cancelled():
        done.exception()


def _prepare(home: str) -> None:
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"the state folder {home} cannot be made: {error.strerror}.", "Set LADING_HOME to a local folder."
        ) from error
    where = volume_of(os.fsencode(os.path.realpath(home)), mounts())
    if where is not None and not filesystem(where.filesystem, where.kind).sqlite:
        raise DatabaseError(
            f"the state folder {home} is on a network file system ({where.filesystem}), where SQLite's locks "
            "cannot be relied on.",
            "Set LADING_HOME to a folder on a local disk.",
        )


async def _migrate(connection: aiosqlite.Connection, path: str) -> None:
    rows = await connection.execute_fetchall("PRAGMA user_version")
    found = next(iter(rows))[0]
    if found > schema.VERSION:
        raise DatabaseError(
            f"{path} was written by a newer Lading (version {found}, this one knows {schema.VERSION}).",
            "Use the newer Lading, or another LADING_HOME.",
        )
    if 0 < found < schema.VERSION:
        try:
            await asyncio.to_thread(_back_up, path, f"{path}.version-{found}")
        except (OSError, sqlite3.Error) as error:
            raise DatabaseError(
                f"{path} is of an older Lading and could not be copied before its upgrade: {error}.",
                "Make room beside it.",
            ) from error
    for version in range(found, schema.VERSION):
        await connection.executescript(
            f"BEGIN IMMEDIATE; {schema.MIGRATIONS[version]}; PRAGMA user_version = {version + 1}; COMMIT;"
        )


def _back_up(path: str, target: str) -> None:
    """Copy the database, its write-ahead log included, whole or not at all. Raises sqlite3.Error, OSError."""
    unfinished = f"{target}.unfinished"
    with suppress(FileNotFoundError):
        os.unlink(unfinished)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
    os.replace(unfinished, target)
