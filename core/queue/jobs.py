"""The table of jobs, as used by one run of the engine."""

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import aiosqlite
import msgspec

from core.database import Database
from core.errors import DatabaseError
from core.models import JobState
from core.paths import display
from core.queue import barriers, claims, completion, retries
from core.queue.completion import JobFailure
from core.queue.enqueue import Work, adding
from core.snapshot import JobView
from core.tasks.task import Job, Result

T = TypeVar("T")

DONE_JOBS_KEPT = 10_000
"""The most jobs in state done that are kept."""

PRUNE = 1000
"""Completed jobs between two prunings of the table."""

_PRUNE = """
    DELETE FROM job WHERE id IN (
        SELECT id FROM job WHERE state = 'done' AND ended IS NOT NULL ORDER BY ended DESC LIMIT -1 OFFSET ?)
"""

_COUNT = """
    INSERT INTO queue (name, done, failed) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET done = done + excluded.done, failed = failed + excluded.failed
"""

_SET = "INSERT INTO queue (name, {0}) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET {0} = excluded.{0}"

_PAGE = """
    SELECT j.id, j.queue, j.state,
           coalesce((SELECT f.path FROM file f WHERE f.item_id = j.item_id LIMIT 1), t.path, i.name, l.name, ''),
           j.attempts, j.error, j.due, j.ended
    FROM job AS j LEFT JOIN item AS t ON t.id = j.item_id LEFT JOIN import AS i ON i.id = j.import_id
         LEFT JOIN location AS l ON l.id = j.location_id
    WHERE j.id > ?1 AND (?2 = '' OR j.queue = ?2) AND (?3 = '' OR j.state = ?3) ORDER BY j.id LIMIT ?4
"""


class Finished(msgspec.Struct, frozen=True):
    """A job whose call has ended. `result` None: it was not tried, and is released."""

    job: Job
    result: Result | None


class Jobs:
    """Claims jobs for one run of the engine, and records their results."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.run = secrets.randbits(62) + 1
        self.changes = 0
        """Incremented by each transaction on jobs. While it stays the same, this process has changed nothing."""
        self._ended = 0

    async def add(self, works: Iterable[Work]) -> None:
        """Add jobs in a transaction of their own; the same work twice is one job."""
        await self.database.run(adding(works))

    async def take_back(self) -> list[tuple[str, int]]:
        """Release what dead runs of the engine had claimed. Returns (queue, id) of these jobs. To be called before
        the first claim."""
        await barriers.open_ended(self.database)

        async def unit(connection: aiosqlite.Connection) -> list[tuple[str, int]]:
            return await claims.take_back(connection, self.run, time.time())

        return await self.database.write(unit)

    async def look(self, queues: Sequence[str]) -> tuple[list[tuple[str, int]], bool]:
        """(queue, archive) of these queues with ready jobs, and whether delayed jobs have become due. It only
        reads."""
        rows = await self.database.read(
            claims.READY_QUEUES, (json.dumps(queues), time.time(), retries.FURTHEST_DUE)
        )
        return [(queue, archive) for queue, archive in rows if queue], ("", 0) in rows

    async def turn(
        self, finished: Sequence[Finished], then: Callable[[aiosqlite.Connection], Awaitable[T]] | None
    ) -> T | None:
        """Record the results of jobs and execute `then` in one transaction. If a job's result cannot be written,
        that is an error of the job; `then` is not executed in that case."""

        async def unit(connection: aiosqlite.Connection) -> T | None:
            await self._settle(connection, finished, time.time())
            return await then(connection) if then else None

        try:
            result = await self.database.write(unit)
        except DatabaseError:
            raise
        except Exception as error:
            if not finished:
                raise
            if len(finished) > 1:
                for one in finished:
                    await self.turn([one], None)
                return None
            refused = Result(error=f"its result cannot be written: {error}")
            if finished[0].result == refused:
                raise
            return await self.turn([Finished(finished[0].job, refused)], None)
        self.changes += 1
        return result

    async def _settle(self, connection: aiosqlite.Connection, finished: Sequence[Finished], now: float) -> None:
        done = {one.job.id: one.result for one in finished if one.result is not None and not one.result.error}
        failed = [self._failure(one.job, one.result, now) for one in finished if one.result and one.result.error]
        back = [one.job.id for one in finished if one.result is None]
        counts: dict[str, list[int]] = {}
        queues = {one.job.id: one.job.queue for one in finished}
        if done:
            ids = await completion.complete(connection, self.run, done, now)
            for sql, rows in _together([result for id, result in done.items() if id in ids]):
                await connection.executemany(sql, rows)
            for id in ids:
                counts.setdefault(queues[id], [0, 0])[0] += 1
        if failed:
            for job in await completion.fail(connection, self.run, failed, now):
                counts.setdefault(job.queue, [0, 0])[1] += 1
        await self._opened(connection, finished)
        if back:
            await claims.give_back(connection, self.run, back)
        if counts:
            await connection.executemany(_COUNT, [(queue, *count) for queue, count in counts.items()])
            await self._prune(connection, sum(count for count, _ in counts.values()))

    @staticmethod
    async def _opened(connection: aiosqlite.Connection, finished: Sequence[Finished]) -> None:
        """Record which items a queue found that cannot be opened, and delete the record of those that it could
        open after all."""
        tried = [(one.job, one.result) for one in finished if one.result and one.job.item_id]
        broken = [(job.item_id, job.queue, result.unopenable) for job, result in tried if result.unopenable]
        well = [(job.item_id, job.queue) for job, result in tried if not (result.error or result.unopenable)]
        await connection.executemany("DELETE FROM unopenable WHERE item_id = ? AND queue = ?", well)
        # The item may have been deleted meanwhile.
        await connection.executemany(
            "INSERT OR REPLACE INTO unopenable SELECT id, ?2, ?3 FROM item WHERE id = ?1", broken
        )

    @staticmethod
    def _failure(job: Job, result: Result, now: float) -> JobFailure:
        return JobFailure(job.id, display(result.error), now + retries.backoff(job.attempt), result.final)

    async def _prune(self, connection: aiosqlite.Connection, ended: int) -> None:
        self._ended += ended
        if self._ended >= PRUNE:
            self._ended = 0
            await connection.execute(_PRUNE, (DONE_JOBS_KEPT,))

    # Settings

    async def settings(self) -> dict[str, tuple[bool, int | None]]:
        """By queue that a person has changed: whether it is paused, and its slots (None: as the machine's profile
        says)."""
        rows = await self.database.read("SELECT name, paused, slots FROM queue")
        return {name: (bool(paused), slots) for name, paused, slots in rows}

    async def set_paused(self, name: str, paused: bool) -> None:
        """Store whether a queue is paused."""
        await self.database.run((_SET.format("paused"), [(name, paused)]))

    async def set_slots(self, name: str, slots: int) -> None:
        """Store the number of a queue's slots."""
        await self.database.run((_SET.format("slots"), [(name, slots)]))

    async def page(self, state: str, queue: str, after: int, count: int) -> list[JobView]:
        """Up to `count` jobs with ids beyond `after`, of one state and one queue where these are not empty."""
        rows = await self.database.read(_PAGE, (after, queue, state, count))
        return [
            JobView(
                id=id,
                queue=name,
                state=JobState(state),
                subject=display(what),
                attempts=attempts,
                error=error,
                due=due,
                ended=end,
            )
            for id, name, state, what, attempts, error, due, end in rows
        ]


def _together(results: Sequence[Result]) -> Iterator[tuple[str, list[Sequence[Any]]]]:
    """The statements of many results, where each SQL text is executed once for all results with the same texts."""
    alike: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        if result.statements:
            alike.setdefault(tuple(sql for sql, _ in result.statements), []).append(result)
    for texts, group in alike.items():
        for place, sql in enumerate(texts):
            yield sql, [row for result in group for row in result.statements[place][1]]
