"""When a failed job is tried again, and retry on request: dead jobs and those cancelled with them become ready,
delayed ones run at once."""

import json
import random
from collections.abc import Sequence

import aiosqlite

from core.database import Database
from core.queue.enqueue import recount

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0
"""Seconds until a failed job is retried: the first delay, which doubles with each attempt, and the longest."""

JITTER = 0.25
"""A delay is longer or shorter by up to this share of itself."""

FURTHEST_DUE = LONGEST_BACKOFF * (1 + JITTER)
"""The longest delay in seconds. A job that is due later than that got its time from a clock that was ahead."""

# origin is reset because the barrier that had counted the job does not wait for it any more.
_ANEW = "state = 'waiting', attempts = 0, due = 0, ended = NULL, error = '', origin = 0"

_RETRY = f"""
    UPDATE job SET {_ANEW}
    WHERE ended IS NOT NULL AND (?1 = '' OR queue = ?1) AND (?2 IS NULL OR id IN (SELECT value FROM json_each(?2)))
    AND (?3 = '' OR error = ?3)
    AND (state = 'dead' OR state = 'cancelled' AND NOT EXISTS (
        SELECT 1 FROM job AS p WHERE p.item_id = job.item_id AND p.queue = job.follows
        AND p.state IN ('dead', 'cancelled')))
    RETURNING id, item_id, queue
"""  # noqa: S608 - constants

_NOW = """
    UPDATE job SET state = 'ready', due = 0
    WHERE due > 0 AND (?1 = '' OR queue = ?1) AND (?2 IS NULL OR id IN (SELECT value FROM json_each(?2)))
"""

_FOLLOWERS = f"""
    UPDATE job SET {_ANEW} WHERE item_id = ? AND follows = ? AND state = 'cancelled' RETURNING id, item_id, queue
"""  # noqa: S608


def backoff(attempt: int) -> float:
    """Seconds until a job that has failed in this attempt (1, 2, …) is due again."""
    wait = min(FIRST_BACKOFF * 2.0 ** (attempt - 1), LONGEST_BACKOFF)
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311


async def retry(database: Database, queue: str = "", ids: Sequence[int] | None = None, cause: str = "") -> int:
    """Retry dead jobs, and run delayed ones at once: all, or those of a queue, or with these ids; with `cause`
    only jobs that died with this error. Returns how many jobs that concerns."""

    async def unit(connection: aiosqlite.Connection) -> int:
        given = None if ids is None else json.dumps(list(ids))
        rows = [tuple(row) for row in await connection.execute_fetchall(_RETRY, (queue, given, cause))]
        waited = 0 if cause else (await connection.execute(_NOW, (queue, given))).rowcount
        revived: list[int] = []
        while rows:
            revived += [id for id, _, _ in rows]
            found: list[tuple[int, int, str]] = []
            for _, item, name in rows:
                if item:
                    found += [tuple(row) for row in await connection.execute_fetchall(_FOLLOWERS, (item, name))]
            rows = found
        await recount(connection, revived)
        return len(revived) + max(0, waited)

    return await database.write(unit)
