"""Claims: jobs that a run of the engine has taken, and how they come back.

Functions take the writing connection, so that they are part of the caller's unit.
"""

import json
from collections.abc import Iterable, Sequence

import aiosqlite
import msgspec

from core.queue.endings import ATTEMPTS, Ended, ended
from core.queue.work import recount
from core.tasks.task import Job


class Claimed(msgspec.Struct, frozen=True):
    """A job that was taken, with the archive it is about."""

    job: Job
    archive_id: int


# The partial index job_ready answers this in order: 100,000 waiting jobs cost nothing.
CLAIM = """
    UPDATE job SET state = 'claimed', attempts = attempts + 1, run = ?, claimed = ? WHERE id IN (
        SELECT id FROM job WHERE state = 'ready' AND queue = ? AND archive_id = ?
        ORDER BY priority DESC, id LIMIT ?)
    RETURNING priority, id, item_id, import_id, location_id, attempts
"""

LOOK = """
    SELECT q.value, a.id FROM json_each(?) AS q, archive AS a
    WHERE EXISTS (SELECT 1 FROM job WHERE state = 'ready' AND queue = q.value AND archive_id = a.id)
    UNION ALL SELECT '', 0 WHERE EXISTS (SELECT 1 FROM job WHERE due > 0 AND due <= ?)
"""
"""(queue, archive) of which jobs are ready; an empty queue when others have become due."""

PROMOTE = "UPDATE job SET state = 'ready', due = 0 WHERE due > 0 AND due <= ?"

_GIVE_BACK = """
    UPDATE job SET state = 'ready', attempts = iif(again, 0, attempts - 1), again = 0
    WHERE id IN (SELECT value FROM json_each(?)) AND state = 'claimed' AND run = ?
    RETURNING id
"""

_TAKE_BACK = f"""
    UPDATE job SET state = iif(again OR attempts < {ATTEMPTS}, 'ready', 'dead'),
                   ended = iif(again OR attempts < {ATTEMPTS}, NULL, ?),
                   attempts = iif(again, 0, attempts), again = 0,
                   error = 'the engine ended while it was at work, ' || attempts || ' times'
    WHERE state = 'claimed' AND run != ?
    RETURNING id, state, queue, item_id, origin, error
"""  # noqa: S608 - constants


async def look(
    connection: aiosqlite.Connection, queues: Sequence[str], now: float
) -> tuple[list[tuple[str, int]], bool]:
    """(queue, archive) of these queues in which jobs are ready, and whether others have become due."""
    rows = await connection.execute_fetchall(LOOK, (json.dumps(queues), now))
    found = [(queue, archive) for queue, archive in rows]
    return [one for one in found if one[0]], ("", 0) in found


async def promote(connection: aiosqlite.Connection, now: float) -> None:
    """Jobs that wait to be tried again and are due now are ready."""
    await connection.execute(PROMOTE, (now,))


async def claim(
    connection: aiosqlite.Connection, run: int, queue: str, archive_id: int, count: int, now: float
) -> list[Claimed]:
    """Take the most urgent jobs, `count` at most, the oldest first."""
    rows = await connection.execute_fetchall(CLAIM, (run, now, queue, archive_id, count))
    return [
        Claimed(
            Job(
                id=id,
                queue=queue,
                item_id=item or None,
                import_id=import_id or None,
                location_id=location or None,
                attempt=attempts,
            ),
            archive_id,
        )
        for _, id, item, import_id, location, attempts in sorted(rows, key=lambda row: (-row[0], row[1]))
    ]


async def give_back(connection: aiosqlite.Connection, run: int, ids: Iterable[int]) -> None:
    """These were claimed and have not been tried: it does not count."""
    rows = await connection.execute_fetchall(_GIVE_BACK, (json.dumps(list(ids)), run))
    await recount(connection, [id for (id,) in rows])


async def take_back(connection: aiosqlite.Connection, run: int, now: float) -> list[tuple[str, int]]:
    """Take back what runs of the engine before `run` had claimed; (queue, id) of those that are ready again.

    The attempt counts: a job that takes the engine down with it is dead after the third.
    """
    rows = await connection.execute_fetchall(_TAKE_BACK, (now, run))
    taken = [Ended(*row) for row in rows]
    await recount(connection, [one.id for one in taken if one.state == "ready"])
    await ended(connection, taken, now)
    return [(one.queue, one.id) for one in taken if one.state == "ready"]
