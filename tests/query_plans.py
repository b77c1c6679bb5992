"""Every statement of the program that a test executes, explained on an empty database without statistics.

A new home, a database that was built anew and one whose engine was killed have no statistics, and SQLite then
takes any index for as good as another. A statement that goes through a table that grows with the archive fails the
test that executes it, so that none is forgotten; each is explained once in a process.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import aiosqlite

from core.database import Database, Unit
from core.sqlite import sqlite3
from tests.rigs.catalogs import migrate

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

LARGE = frozenset({"file", "item", "job", "link"})
"""Tables that grow with what is archived."""

ALL_OF_IT = "it asks about a whole archive: an audit, its state, what is damaged in it"
COPY = "another copy of the archive is the one in use now, for all of its items"
BOUNDED = "the table holds few jobs that are done (DONE_JOBS_KEPT), and all others are what is asked for"
SHORT = "the index of names tells nothing of fewer than three letters"

ALLOWED = {
    "SELECT count(*), coalesce(sum(size), 0), count(damage) FROM item": ALL_OF_IT,
    "SELECT count(*), coalesce(sum(size), 0) FROM item": ALL_OF_IT,
    "SELECT count(*) FROM item WHERE archive_id = ? AND": ALL_OF_IT,
    "SELECT path, read_back FROM item WHERE archive_id = ? ORDER BY read_back": ALL_OF_IT,
    "SELECT path, damage FROM item WHERE archive_id = ? AND damage IS NOT NULL": ALL_OF_IT,
    "SELECT id, location_id, xxh128, sha256, size, kind, path, level, read_back, damage FROM item "
    "WHERE archive_id = ? AND damage IS NOT NULL": ALL_OF_IT,
    "SELECT id, location_id, xxh128, sha256, size, kind, path, level, read_back, damage FROM item "
    "WHERE archive_id = ? AND (read_back IS NULL": ALL_OF_IT,
    "INSERT INTO copy_item (copy_id, item_id, level, read_back, damage) SELECT": COPY,
    "UPDATE item SET level = '', read_back = NULL, damage = NULL WHERE archive_id": COPY,
    "DELETE FROM derivative WHERE item_id IN (SELECT id FROM item WHERE archive_id": COPY,
    "SELECT queue, state, CASE WHEN state != 'waiting'": BOUNDED,
    "UPDATE job SET state = iif(again OR attempts": BOUNDED,
    "SELECT f.id FROM (SELECT id FROM file ORDER BY id DESC": SHORT,
    "SELECT f.id, f.item_id FROM (SELECT id FROM file ORDER BY id DESC": SHORT,
    "SELECT DISTINCT f.item_id FROM (SELECT id FROM file)": SHORT,
    "SELECT path FROM item WHERE archive_id = ? AND path IN": "names that other programs gave have no digest",
    "SELECT id FROM item WHERE archive_id = ? AND path = ?": "names that other programs gave have no digest",
}
"""Statements that may go through such a table, by how they begin, and why."""

_SCAN = re.compile(r"(?:SCAN|SEARCH(?= \w+ USING AUTOMATIC)) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")
_ARCHIVE = re.compile(r"SEARCH \w+ USING (?:COVERING )?INDEX (item_\w+) \(archive_id=\?\)$")
_COPY = re.compile(r"\(SELECT t\.id, t\.archive_id, .*? c\.copy_id = \d+\)")
"""Items as another copy of the archive holds them (core.catalog.items)."""
_TABLE = re.compile(r"(?:\b(?:FROM|JOIN|UPDATE|INTO)|,)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?", re.IGNORECASE)
_PARTIAL = frozenset({"job_unfinished", "job_ready", "job_due", "job_barrier", "job_ended"})
"""Indexes of few rows, whatever the table holds."""

_explained: dict[str, str] = {}
_faults: list[str] = []
_fresh: list[sqlite3.Connection] = []


def plan(sql: str) -> list[str]:
    """How SQLite would execute it on an empty database of the program; empty for what is no statement on that."""
    if not _fresh:
        _fresh.append(sqlite3.connect(":memory:", isolation_level=None))
        migrate(_fresh[0])
    values = 0
    while True:
        try:
            return [str(row[3]) for row in _fresh[0].execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * values)]
        except sqlite3.ProgrammingError as error:
            found = re.search(r"uses (\d+)", str(error))
            if found is None or int(found[1]) == values:
                raise
            values = int(found[1])
        except sqlite3.OperationalError as error:
            if "no such table" in str(error) or sql.lstrip().upper().startswith(("PRAGMA", "EXPLAIN")):
                return []
            raise


def fault(sql: str) -> str:
    """What is wrong with a statement's plan; empty when nothing is."""
    text = _COPY.sub("item", re.sub(r"(\?, ?)+\?", "?, …", " ".join(sql.split())))
    if any(text.startswith(begin) for begin in ALLOWED):
        return ""
    tables = {alias.lower(): table.lower() for table, alias in _TABLE.findall(sql) if alias}
    for step in plan(sql):
        scan = _SCAN.match(step)
        if scan and tables.get(scan[1].lower(), scan[1].lower()) in LARGE and scan[2] not in _PARTIAL:
            return f"{step}: {text[:400]}"
        if _ARCHIVE.match(step):
            return f"{step}: {text[:400]}"
    return ""


def look(sql: str, depth: int = 2) -> None:
    """Explain a statement that the program executes; one of a test's own is none."""
    if sql in _explained or not _of_program(sys._getframe(depth)):
        return
    _explained[sql] = found = fault(sql)
    if found:
        _faults.append(found)


def found() -> list[str]:
    """What was found since this was asked last."""
    faults, _faults[:] = list(_faults), []
    return faults


def _of_program(frame: Any) -> bool:
    file = os.path.relpath(frame.f_code.co_filename, ROOT)
    return file.startswith(("core/", "tui/"))


def watch() -> None:
    """Have all that is given to a `Database` from here on explained."""
    run, write = Database.run, Database.write
    for name in ("read", "read_aside"):
        setattr(Database, name, _reading(getattr(Database, name)))

    def watched_run(self: Database, *statements: tuple[str, Iterable[Sequence[Any]]]) -> Any:
        for sql, _ in statements:
            look(sql)
        return run(self, *statements)

    def watched_write(self: Database, unit: Unit[Any]) -> Any:
        async def watched(connection: aiosqlite.Connection) -> Any:
            return await unit(_Watched(connection))  # type: ignore[arg-type]

        return write(self, unit if unit.__module__ == "core.database" else watched)

    Database.run, Database.write = watched_run, watched_write  # type: ignore[method-assign]


def _reading(read: Callable[..., Any]) -> Callable[..., Any]:
    def watched(self: Database, sql: str, parameters: Sequence[Any] = ()) -> Any:
        look(sql)
        return read(self, sql, parameters)

    return watched


class _Watched:
    """A connection whose statements are explained."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in ("execute", "executemany", "execute_fetchall", "execute_insert"):
            return found

        def watched(sql: str, *parameters: Any) -> Any:
            look(sql)
            return found(sql, *parameters)

        return watched
