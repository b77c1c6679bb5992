"""Ends of jobs: done or failed, and what that does to the jobs that wait for them.

Functions take the writing connection, so that they are part of the caller's unit.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import aiosqlite
import msgspec

from core.queue import barriers
from core.queue.kinds import TELLING
from core.queue.work import recount

ATTEMPTS = 3
"""How often a job is tried."""

LONGEST = 2000
"""Characters of an error that are kept."""


class Ended(msgspec.Struct, frozen=True):
    """A job after its state was changed."""

    id: int
    state: str
    queue: str
    item_id: int
    origin: int
    error: str = ""


class Failure(msgspec.Struct, frozen=True):
    """A job that did not succeed: tried again when `due`, unless that is `final` or was the last attempt."""

    id: int
    error: str
    due: float
    final: bool = False


_COMPLETE = """
    UPDATE job SET state = iif(again, 'ready', 'done'), ended = iif(again, NULL, ?),
                   attempts = iif(again, 0, attempts), error = '', again = 0
    WHERE id IN (SELECT value FROM json_each(?)) AND state = 'claimed' AND run = ?
    RETURNING id, state, queue, item_id, origin
"""

_DIES = f"NOT again AND (f.final OR attempts >= {ATTEMPTS})"

_FAIL = f"""
    UPDATE job SET state = CASE WHEN again THEN 'ready' WHEN {_DIES} THEN 'dead' ELSE 'waiting' END,
                   due = iif(again OR {_DIES}, 0, f.due), ended = iif({_DIES}, ?, NULL),
                   attempts = iif(again, 0, attempts), error = f.error, again = 0
    FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS error,
                 json_extract(value, '$[2]') AS due, json_extract(value, '$[3]') AS final FROM json_each(?)) AS f
    WHERE job.id = f.id AND state = 'claimed' AND run = ?
    RETURNING id, state, queue, item_id, origin, error
"""  # noqa: S608 - constants

_STEP = """
    UPDATE job SET remaining = remaining - 1, state = iif(remaining > 1 OR barrier, 'waiting', 'ready')
    WHERE item_id = ? AND follows = ? AND required <= ? AND state = 'waiting' AND remaining > 0
"""

_CANCEL = """
    UPDATE job SET state = 'cancelled', remaining = 0, ended = ?, error = ?
    WHERE item_id = ? AND follows = ? AND required AND state = 'waiting' AND remaining > 0
    RETURNING id, state, queue, item_id, origin, error
"""


async def complete(connection: aiosqlite.Connection, run: int, ids: Iterable[int], now: float) -> set[int]:
    """These jobs have succeeded; the ids of those that were still claimed by `run`."""
    rows = await connection.execute_fetchall(_COMPLETE, (now, json.dumps(list(ids)), run))
    jobs = [Ended(*row) for row in rows]
    await recount(connection, [job.id for job in jobs if job.state == "ready"])
    await ended(connection, jobs, now)
    return {job.id for job in jobs}


async def fail(connection: aiosqlite.Connection, run: int, failures: Sequence[Failure], now: float) -> list[Ended]:
    """These jobs have failed: they are tried again later, or are dead; those that were still claimed by `run`."""
    given = json.dumps([(one.id, one.error[:LONGEST], one.due, one.final) for one in failures])
    rows = await connection.execute_fetchall(_FAIL, (now, given, run))
    jobs = [Ended(*row) for row in rows]
    await recount(connection, [job.id for job in jobs if job.state == "ready"])
    await ended(connection, jobs, now)
    return jobs


async def ended(connection: aiosqlite.Connection, jobs: Sequence[Ended], now: float) -> None:
    """Take down the counters of all that wait for those of the jobs that have ended; cancel what cannot be done
    any more, and what requires that."""
    told: Counter[int] = Counter()
    over = [job for job in jobs if job.state in ("done", "dead", "cancelled")]
    while over:
        told.update(job.origin for job in over if job.origin and job.queue in TELLING)
        steps = [(job.item_id, job.queue, job.state == "done") for job in over if job.item_id]
        if steps:
            await connection.executemany(_STEP, steps)
        cancelled: list[Ended] = []
        for job in over:
            if job.item_id and job.state != "done":
                reason = f"{job.queue} failed: {job.error}" if job.state == "dead" else job.error
                found = await connection.execute_fetchall(_CANCEL, (now, reason, job.item_id, job.queue))
                cancelled += [Ended(*row) for row in found]
        over = cancelled
    await barriers.count_down(connection, told)
