"""The sorted merge behind a manifest, in a database of its own on the local disk: memory does not grow."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite

_SETUP = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA cache_size = -32768;
    BEGIN;
    CREATE TABLE disk (path BLOB PRIMARY KEY, fresh INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE held (path BLOB NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL);
    CREATE TABLE noted (path BLOB NOT NULL, sha256 BLOB NOT NULL);
    CREATE TABLE gone (path BLOB NOT NULL);
    CREATE TABLE line (path BLOB PRIMARY KEY, sha256 BLOB, size INTEGER) WITHOUT ROWID;
"""

# Digests that Lading read and verified go before those of the manifest on disk.
_MERGE = (
    "CREATE INDEX held_path ON held (path, sha256, size)",
    "CREATE INDEX noted_path ON noted (path, sha256)",
    """
    INSERT OR IGNORE INTO line
    SELECT d.path, CASE WHEN d.fresh THEN NULL ELSE coalesce(h.sha256, n.sha256) END,
           CASE WHEN d.fresh THEN NULL ELSE h.size END
    FROM disk d LEFT JOIN held h ON h.path = d.path LEFT JOIN noted n ON n.path = d.path
    ORDER BY d.path
    """,
    """
    CREATE TABLE missing AS
    SELECT path FROM (SELECT path FROM held UNION SELECT path FROM noted UNION SELECT path FROM gone) AS known
    WHERE NOT EXISTS (SELECT 1 FROM line WHERE line.path = known.path)
    """,
)

PAGE = 5000
"""Rows handled together."""


class Ledger:
    """What is on disk, what the catalog holds, what the manifest on disk says; merged into the lines of a new one.

    Paths are raw bytes below the location's folder.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, path: str) -> AsyncIterator["Ledger"]:
        """An empty one in the new file `path`."""
        async with aiosqlite.connect(path, isolation_level=None) as connection:
            await connection.executescript(_SETUP)
            yield cls(connection)

    async def on_disk(self, rows: Iterable[tuple[bytes, bool]]) -> None:
        """(path, whether it is to be hashed whatever is known of it) of files that are there."""
        await self._connection.executemany("INSERT OR IGNORE INTO disk VALUES (?, ?)", rows)

    async def hold(self, rows: Iterable[tuple[bytes, bytes, int]]) -> None:
        """(path, SHA-256, size) of files that the catalog knows."""
        await self._connection.executemany("INSERT INTO held VALUES (?, ?, ?)", rows)

    async def note(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """(path, SHA-256) of lines of the manifest on disk."""
        await self._connection.executemany("INSERT INTO noted VALUES (?, ?)", rows)

    async def miss(self, rows: Iterable[tuple[bytes]]) -> None:
        """Paths that an earlier run found gone."""
        await self._connection.executemany("INSERT INTO gone VALUES (?)", rows)

    async def merge(self) -> tuple[int, int]:
        """Make the lines; how many files are there, and how many that are known are not."""
        for statement in _MERGE:
            await self._connection.execute(statement)
        return await self._number("SELECT count(*) FROM line"), await self._number("SELECT count(*) FROM missing")

    async def unclaimed(self, after: bytes, count: int) -> list[tuple[bytes, bytes | None]]:
        """(path, SHA-256 if it is known) of files after `after` that are gone and not held by the catalog."""
        sql = """
            SELECT m.path, (SELECT sha256 FROM noted AS n WHERE n.path = m.path) FROM missing AS m
            WHERE m.path > ? AND NOT EXISTS (SELECT 1 FROM held AS h WHERE h.path = m.path) ORDER BY m.path LIMIT ?
        """
        return [(path, sha256) for path, sha256 in await self._rows(sql, (after, count))]

    async def not_missing(self, rows: Iterable[tuple[bytes]]) -> None:
        """Files that are gone from here, but not lost."""
        await self._connection.executemany("DELETE FROM missing WHERE path = ?", rows)

    async def missing(self, count: int) -> list[bytes]:
        """The first files that are known and gone."""
        rows = await self._rows("SELECT path FROM missing ORDER BY path LIMIT ?", (count,))
        return [path for (path,) in rows]

    async def unknown(self, after: bytes, count: int) -> list[bytes]:
        """Files after `after` without a digest."""
        return await self._paths("sha256 IS NULL", after, count)

    async def unmeasured(self, after: bytes, count: int) -> list[bytes]:
        """Files after `after` without a size."""
        return await self._paths("size IS NULL", after, count)

    async def _paths(self, condition: str, after: bytes, count: int) -> list[bytes]:
        sql = f"SELECT path FROM line WHERE path > ? AND {condition} ORDER BY path LIMIT ?"  # noqa: S608
        return [path for (path,) in await self._rows(sql, (after, count))]

    async def hashed(self, rows: Iterable[tuple[bytes, int, bytes]]) -> None:
        """(SHA-256, size, path) of files that were read."""
        await self._connection.executemany("UPDATE line SET sha256 = ?, size = ? WHERE path = ?", rows)

    async def measured(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """(size, path) of files that were looked at."""
        await self._connection.executemany("UPDATE line SET size = ? WHERE path = ?", rows)

    async def left(self, rows: Iterable[tuple[bytes]]) -> None:
        """Files that have gone since they were listed."""
        await self._connection.executemany("DELETE FROM line WHERE path = ?", rows)

    async def lines(self) -> AsyncIterator[list[tuple[bytes, bytes, int]]]:
        """(path, SHA-256, size) of every file, by path."""
        sql = "SELECT path, sha256, size FROM line ORDER BY path"
        async with self._connection.execute(sql) as cursor:
            while rows := list(await cursor.fetchmany(PAGE)):
                yield [(path, sha256, size) for path, sha256, size in rows]

    async def _rows(self, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self._connection.execute_fetchall(sql, parameters)]

    async def _number(self, sql: str) -> int:
        return int((await self._rows(sql, ()))[0][0])
