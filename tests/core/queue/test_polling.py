"""What a poll costs: nothing is written while idle, and nothing is sorted or searched however many jobs wait."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from core.database import Database
from core.queue import claims, retries
from core.queue.queue_defs import QUEUES
from core.schema import DATABASE_FILE
from core.sqlite import sqlite3
from tests.core.queue.fakes import FakeTask, bench, exif, hanging

MANY = 100_000


def filled(home: Path) -> sqlite3.Connection:
    """A database with a hundred thousand jobs that wait, as many that are ready, and a few of other kinds."""

    async def make() -> None:
        database = await Database.open(str(home))
        await database.run(("INSERT INTO archive (id, uuid, path) VALUES (1, 'a', x'')", [()]))
        await database.close()

    asyncio.run(make())
    connection = sqlite3.connect(home / DATABASE_FILE)
    connection.executemany(
        "INSERT INTO job (queue, priority, archive_id, item_id, follows, remaining, state) "
        "VALUES ('thumbnail', 10, 1, ?, 'exiftool', 1, 'waiting')",
        ((item,) for item in range(MANY)),
    )
    connection.executemany(
        "INSERT INTO job (queue, priority, archive_id, item_id, state) VALUES ('exiftool', ? % 3, 1, ?1, 'ready')",
        ((item,) for item in range(MANY)),
    )
    connection.execute("UPDATE job SET state = 'done', ended = id WHERE queue = 'exiftool' AND item_id % 10 = 0")
    connection.commit()
    return connection


def steps(connection: sqlite3.Connection, sql: str, parameters: tuple[Any, ...]) -> tuple[list[str], int]:
    """The query's plan, and how many thousand steps of the virtual machine it takes."""
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
    thousands = 0

    def count() -> None:
        nonlocal thousands
        thousands += 1

    connection.set_progress_handler(count, 1000)
    connection.execute(sql, parameters).fetchall()
    connection.set_progress_handler(None, 1000)
    connection.rollback()
    return plan, thousands


def test_a_hundred_thousand_waiting_jobs_slow_no_poll(tmp_path: Path) -> None:
    connection = filled(tmp_path)
    try:
        plan, thousands = steps(connection, claims.CLAIM, (1, 0.0, "exiftool", 1, 16))
        assert any("USING INDEX job_ready" in step or "COVERING INDEX job_ready" in step for step in plan)
        assert not any("TEMP B-TREE" in step or step.startswith("SCAN job") for step in plan)
        assert thousands <= 2
        names = '["' + '", "'.join(queue.name for queue in QUEUES) + '"]'
        plan, thousands = steps(connection, claims.READY_QUEUES, (names, time.time(), retries.FURTHEST_DUE))
        assert not any(step.startswith("SCAN job") for step in plan)
        assert thousands <= 2
        plan, thousands = steps(connection, claims.PROMOTE, (time.time(), retries.FURTHEST_DUE))
        assert any("USING INDEX job_due" in step for step in plan)
        assert thousands <= 1
    finally:
        connection.close()


async def test_an_idle_loop_writes_nothing_and_reads_once_a_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = FakeTask()
    async with bench(tmp_path, task) as b:
        await b.add(exif(1))
        await b.settled()
        reads: list[str] = []
        read = b.database.read

        async def counted(sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
            reads.append(sql)
            return await read(sql, parameters)

        # Let the counting of a moment ago end.
        await b.until(lambda: b.worker.views()[0].done == 1)
        other = sqlite3.connect(tmp_path / DATABASE_FILE)
        try:
            before = other.execute("PRAGMA data_version").fetchone()
            monkeypatch.setattr(b.database, "read", counted)
            await b.until(lambda: len(reads) >= 30)
            monkeypatch.setattr(b.database, "read", read)
            assert set(reads) == {claims.READY_QUEUES}
            assert other.execute("PRAGMA data_version").fetchone() == before
        finally:
            other.close()
        assert b.archives.rests > 0


async def test_a_loop_without_free_slots_does_not_even_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = FakeTask()
    task.does = {1: hanging}
    async with bench(tmp_path, task, queues=QUEUES[:1], exiftool=1) as b:
        await b.add(exif(1, 2))
        await b.until(lambda: task.at_work)
        await b.until(lambda: b.worker.views()[0].waiting == 1)
        reads: list[str] = []
        monkeypatch.setattr(b.database, "read", lambda sql, parameters=(): reads.append(sql))
        await asyncio.sleep(0.1)
        monkeypatch.undo()
        assert reads == []


async def test_work_wakes_the_loop_before_its_next_poll(tmp_path: Path) -> None:
    task = FakeTask()
    # A poll comes once in a thousand seconds: only being woken makes this end.
    async with bench(tmp_path, task, poll_busy_ms=1_000_000, poll_idle_ms=1_000_000) as b:
        await b.add(exif(*range(1, 50)))
        await b.settled()


async def test_jobs_that_are_done_are_pruned_and_stay_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.queue.jobs.DONE_JOBS_KEPT", 10)
    monkeypatch.setattr("core.queue.jobs.PRUNE", 20)
    task = FakeTask()
    async with bench(tmp_path, task) as b:
        await b.add(exif(*range(1, 201)))
        await b.until(lambda: b.worker.views()[0].done == 200)
        ((left,),) = await b.database.read("SELECT count(*) FROM job")
        assert 10 <= left < 60
