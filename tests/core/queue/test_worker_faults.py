"""The poll loop when tasks fail, raise and hang, archives go away and the database cannot be written."""

import asyncio
import errno
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.errors import DatabaseError
from core.queue import blocked_reason, execution, retries
from core.tasks.task import Beat, Context, Job, Result
from tests.core.queue.fakes import Bench, FakeTask, badly, bench, exif, hanging, raising
from tests.rigs.stopped import stopped


async def test_what_fails_is_tried_three_times_and_then_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.queue.retries.FIRST_BACKOFF", 0.01)
    task = FakeTask()
    task.does = {1: lambda job, beat: Result(error=f"attempt {job.attempt}"), 2: badly}
    async with bench(tmp_path, task) as b:
        await b.add(exif(1, 2, 3))
        await b.settled()
        assert await b.states() == {1: "dead", 2: "dead", 3: "done"}
        assert (task.calls.count([1]), task.calls.count([2])) == (3, 1)
        dead = await b.jobs.page("dead", "exiftool", 0, 10)
        assert [(job.error, job.attempts) for job in dead] == [("attempt 3", 3), ("no good", 1)]
        await b.until(lambda: (b.worker.views()[0].failed, b.worker.views()[0].dead) == (4, 2))


async def test_the_next_try_waits_longer_each_time(tmp_path: Path) -> None:
    task = FakeTask()
    task.does = {1: lambda job, beat: Result(error="no")}
    async with bench(tmp_path, task) as b:
        before = time.time()
        await b.add(exif(1))
        await b.until(lambda: task.calls)
        await b.settled("exiftool", "waiting", "dead")
        ((due, attempts),) = await b.database.read("SELECT due, attempts FROM job")
        assert attempts > 1 or due - before >= 0.75


async def put_off(b: Bench, task: FakeTask, seconds: float) -> None:
    """A job that failed once, and was then given another time to be tried again: that many seconds from now."""
    task.does = {1: lambda job, beat: Result(error="no") if job.attempt == 1 else Result()}
    await b.worker.pause("exiftool")
    await b.add(exif(1))
    await b.database.run(
        ("UPDATE job SET state = 'waiting', attempts = 1, due = ? WHERE item_id = 1", [(time.time() + seconds,)])
    )
    await b.worker.resume("exiftool")


async def test_a_job_that_a_clock_put_off_for_longer_than_any_wait_is_due_at_once(tmp_path: Path) -> None:
    task = FakeTask()
    async with bench(tmp_path, task) as b:
        await put_off(b, task, 30 * 86_400)
        await b.until(lambda: task.calls == [[1]])
        await b.settled()
        assert await b.states() == {1: "done"}


async def test_a_job_that_waits_as_it_should_is_not_due_but_a_retry_reaches_it(tmp_path: Path) -> None:
    task = FakeTask()
    async with bench(tmp_path, task) as b:
        await put_off(b, task, retries.FURTHEST_DUE - 1)
        assert await b.jobs.look(["exiftool"]) == ([], False)
        assert await retries.retry(b.database, "thumbnail") == 0
        assert await retries.retry(b.database, ids=[999]) == 0
        assert task.calls == []
        assert await retries.retry(b.database, "exiftool") == 1
        b.worker.wake()
        await b.until(lambda: task.calls == [[1]])
        await b.settled()
        assert await b.states() == {1: "done"}


async def test_a_call_that_raises_is_tried_job_by_job(tmp_path: Path) -> None:
    task = FakeTask(together=8)
    task.does = {3: raising}
    async with bench(tmp_path, task, start=False, exiftool=1) as b:
        await b.jobs.add(exif(1, 2, 3, 4))
        await b.worker.start()
        await b.settled("exiftool", "done", "waiting")
        await b.worker.stop()
        assert task.calls[:5] == [[1, 2, 3, 4], [1], [2], [3], [4]]
        states = await b.states()
        assert states == {1: "done", 2: "done", 3: "waiting", 4: "done"}
        assert (await b.jobs.page("waiting", "", 0, 1))[0].error == "ValueError: broken"


async def test_a_job_that_gets_no_result_has_failed(tmp_path: Path) -> None:
    task = FakeTask()
    task.does = {1: lambda job, beat: None}
    async with bench(tmp_path, task) as b:
        await b.add(exif(1))
        await b.settled("exiftool", "waiting")
        assert (await b.jobs.page("", "", 0, 1))[0].error == "its task said nothing about it"


async def test_a_stuck_call_is_cancelled_and_its_jobs_tried_one_by_one(tmp_path: Path) -> None:
    task = FakeTask(together=4)
    task.limit = 0.05
    task.does = {2: hanging}
    async with bench(tmp_path, task, start=False, exiftool=1) as b:
        await b.jobs.add(exif(1, 2, 3))
        await b.worker.start()
        await b.settled("exiftool", "done", "waiting")
        await b.worker.stop()
        assert task.calls[:4] == [[1, 2, 3], [1], [2], [3]]
        assert await b.states() == {1: "done", 2: "waiting", 3: "done"}
        assert "no progress" in (await b.jobs.page("waiting", "", 0, 1))[0].error


async def test_a_call_that_beats_is_not_stuck(tmp_path: Path) -> None:
    async def slow(job: Job, beat: Beat) -> Result:
        for step in range(10):
            await asyncio.sleep(0.02)
            beat(job.id, step / 10)
        return Result()

    task = FakeTask()
    task.limit = 0.15
    task.does = {1: slow}
    async with bench(tmp_path, task) as b:
        await b.add(exif(1))
        await b.settled()
        assert await b.states() == {1: "done"}
        assert task.calls == [[1]]


async def test_a_call_is_not_stuck_because_the_machine_slept() -> None:
    class Sleeper:
        queue = "exiftool"
        together = 1

        async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> dict[int, Result]:
            await asyncio.sleep(0)
            stopped()
            await asyncio.sleep(0.01)
            return {job.id: Result() for job in jobs}

    async def present() -> bool:
        return True

    job = Job(id=1, queue="exiftool", item_id=1, import_id=None, location_id=None, attempt=1)
    sleeper: Any = Sleeper()
    nothing: Any = None
    call = execution.Execution(sleeper, [job], nothing, 30.0, present, nothing)
    (finished,) = await call.serve()
    assert finished.result == Result()


async def test_a_call_that_cannot_be_cancelled_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "CANCEL_TIMEOUT", 0.02)
    let_go = asyncio.Event()

    async def deaf(job: Job, beat: Beat) -> Result:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        return Result()

    task = FakeTask()
    task.limit = 0.02
    task.does = {1: deaf}
    async with bench(tmp_path, task, exiftool=1) as b:
        await b.add(exif(1))
        await b.settled("exiftool", "waiting")
        task.does = {}
        task.at_work.clear()
        await b.add(exif(2))
        await b.settled("exiftool", "done", "waiting")
        let_go.set()
        assert (await b.states())[2] == "done"


async def test_what_a_dead_engine_held_is_tried_one_by_one(tmp_path: Path) -> None:
    task = FakeTask(together=8)
    async with bench(tmp_path, task, start=False) as b:
        await b.jobs.add(exif(*range(1, 7)))
        await b.database.run(("UPDATE job SET state = 'claimed', attempts = 1, run = 7 WHERE item_id < ?", [(4,)]))
        await b.database.run(("UPDATE job SET attempts = 3 WHERE item_id = ?", [(1,)]))
        await b.worker.start()
        await b.settled()
        await b.worker.stop()
        assert await b.states() == {1: "dead"} | dict.fromkeys(range(2, 7), "done")
        assert [2] in task.calls
        assert [3] in task.calls
        dead = await b.jobs.page("dead", "", 0, 1)
        assert dead[0].error == "the engine ended while it was at work, 3 times"


async def test_a_full_state_folder_kills_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, as an import waits for it; what fails of itself counts once there is room."""
    free = [blocked_reason.ROOM - 1]
    monkeypatch.setattr("core.queue.blocked_reason.shutil.disk_usage", lambda _: SimpleNamespace(free=free[0]))
    monkeypatch.setattr(blocked_reason, "LOOK_AGAIN", 0.01)

    def full(job: Job, beat: Beat) -> Result:
        raise OSError(errno.ENOSPC, "No space left on device")

    task = FakeTask()
    task.does = {1: full, 2: badly}
    async with bench(tmp_path, task) as b:
        for item in (1, 2):
            free[0] = blocked_reason.ROOM - 1
            await b.add(exif(item))
            await b.until(partial(task.tried, item))
            await b.settled("exiftool", "ready", "done")
            taken = len(task.taken)
            await b.until(lambda: b.worker.views()[0].reason == blocked_reason.FULL)
            await b.add(exif(10 + item))
            assert b.worker.has_work
            assert (await b.jobs.page("dead", "", 0, 9)) == []
            assert len(task.taken) == taken, "it is not tried while there is no room"
            task.does.pop(1, None)
            free[0] = blocked_reason.ROOM
            await b.settled()
        assert await b.states() == {1: "done", 11: "done", 2: "dead", 12: "done"}
        assert await b.database.read("SELECT attempts FROM job WHERE item_id = 2") == [(1,)]


async def test_an_archive_that_is_away_kills_no_job(tmp_path: Path) -> None:
    task = FakeTask()

    async with bench(tmp_path, task) as b:

        def unplugged(job: Job, beat: Beat) -> Result:
            b.archives.away[1] = "the archive is away"
            return Result(error="no such file")

        task.does = {1: unplugged}
        await b.add([*exif(1), *exif(2, archive=2)])
        await b.until(lambda: b.archives.away)
        await b.settled("exiftool", "ready", "done")
        await b.until(lambda: b.worker.views()[0].reason == "the archive is away")
        assert await b.states() == {1: "ready", 2: "done"}
        assert await b.database.read("SELECT attempts FROM job WHERE item_id = 1") == [(0,)]
        task.does = {}
        b.archives.away.clear()
        await b.settled()


async def test_what_cannot_be_written_now_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.queue.worker.RETRY_DELAY", 0.01)
    task = FakeTask()
    async with bench(tmp_path, task) as b:
        write, refused = b.database.write, 0

        async def full(unit: Any) -> Any:
            nonlocal refused
            if task.calls and refused < 3:
                refused += 1
                raise DatabaseError("the disk is full")
            return await write(unit)

        monkeypatch.setattr(b.database, "write", full)
        await b.jobs.add(exif(1, 2, 3))
        b.worker.wake()
        await b.settled()
        assert refused == 3
        assert sorted(task.calls) == [[1], [2], [3]]


async def test_what_is_dead_is_told_by_cause_the_most_frequent_first(tmp_path: Path) -> None:
    task = FakeTask()
    causes = {1: "no room", 2: "no good", 3: "no good", 4: "no good"}
    task.does = {item: lambda job, beat: Result(error=causes[job.item_id or 0], final=True) for item in causes}
    async with bench(tmp_path, task) as b:
        await b.add(exif(1, 2, 3, 4, 5))
        await b.settled()
        await b.until(lambda: sum(group.count for group in b.worker.failures()) == 4)
        told = [(group.queue, group.cause, group.count, group.import_id) for group in b.worker.failures()]
        assert told == [("exiftool", "no good", 3, ""), ("exiftool", "no room", 1, "")]
        task.does = {}
        assert await retries.retry(b.database, "exiftool", cause="no good") == 3
        b.worker.wake()
        await b.settled()
        await b.until(lambda: [group.count for group in b.worker.failures()] == [1])
