"""Adds jobs: those of an import's items, and those behind its barrier, which need all of its items."""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import aiosqlite
import msgspec

from core.catalog import Item
from core.database import Database, Statement
from core.models import Value
from core.queue import enqueue
from core.queue.queue_defs import QUEUES, TELLING, Queue

UNFINISHED = "('waiting', 'ready', 'claimed')"
"""SQL list of the states in which a job is still to be done."""


class Work(Value, frozen=True, kw_only=True):
    """A job to be added, on one item, import or location. The other fields are columns of the table `job`."""

    queue: str
    priority: int
    archive_id: int
    item_id: int = 0
    import_id: int = 0
    location_id: int = 0
    origin: int = 0
    barrier: int = 0
    understood: bool = False
    follows: str = ""
    required: bool = False


Parameters = tuple[Any, ...]
"""The fields of `Work`, in their order."""

_BEFORE = "FROM job WHERE item_id = ?4 AND location_id = 0 AND import_id = 0 AND queue = ?10 AND barrier = 0"
_HOPELESS = f"?11 AND EXISTS (SELECT 1 {_BEFORE} AND state IN ('dead', 'cancelled'))"

# The same work is one row. While that job runs, it is only marked to run once more; once it has ended, it is
# reset. A follower waits for the job that it follows, if that is unfinished. `INSERT … SELECT` is not used: since
# it reads the table that it writes, it would copy each row through a temporary table, which is five times as slow.
ADD = f"""
    INSERT INTO job (queue, priority, archive_id, item_id, import_id, location_id, origin, barrier, understood,
                     follows, required, remaining, state, ended, error)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
            CASE WHEN ?10 = '' THEN 0 ELSE (SELECT count(*) {_BEFORE} AND state IN {UNFINISHED}) END,
            CASE WHEN ?8 THEN 'waiting' WHEN ?10 = '' THEN 'ready'
                 WHEN EXISTS (SELECT 1 {_BEFORE} AND state IN {UNFINISHED}) THEN 'waiting'
                 WHEN {_HOPELESS} THEN 'cancelled' ELSE 'ready' END,
            CASE WHEN NOT ?8 AND {_HOPELESS} THEN (julianday('now') - 2440587.5) * 86400 END,
            CASE WHEN NOT ?8 AND {_HOPELESS} THEN ?10 || ' did not succeed' ELSE '' END)
    ON CONFLICT (item_id, location_id, import_id, queue, barrier) DO UPDATE SET
        again = state = 'claimed',
        remaining = iif(state = 'claimed', 0, excluded.remaining),
        attempts = iif(state = 'claimed', attempts, 0),
        origin = iif(state = 'claimed', origin, excluded.origin),
        error = excluded.error,
        ended = iif(state = 'claimed', NULL, excluded.ended),
        state = iif(state = 'claimed', state, excluded.state)
    WHERE state IN ('claimed', 'done', 'dead', 'cancelled')
"""  # noqa: S608


_RECOUNT = f"""
    UPDATE job SET (remaining, state) = (
        SELECT count(*), iif(count(*), 'waiting', 'ready') FROM job AS p
        WHERE p.item_id = job.item_id AND p.queue = job.follows AND p.state IN {UNFINISHED})
    WHERE id IN (SELECT value FROM json_each(?))
"""  # noqa: S608


def parameters(work: Work) -> Parameters:
    """The parameters of `ADD` for one job."""
    return msgspec.structs.astuple(work)


def adding(works: Iterable[Work]) -> Statement:
    """The statement that adds jobs; the same work twice is one job."""
    return ADD, [parameters(work) for work in works]


def bag_work(archive_id: int, location_id: int, origin: int = 0) -> Work:
    """The job that makes a location's bag anew. origin: the import that this is for; 0: none."""
    queue = next(queue for queue in QUEUES if queue.name == "bagit")
    return Work(
        queue=queue.name, priority=queue.priority, archive_id=archive_id, location_id=location_id, origin=origin
    )


def counting(archive_id: int, locations: Iterable[int]) -> Statement:
    """The statement that adds the jobs which compute the figures of locations anew. It is executed in the
    transaction that changes facts about their items."""
    queue = next(queue for queue in QUEUES if queue.name == "location_stats")
    return adding(
        Work(queue=queue.name, priority=queue.priority, archive_id=archive_id, location_id=number)
        for number in locations
    )


async def recount(connection: aiosqlite.Connection, ids: Sequence[int]) -> None:
    """Recompute the counters of jobs that are to be done again: each waits for the job that it follows, if that is
    unfinished."""
    if ids:
        await connection.execute(_RECOUNT, (json.dumps(ids),))


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


def close(import_id: int, behind: Sequence[Work]) -> list[Statement]:
    """The statements that set up an import's barrier and the jobs behind it; also for an import that is
    resumed."""
    return [(_CLOSE, [(import_id,)]), (ADD, [parameters(work) for work in behind])]


async def open_barrier(database: Database, import_id: int) -> None:
    """Open an import's barrier, because its transfers have ended."""

    async def unit(connection: aiosqlite.Connection) -> None:
        await opened(connection, import_id)

    await database.write(unit)


async def open_late(database: Database, archive_id: int, import_id: int, location_id: int) -> None:
    """Set up and open the barrier of an import that has ended elsewhere, if it has none: jobs of its items were
    added when its journal was read, and what needs all of them is to follow. It does nothing where all is done."""

    async def unit(connection: aiosqlite.Connection) -> None:
        parameters = (import_id, json.dumps(TELLING))
        ((remaining,),) = await connection.execute_fetchall(_COUNT, parameters)
        if remaining and not list(await connection.execute_fetchall(_BARRED, (import_id,))):
            for sql, rows in of_import(archive_id, import_id, location_id):
                await connection.executemany(sql, rows)
            await opened(connection, import_id)

    await database.write(unit)


async def open_ended(database: Database) -> None:
    """Open the barriers of all imports that have ended in whatever way. If there are none, nothing is written."""
    for (import_id,) in await database.read(_ENDED):
        await open_barrier(database, import_id)


async def opened(connection: aiosqlite.Connection, import_id: int) -> None:
    """Open a barrier that is still closed, in the caller's transaction."""
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
    """By import, how many jobs that barriers wait for have ended: decrement the counters of these barriers."""
    for import_id, count in told.items():
        rows = await connection.execute_fetchall(_DOWN, (count, import_id))
        if any(remaining <= 0 for (remaining,) in rows):
            await _finish(connection, import_id)


async def _finish(connection: aiosqlite.Connection, import_id: int) -> None:
    await _let_go(connection, import_id, understood=True)
    await connection.execute("DELETE FROM barrier WHERE import_id = ?", (import_id,))


async def _let_go(connection: aiosqlite.Connection, import_id: int, *, understood: bool) -> None:
    """Release jobs behind a barrier. One that equals an existing job is merged with it."""
    rows = [tuple(row) for row in await connection.execute_fetchall(_BEHIND, (import_id, understood))]
    await connection.execute(
        "DELETE FROM job WHERE barrier = ? AND barrier != 0 AND understood <= ?", (import_id, understood)
    )
    await connection.executemany(ADD, rows)


_OF_KIND: dict[str, tuple[Queue, ...]] = {
    str(kind): tuple(queue for queue in QUEUES if queue.subject == "item" and kind in queue.kinds)
    for kind in {kind for queue in QUEUES for kind in queue.kinds}
}


BEHIND = tuple(queue for queue in QUEUES if queue.subject != "item")
"""The queues whose jobs are behind an import's barrier."""


def of_items(
    items: Iterable[tuple[int, Item]], origin: int, frames: Container[int] = frozenset()
) -> list[Statement]:
    """The statement that adds the jobs of new items (archive, item) of the import `origin`. It is executed in the
    transaction that inserts the items.

    frames: ids of items that may be frames of a film; `core.queue.frame_jobs` adds their jobs later.
    """
    rows: list[Parameters] = [
        (queue.name, queue.priority, archive, item.id, 0, 0, origin, 0, 0, queue.follows, queue.required)
        for archive, item in items
        if item.id not in frames
        for queue in _OF_KIND.get(item.kind, ())
    ]
    return [(ADD, rows)] if rows else []


def of_import(archive_id: int, import_id: int, location_id: int) -> list[Statement]:
    """The statements that set up an import's barrier and the jobs behind it; also for an import that is
    resumed."""
    works = [
        behind(queue, archive_id, import_id, import_id=import_id)
        if queue.subject == "import"
        else behind(queue, archive_id, import_id, location_id=location_id)
        for queue in BEHIND
    ]
    return enqueue.close(import_id, works)


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
