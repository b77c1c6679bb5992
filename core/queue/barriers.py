"""Barriers: a job on an import or a location waits behind the barrier of an import until the jobs on the import's
items have ended, because it needs the results of all of them.

A barrier is closed while the import's transfers run, since they add more jobs on items. When they have ended, it
is opened: from then on it counts the unfinished jobs of the queues in `TELLING`, and is deleted when none is left.
"""

import json
from collections.abc import Mapping, Sequence

import aiosqlite

from core.database import Database, Statement
from core.queue.enqueue import ADD, UNFINISHED, Work, parameters
from core.queue.queue_defs import QUEUES, TELLING, Queue

BEHIND = tuple(queue for queue in QUEUES if queue.subject != "item")
"""The queues whose jobs are behind an import's barrier."""

_CLOSE = "INSERT INTO barrier (import_id) VALUES (?) ON CONFLICT (import_id) DO UPDATE SET remaining = NULL"

_COUNT = f"""
    SELECT count(*) FROM job WHERE origin = ? AND barrier = 0 AND state IN {UNFINISHED}
    AND queue IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - constants

_BARRED = "SELECT 1 FROM barrier WHERE import_id = ?"

_DOWN = "UPDATE barrier SET remaining = remaining - ? WHERE import_id = ? AND remaining > 0 RETURNING remaining"

_BEHIND = """
    SELECT queue, priority, archive_id, item_id, import_id, location_id, origin, 0, 0, follows, required
    FROM job WHERE barrier = ? AND barrier != 0 AND understood <= ? ORDER BY id
"""

_ENDED = """
    SELECT b.import_id FROM barrier AS b JOIN import AS i ON i.id = b.import_id
    WHERE b.remaining IS NULL AND i.state IN ('done', 'cancelled')
"""


def set_up(import_id: int, jobs: Sequence[Work]) -> list[Statement]:
    """The statements that add a closed barrier and the `jobs` behind it. The barrier of an import that is resumed
    is closed again."""
    return [(_CLOSE, [(import_id,)]), (ADD, [parameters(work) for work in jobs])]


async def open_one(database: Database, import_id: int) -> None:
    """Open an import's barrier, because its transfers have ended."""

    async def unit(connection: aiosqlite.Connection) -> None:
        await open_within(connection, import_id)

    await database.write(unit)


async def open_late(database: Database, archive_id: int, import_id: int, location_id: int) -> None:
    """Set up and open the barrier of an import that has ended in another catalog, if it has none and jobs on its
    items are unfinished. Those were added when the import's journal was replayed."""

    async def unit(connection: aiosqlite.Connection) -> None:
        parameters = (import_id, json.dumps(TELLING))
        ((remaining,),) = await connection.execute_fetchall(_COUNT, parameters)
        if remaining and not list(await connection.execute_fetchall(_BARRED, (import_id,))):
            for sql, rows in of_import(archive_id, import_id, location_id):
                await connection.executemany(sql, rows)
            await open_within(connection, import_id)

    await database.write(unit)


async def open_ended(database: Database) -> None:
    """Open the barriers of all imports that have ended in whatever way. If there are none, nothing is written."""
    for (import_id,) in await database.read(_ENDED):
        await open_one(database, import_id)


async def open_within(connection: aiosqlite.Connection, import_id: int) -> None:
    """Open a barrier that is still closed, in the caller's transaction."""
    closed = "SELECT 1 FROM barrier WHERE import_id = ? AND remaining IS NULL"
    if not list(await connection.execute_fetchall(closed, (import_id,))):
        return
    rows = await connection.execute_fetchall(_COUNT, (import_id, json.dumps(TELLING)))
    remaining = next(iter(rows))[0]
    if remaining:
        await connection.execute("UPDATE barrier SET remaining = ? WHERE import_id = ?", (remaining, import_id))
        await _release(connection, import_id, understood=False)
    else:
        await _finish(connection, import_id)


async def count_down(connection: aiosqlite.Connection, ended: Mapping[int, int]) -> None:
    """Decrement the counters of barriers. ended: by import, how many jobs that its barrier counts have ended."""
    for import_id, count in ended.items():
        rows = await connection.execute_fetchall(_DOWN, (count, import_id))
        if any(remaining <= 0 for (remaining,) in rows):
            await _finish(connection, import_id)


async def _finish(connection: aiosqlite.Connection, import_id: int) -> None:
    await _release(connection, import_id, understood=True)
    await connection.execute("DELETE FROM barrier WHERE import_id = ?", (import_id,))


async def _release(connection: aiosqlite.Connection, import_id: int, *, understood: bool) -> None:
    """Release jobs behind a barrier: all if `understood`, else only those of queues without `understood`. A job
    that equals an existing one is merged with it."""
    rows = [tuple(row) for row in await connection.execute_fetchall(_BEHIND, (import_id, understood))]
    await connection.execute(
        "DELETE FROM job WHERE barrier = ? AND barrier != 0 AND understood <= ?", (import_id, understood)
    )
    await connection.executemany(ADD, rows)


def of_import(archive_id: int, import_id: int, location_id: int) -> list[Statement]:
    """The statements that set up an import's barrier, with one job behind it for each queue in `BEHIND`. Also for
    an import that is resumed."""
    works = [
        behind(queue, archive_id, import_id, import_id=import_id)
        if queue.subject == "import"
        else behind(queue, archive_id, import_id, location_id=location_id)
        for queue in BEHIND
    ]
    return set_up(import_id, works)


def behind(queue: Queue, archive_id: int, barrier: int, *, import_id: int = 0, location_id: int = 0) -> Work:
    """A job on an import or a location, behind a barrier."""
    return Work(
        queue=queue.name,
        priority=queue.priority,
        archive_id=archive_id,
        import_id=import_id,
        location_id=location_id,
        origin=barrier,
        barrier=barrier,
        understood=queue.understood,
    )
