"""Claims: jobs that a run of the engine has taken, and how they are released.

The functions take the writing connection, so that they are part of the caller's transaction.
"""

import json
from collections.abc import Iterable, Sequence

import aiosqlite
import msgspec

from core.models import JobState
from core.queue.completion import JOB_ATTEMPTS, ChangedJob, ended
from core.queue.enqueue import recount
from core.queue.retries import FURTHEST_DUE
from core.tasks.task import Job


class Claimed(msgspec.Struct, frozen=True):
    """A claimed job, with its archive."""

    job: Job
    archive_id: int


# The partial index job_ready returns the rows in this order, so that 100,000 waiting jobs cost nothing.
CLAIM = """
    UPDATE job SET state = 'claimed', attempts = attempts + 1, run = ?, claimed = ? WHERE id IN (
        SELECT id FROM job WHERE state = 'ready' AND queue = ? AND archive_id = ?
        ORDER BY priority DESC, id LIMIT ?)
    RETURNING priority, id, item_id, import_id, location_id, attempts
"""

READY_QUEUES = """
    SELECT q.value, a.id FROM json_each(?1) AS q, archive AS a
    WHERE EXISTS (SELECT 1 FROM job WHERE state = 'ready' AND queue = q.value AND archive_id = a.id)
    UNION ALL SELECT '', 0 WHERE EXISTS (SELECT 1 FROM job WHERE due > 0 AND due <= ?2)
    UNION ALL SELECT '', 0 WHERE EXISTS (SELECT 1 FROM job WHERE due > 0 AND due > ?2 + ?3)
"""
"""(queue, archive) with ready jobs; a row with an empty queue when delayed jobs have become due."""

PROMOTE = "UPDATE job SET state = 'ready', due = 0 WHERE due > 0 AND (due <= ?1 OR due > ?1 + ?2)"

_GIVE_BACK = """
    UPDATE job SET state = 'ready', attempts = iif(again, 0, attempts - 1), again = 0
    WHERE id IN (SELECT value FROM json_each(?)) AND state = 'claimed' AND run = ?
    RETURNING id
"""

_TAKE_BACK = f"""
    UPDATE job SET state = iif(again OR attempts < {JOB_ATTEMPTS}, 'ready', 'dead'),
                   ended = iif(again OR attempts < {JOB_ATTEMPTS}, NULL, ?),
                   attempts = iif(again, 0, attempts), again = 0,
                   error = 'the engine ended while it was at work, ' || attempts || ' times'
    WHERE state = 'claimed' AND run != ?
    RETURNING id, state, queue, item_id, origin, error
"""  # noqa: S608 - constants


async def look(
    connection: aiosqlite.Connection, queues: Sequence[str], now: float
) -> tuple[list[tuple[str, int]], bool]:
    """(queue, archive) of these queues with ready jobs, and whether delayed jobs have become due."""
    rows = await connection.execute_fetchall(READY_QUEUES, (json.dumps(queues), now, FURTHEST_DUE))
    found = [(queue, archive) for queue, archive in rows]
    return [one for one in found if one[0]], ("", 0) in found


async def promote(connection: aiosqlite.Connection, now: float) -> None:
    """Make delayed jobs that are due ready."""
    await connection.execute(PROMOTE, (now, FURTHEST_DUE))


async def claim(
    connection: aiosqlite.Connection, run: int, queue: str, archive_id: int, count: int, now: float
) -> list[Claimed]:
    """Claim up to `count` jobs by priority, then age."""
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
    """Release jobs that were claimed but not tried; this attempt does not count."""
    rows = await connection.execute_fetchall(_GIVE_BACK, (json.dumps(list(ids)), run))
    await recount(connection, [id for (id,) in rows])


async def take_back(connection: aiosqlite.Connection, run: int, now: float) -> list[tuple[str, int]]:
    """Release the jobs that earlier runs of the engine had claimed. Returns (queue, id) of those that are ready
    again.

    The attempt counts, so a job that crashes the engine is dead after JOB_ATTEMPTS attempts.
    """
    rows = await connection.execute_fetchall(_TAKE_BACK, (now, run))
    taken = [ChangedJob(*row) for row in rows]
    await recount(connection, [one.id for one in taken if one.state == JobState.READY])
    await ended(connection, taken, now)
    return [(one.queue, one.id) for one in taken if one.state == JobState.READY]
