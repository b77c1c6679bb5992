"""Barriers: an import's jobs that need all of it wait behind one until its transfers have ended.

Some of them also need to know what its items are. When the barrier is opened it counts the jobs that will tell
that; each end of one takes the counter down, and at zero they are let go.
"""

import json
from collections.abc import Mapping, Sequence

import aiosqlite

from core.database import Database
from core.queue.kinds import TELLING
from core.queue.work import ADD, UNFINISHED, Work, parameters
from core.tasks.task import Statement

_CLOSE = "INSERT INTO barrier (import_id) VALUES (?) ON CONFLICT (import_id) DO UPDATE SET remaining = NULL"

_COUNT = f"""
    SELECT count(*) FROM job WHERE origin = ? AND barrier = 0 AND state IN {UNFINISHED}
    AND queue IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - constants

_DOWN = "UPDATE barrier SET remaining = remaining - ? WHERE import_id = ? AND remaining > 0 RETURNING remaining"

_BEHIND = """
    SELECT queue, priority, archive_id, item_id, import_id, location_id, origin, 0, 0, follows, required
    FROM job WHERE barrier = ? AND barrier != 0 AND understood <= ? ORDER BY id
"""

_ENDED = """
    SELECT b.import_id FROM barrier AS b JOIN import AS i ON i.id = b.import_id
    WHERE b.remaining IS NULL AND i.state IN ('done', 'cancelled')
"""


def close(import_id: int, behind: Sequence[Work]) -> list[Statement]:
    """The statements that set up an import's barrier, with the jobs behind it; again for one that is resumed."""
    return [(_CLOSE, [(import_id,)]), (ADD, [parameters(work) for work in behind])]


async def open_barrier(database: Database, import_id: int) -> None:
    """The import's transfers have ended: its jobs may begin."""

    async def unit(connection: aiosqlite.Connection) -> None:
        await opened(connection, import_id)

    await database.write(unit)


async def open_ended(database: Database) -> None:
    """Open the barriers of all imports that have ended, by whatever way; else nothing is written."""
    for (import_id,) in await database.read(_ENDED):
        await open_barrier(database, import_id)


async def opened(connection: aiosqlite.Connection, import_id: int) -> None:
    """Open a barrier that is closed, in a unit of the caller's."""
    closed = "SELECT 1 FROM barrier WHERE import_id = ? AND remaining IS NULL"
    if not list(await connection.execute_fetchall(closed, (import_id,))):
        return
    rows = await connection.execute_fetchall(_COUNT, (import_id, json.dumps(TELLING)))
    remaining = next(iter(rows))[0]
    if remaining:
        await connection.execute("UPDATE barrier SET remaining = ? WHERE import_id = ?", (remaining, import_id))
        await _let_go(connection, import_id, understood=False)
    else:
        await _finish(connection, import_id)


async def count_down(connection: aiosqlite.Connection, told: Mapping[int, int]) -> None:
    """So many jobs of each import that tell what its items are have ended."""
    for import_id, count in told.items():
        rows = await connection.execute_fetchall(_DOWN, (count, import_id))
        if any(remaining <= 0 for (remaining,) in rows):
            await _finish(connection, import_id)


async def _finish(connection: aiosqlite.Connection, import_id: int) -> None:
    await _let_go(connection, import_id, understood=True)
    await connection.execute("DELETE FROM barrier WHERE import_id = ?", (import_id,))


async def _let_go(connection: aiosqlite.Connection, import_id: int, *, understood: bool) -> None:
    """Jobs behind the barrier become jobs like any other; the same work as one that is there is one with it."""
    rows = [tuple(row) for row in await connection.execute_fetchall(_BEHIND, (import_id, understood))]
    await connection.execute(
        "DELETE FROM job WHERE barrier = ? AND barrier != 0 AND understood <= ?", (import_id, understood)
    )
    await connection.executemany(ADD, rows)
