"""Retries: dead jobs made ready again, with what their failure had cancelled."""

import json
from collections.abc import Sequence

import aiosqlite

from core.database import Database
from core.queue.work import recount

# The barrier that once counted it has gone on without it.
_ANEW = "state = 'waiting', attempts = 0, due = 0, ended = NULL, error = '', origin = 0"

_RETRY = f"""
    UPDATE job SET {_ANEW}
    WHERE ended IS NOT NULL AND (?1 = '' OR queue = ?1) AND (?2 IS NULL OR id IN (SELECT value FROM json_each(?2)))
    AND (state = 'dead' OR state = 'cancelled' AND NOT EXISTS (
        SELECT 1 FROM job AS p WHERE p.item_id = job.item_id AND p.queue = job.follows
        AND p.state IN ('dead', 'cancelled')))
    RETURNING id, item_id, queue
"""  # noqa: S608 - constants

_FOLLOWERS = f"""
    UPDATE job SET {_ANEW} WHERE item_id = ? AND follows = ? AND state = 'cancelled' RETURNING id, item_id, queue
"""  # noqa: S608


async def retry(database: Database, queue: str = "", ids: Sequence[int] | None = None) -> int:
    """Try dead jobs again, all of them, or those of a queue or with these ids; how many jobs that revives."""

    async def unit(connection: aiosqlite.Connection) -> int:
        given = None if ids is None else json.dumps(list(ids))
        rows = [tuple(row) for row in await connection.execute_fetchall(_RETRY, (queue, given))]
        revived: list[int] = []
        while rows:
            revived += [id for id, _, _ in rows]
            found: list[tuple[int, int, str]] = []
            for _, item, name in rows:
                if item:
                    found += [tuple(row) for row in await connection.execute_fetchall(_FOLLOWERS, (item, name))]
            rows = found
        await recount(connection, revived)
        return len(revived)

    return await database.write(unit)
