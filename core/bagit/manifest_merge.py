"""The sorted merge that makes a manifest, in a temporary database on the local disk, so that memory does not
grow."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite

from core.sqlite import connect

_SETUP = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA cache_size = -32768;
    BEGIN;
    CREATE TABLE disk (path BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE junk (path BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE held (path BLOB NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL);
    CREATE TABLE noted (path BLOB NOT NULL, sha256 BLOB NOT NULL);
    CREATE TABLE gone (path BLOB NOT NULL);
    CREATE TABLE line (path BLOB PRIMARY KEY, sha256 BLOB, size INTEGER) WITHOUT ROWID;
"""

# Digests that Lading read and verified take precedence over those of the manifest on disk.
_MERGE = (
    "CREATE INDEX held_path ON held (path, sha256, size)",
    "CREATE INDEX noted_path ON noted (path, sha256)",
    """
    INSERT OR IGNORE INTO line
    SELECT d.path, coalesce(h.sha256, n.sha256), h.size
    FROM disk d LEFT JOIN held h ON h.path = d.path LEFT JOIN noted n ON n.path = d.path
    ORDER BY d.path
    """,
    "CREATE TABLE missing (path BLOB PRIMARY KEY) WITHOUT ROWID",
    """
    INSERT INTO missing
    SELECT path FROM (SELECT path FROM held UNION SELECT path FROM noted UNION SELECT path FROM gone) AS known
    WHERE NOT EXISTS (SELECT 1 FROM line WHERE line.path = known.path)
    AND NOT EXISTS (SELECT 1 FROM junk WHERE junk.path = known.path)
    """,
)

PAGE = 5000
"""Rows per page."""


class Ledger:
    """Merges what is on disk, what the catalog holds and what the manifest on disk says into the lines of a new
    manifest.

    Paths are raw bytes below the location's folder.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, path: str) -> AsyncIterator["Ledger"]:
        """Open an empty ledger in the new file `path`."""
        async with connect(path) as connection:
            await connection.executescript(_SETUP)
            yield cls(connection)

    async def add_on_disk(self, rows: Iterable[tuple[bytes]]) -> None:
        """Add files that are on disk."""
        await self.connection.executemany("INSERT OR IGNORE INTO disk VALUES (?)", rows)

    async def add_junk(self, rows: Iterable[tuple[bytes]]) -> None:
        """Add junk files that are on disk: they get no line, and never count as missing."""
        await self.connection.executemany("INSERT OR IGNORE INTO junk VALUES (?)", rows)

    async def unmark_junk(self, rows: Iterable[tuple[bytes]]) -> int:
        """Turn those of these paths that were taken for junk into ordinary files. Returns how many."""
        paths = [path for (path,) in rows if await self._rows("SELECT 1 FROM junk WHERE path = ?", (path,))]
        await self.connection.executemany("DELETE FROM junk WHERE path = ?", [(path,) for path in paths])
        await self.add_on_disk([(path,) for path in paths])
        return len(paths)

    async def has_line(self, path: bytes) -> bool:
        """Whether the merged lines have this path."""
        return bool(await self._rows("SELECT 1 FROM line WHERE path = ?", (path,)))

    async def add_held(self, rows: Iterable[tuple[bytes, bytes, int]]) -> None:
        """Add (path, SHA-256, size) of files that the catalog has."""
        await self.connection.executemany("INSERT INTO held VALUES (?, ?, ?)", rows)

    async def add_noted(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Add (path, SHA-256) of lines of the manifest on disk."""
        await self.connection.executemany("INSERT INTO noted VALUES (?, ?)", rows)

    async def add_missing(self, rows: Iterable[tuple[bytes]]) -> None:
        """Add paths that an earlier run found missing."""
        await self.connection.executemany("INSERT INTO gone VALUES (?)", rows)

    async def merge(self) -> tuple[int, int]:
        """Merge. Returns how many files have a line, and how many known files are missing."""
        for statement in _MERGE:
            await self.connection.execute(statement)
        return await self._number("SELECT count(*) FROM line"), await self._number("SELECT count(*) FROM missing")

    async def unclaimed(self, after: bytes, count: int) -> list[tuple[bytes, bytes | None]]:
        """(path, SHA-256 or None) of up to `count` missing files after the path `after` that the catalog does not
        hold."""
        sql = """
            SELECT m.path, (SELECT sha256 FROM noted AS n WHERE n.path = m.path) FROM missing AS m
            WHERE m.path > ? AND NOT EXISTS (SELECT 1 FROM held AS h WHERE h.path = m.path) ORDER BY m.path LIMIT ?
        """
        return [(path, sha256) for path, sha256 in await self._rows(sql, (after, count))]

    async def drop_missing(self, rows: Iterable[tuple[bytes]]) -> None:
        """Remove files from the missing ones, because they were moved to another location."""
        await self.connection.executemany("DELETE FROM missing WHERE path = ?", rows)

    async def missing(self, count: int) -> list[bytes]:
        """The first `count` paths of missing files."""
        rows = await self._rows("SELECT path FROM missing ORDER BY path LIMIT ?", (count,))
        return [path for (path,) in rows]

    async def without_digest(self, after: bytes, count: int) -> list[bytes]:
        """Up to `count` paths after `after` without a digest."""
        return await self._paths("sha256 IS NULL", after, count)

    async def without_size(self, after: bytes, count: int) -> list[bytes]:
        """Up to `count` paths after `after` without a size."""
        return await self._paths("size IS NULL", after, count)

    async def _paths(self, condition: str, after: bytes, count: int) -> list[bytes]:
        sql = f"SELECT path FROM line WHERE path > ? AND {condition} ORDER BY path LIMIT ?"  # noqa: S608
        return [path for (path,) in await self._rows(sql, (after, count))]

    async def set_digests(self, rows: Iterable[tuple[bytes, int, bytes]]) -> None:
        """Enter (SHA-256, size, path) of files that were read."""
        await self.connection.executemany("UPDATE line SET sha256 = ?, size = ? WHERE path = ?", rows)

    async def set_sizes(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Enter (size, path) of files that were measured."""
        await self.connection.executemany("UPDATE line SET size = ? WHERE path = ?", rows)

    async def drop_lines(self, rows: Iterable[tuple[bytes]]) -> None:
        """Drop the lines of files that have disappeared since they were listed."""
        await self.connection.executemany("DELETE FROM line WHERE path = ?", rows)

    async def lines(self) -> AsyncIterator[list[tuple[bytes, bytes, int]]]:
        """(path, SHA-256, size) of every line in the order of paths, a page at a time. Whoever stops early leaves
        no cursor open."""
        sql = "SELECT path, sha256, size FROM line WHERE path > ? ORDER BY path LIMIT ?"
        after = b""
        while rows := await self._rows(sql, (after, PAGE)):
            yield [(path, sha256, size) for path, sha256, size in rows]
            after = rows[-1][0]

    async def _rows(self, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.connection.execute_fetchall(sql, parameters)]

    async def _number(self, sql: str) -> int:
        return int((await self._rows(sql, ()))[0][0])
