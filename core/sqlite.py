"""SQLite of the version that this program was tested with, whatever the system has.

Use this module's `sqlite3` in place of the standard library's, in tests, too: two copies of SQLite in one process
must not open one database, because closing a file releases the locks of the other copy (sqlite.org, "How To
Corrupt An SQLite Database File", 2.2.1). Where pysqlite3 has no build, the standard library's is used: `lading
doctor` warns if that SQLite can damage a database.
"""

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiosqlite

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3

ROWS_FETCHED = 64
"""Rows fetched at a time by cursors that are iterated."""


def connect(path: str) -> aiosqlite.Connection:
    """A connection to the database `path` that starts no transaction by itself; it is opened by awaiting it, which
    raises sqlite3.Error."""
    return aiosqlite.Connection(lambda: sqlite3.connect(path, isolation_level=None), ROWS_FETCHED)


def connect_to_read(path: str, timeout: float) -> "sqlite3.Connection":
    """A connection that changes nothing, to the database `path`, which is not made where there is none; a read
    waits `timeout` seconds for a lock. Raises sqlite3.Error.

    Its mode is rw because readers of a write-ahead log note in a file beside it what they read (sqlite.org,
    "Write-Ahead Logging"). Where the file may not be written, SQLite opens it to read (sqlite3_open_v2).
    """
    uri = f"file:{quote(os.fsencode(os.path.abspath(path)))}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = 1")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


__all__ = ["connect", "connect_to_read", "sqlite3"]
