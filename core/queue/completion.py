"""Completion of jobs: done or failed, and the effect on jobs that follow them.

The functions take the writing connection, so that they are part of the caller's transaction.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import aiosqlite
import msgspec

from core.models import JobState
from core.queue import barriers
from core.queue.enqueue import recount
from core.queue.queue_defs import TELLING

JOB_ATTEMPTS = 3
"""Attempts after which a failing job is dead."""

LONGEST_ERROR = 2000
"""The most characters of an error that are stored."""


class ChangedJob(msgspec.Struct, frozen=True):
    """A job after a change of its state."""

    id: int
    state: JobState
    queue: str
    item_id: int
    origin: int
    error: str = ""


class JobFailure(msgspec.Struct, frozen=True):
    """A failed job. It is retried at `due` (Unix time), unless `final` is set or this was the last attempt."""

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

_DIES = f"NOT again AND (f.final OR attempts >= {JOB_ATTEMPTS})"

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
    """Record that these jobs have succeeded. Returns the ids of those that were still claimed by `run`."""
    rows = await connection.execute_fetchall(_COMPLETE, (now, json.dumps(list(ids)), run))
    jobs = [ChangedJob(*row) for row in rows]
    await recount(connection, [job.id for job in jobs if job.state == JobState.READY])
    await ended(connection, jobs, now)
    return {job.id for job in jobs}


async def fail(
    connection: aiosqlite.Connection, run: int, failures: Sequence[JobFailure], now: float
) -> list[ChangedJob]:
    """Record that these jobs have failed: they are delayed, or dead. Returns those that were still claimed by
    `run`."""
    given = json.dumps([(one.id, one.error[:LONGEST_ERROR], one.due, one.final) for one in failures])
    rows = await connection.execute_fetchall(_FAIL, (now, given, run))
    jobs = [ChangedJob(*row) for row in rows]
    await recount(connection, [job.id for job in jobs if job.state == JobState.READY])
    await ended(connection, jobs, now)
    return jobs


async def ended(connection: aiosqlite.Connection, jobs: Sequence[ChangedJob], now: float) -> None:
    """For those of the jobs that have ended, decrement the counters of jobs and barriers that wait for them;
    cancel jobs that require one which did not succeed, and in turn the jobs that require these."""
    told: Counter[int] = Counter()
    over = [job for job in jobs if job.state in (JobState.DONE, JobState.DEAD, JobState.CANCELLED)]
    while over:
        told.update(job.origin for job in over if job.origin and job.queue in TELLING)
        steps = [(job.item_id, job.queue, job.state == JobState.DONE) for job in over if job.item_id]
        if steps:
            await connection.executemany(_STEP, steps)
        cancelled: list[ChangedJob] = []
        for job in over:
            if job.item_id and job.state != JobState.DONE:
                reason = f"{job.queue} failed: {job.error}" if job.state == JobState.DEAD else job.error
                found = await connection.execute_fetchall(_CANCEL, (now, reason, job.item_id, job.queue))
                cancelled += [ChangedJob(*row) for row in found]
        over = cancelled
    await barriers.count_down(connection, told)
