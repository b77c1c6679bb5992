"""Work to be added to the table of jobs, in one statement that a caller can write with whatever made the work."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import aiosqlite
import msgspec

from core.models import Value
from core.tasks.task import Statement

UNFINISHED = "('waiting', 'ready', 'claimed')"
"""States of jobs that are still to be done."""


class Work(Value, frozen=True, kw_only=True):
    """A job to be added, on one item, import or location; the rest as in the table `job`."""

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

# The same work is one row. While it is at work it is only marked, to be done once more; once it has ended it
# begins anew. A follower must come after the job that it follows. Not `INSERT … SELECT`, which would copy each
# row through a temporary table, because it reads the table that it writes: five times as slow.
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
    """What `ADD` is executed with."""
    return msgspec.structs.astuple(work)


def adding(works: Iterable[Work]) -> Statement:
    """The statement that adds jobs; the same work twice is one job."""
    return ADD, [parameters(work) for work in works]


async def recount(connection: aiosqlite.Connection, ids: Sequence[int]) -> None:
    """These jobs are to be done anew: they wait for the job that they follow if that is to be done, too."""
    if ids:
        await connection.execute(_RECOUNT, (json.dumps(ids),))
