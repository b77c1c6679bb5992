"""Adds jobs to the queue's table. Jobs that need all items of an import are added by `core.queue.barriers`."""

import json
from collections.abc import Container, Iterable, Sequence
from typing import Any

import aiosqlite
import msgspec

from core.catalog import Item
from core.database import Statement
from core.models import Value
from core.queue.queue_defs import QUEUES, Queue

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


_OF_KIND: dict[str, tuple[Queue, ...]] = {
    str(kind): tuple(queue for queue in QUEUES if queue.subject == "item" and kind in queue.kinds)
    for kind in {kind for queue in QUEUES for kind in queue.kinds}
}


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
