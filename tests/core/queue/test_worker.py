"""The poll loop: slots filled, ends written, queues paused, waiting and woken."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.errors import UsageError
from core.queue import barriers, worker
from core.queue.enqueue import Work
from core.queue.jobs import Jobs
from core.queue.queue_defs import QUEUES
from core.snapshot import AtWork
from core.tasks.task import Beat, Job, Result
from tests.core.queue.fakes import FakeTask, badly, bench, exif, hanging


async def test_jobs_are_done_and_counted(tmp_path: Path) -> None:
    task = FakeTask()
    async with bench(tmp_path, task) as b:
        await b.add(exif(*range(1, 40)))
        await b.settled()
        assert set((await b.states()).values()) == {"done"}
        assert sorted(task.taken) == list(range(1, 40))
        await b.until(lambda: b.worker.views()[0].done == 39)
        view = b.worker.views()[0]
        assert (view.name, view.busy, view.waiting, view.failed, view.dead, view.reason) == (
            "exiftool",
            0,
            0,
            0,
            0,
            "",
        )
    assert task.closed


async def test_one_call_takes_many_and_all_slots_are_filled(tmp_path: Path) -> None:
    task = FakeTask(together=10)
    task.does = dict.fromkeys(range(1, 1000), hanging)
    async with bench(tmp_path, task, exiftool=3) as b:
        await b.add(exif(*range(1, 100)))
        # A call that was begun reaches its task a little later.
        await b.until(lambda: len(task.calls) == 3)
        assert b.worker.busy["exiftool"] == 3
        assert [len(ids) for ids in task.calls] == [10, 10, 10]
        # The oldest were taken, and no more than there were slots for.
        assert sorted(task.at_work) == list(range(1, 31))
        assert list((await b.states()).values()).count("claimed") == 30


async def test_few_jobs_are_spread_over_the_slots(tmp_path: Path) -> None:
    task = FakeTask(together=64)
    async with bench(tmp_path, task, start=False, exiftool=4) as b:
        await b.jobs.add(exif(*range(1, 11)))
        await b.worker.start()
        await b.settled()
        await b.worker.stop()
        assert [len(ids) for ids in task.calls] == [3, 3, 3, 1]


async def test_statements_are_written_with_the_end_of_the_job(tmp_path: Path) -> None:
    def notes(job: Job, beat: Beat) -> Result:
        sql = "INSERT INTO bag_missing (location_id, path) SELECT id, ? FROM location WHERE id = ?"
        return Result(statements=[(sql, [(b"x", job.item_id)])])

    def cannot(job: Job, beat: Beat) -> Result:
        return Result(statements=[("INSERT INTO nowhere VALUES (?)", [(1,)])])

    task = FakeTask()
    task.does = {1: notes, 2: cannot, 3: notes}
    async with bench(tmp_path, task) as b:
        await b.database.run(
            ("INSERT INTO location (id, archive_id, folder, name) VALUES (?, 1, ?, '')", [(1, "a"), (3, "b")])
        )
        await b.add(exif(1, 2, 3))
        await b.until(lambda: task.taken.count(2) >= 2)
        assert await b.database.read("SELECT location_id FROM bag_missing") == [(1,), (3,)]
        states = await b.states()
        assert (states[1], states[3]) == ("done", "done")
        page = await b.jobs.page("", "", 1, 1)
        assert "its result cannot be written: no such table: nowhere" in page[0].error


async def test_stop_cancels_calls_and_gives_back_their_jobs(tmp_path: Path) -> None:
    task = FakeTask(together=2)
    task.does = {1: hanging, 2: hanging}
    async with bench(tmp_path, task) as b:
        await b.add(exif(1, 2, 3))
        await b.until(lambda: task.at_work >= {1})
        await b.settled("exiftool", "claimed", "done")
    assert not task.at_work
    async with bench(tmp_path, task, start=False) as b:
        rows = await b.database.read("SELECT item_id, state, attempts FROM job WHERE state != 'done' ORDER BY id")
        # Not tried is no attempt.
        assert all((state, attempts) == ("ready", 0) for _, state, attempts in rows)
        assert 1 in {item for item, _, _ in rows}


async def test_followers_and_barriers(tmp_path: Path) -> None:
    tasks = [FakeTask(queue.name) for queue in QUEUES]
    by_queue = {task.queue: task for task in tasks}
    by_queue["ffprobe"].does = {1: badly}
    go_on = asyncio.Event()

    async def waits(job: Job, beat: Beat) -> Result:
        await go_on.wait()
        return Result()

    by_queue["exiftool"].does = {1: waits}
    async with bench(tmp_path, *tasks) as b:
        await b.add(
            [
                Work(queue="exiftool", priority=50, archive_id=1, item_id=1, origin=5),
                Work(queue="ffprobe", priority=50, archive_id=1, item_id=1, origin=5),
                Work(queue="thumbnail", priority=10, archive_id=1, item_id=1, origin=5, follows="exiftool"),
                Work(
                    queue="video_proxy",
                    priority=1,
                    archive_id=1,
                    item_id=1,
                    origin=5,
                    follows="ffprobe",
                    required=True,
                ),
            ]
        )
        behind = [
            Work(
                queue="location_stats",
                priority=0,
                archive_id=1,
                location_id=9,
                origin=5,
                barrier=5,
                understood=True,
            ),
            Work(queue="bagit", priority=0, archive_id=1, location_id=9, origin=5, barrier=5),
        ]
        await b.database.run(*barriers.set_up(5, behind))
        await b.settled("video_proxy")
        cancelled = await b.jobs.page("cancelled", "", 0, 1)
        assert cancelled[0].error == "ffprobe failed: no good"
        assert await b.states("bagit") == {9: "waiting"}
        await b.until(lambda: b.worker.views()[-1].reason == "an import to end")
        await barriers.open_one(b.database, 5)
        b.worker.wake()
        await b.settled("bagit")
        assert await b.states("location_stats") == {9: "waiting"}
        await b.until(lambda: b.worker.views()[-2].reason == "metadata")
        assert await b.worker.unfinished_of([5]) == {"exiftool": 1, "thumbnail": 1, "location_stats": 1}
        go_on.set()
        await b.settled("location_stats")
        await b.settled("thumbnail")
        assert await b.worker.unfinished_of([5]) == {}


async def test_pause_resume_and_slots_are_live_and_kept(tmp_path: Path) -> None:
    task = FakeTask()
    task.does = dict.fromkeys(range(1, 20), hanging)
    async with bench(tmp_path, task, exiftool=2) as b:
        await b.add(exif(*range(1, 20)))
        await b.until(lambda: len(task.at_work) == 2)
        await b.worker.resize("exiftool", 4)
        await b.until(lambda: len(task.at_work) == 4)
        await b.worker.pause("exiftool")
        await b.until(lambda: b.worker.views()[0].reason == "paused")
        assert b.worker.views()[0].slots == 4
        with pytest.raises(UsageError):
            await b.worker.pause("nothing")
        with pytest.raises(UsageError):
            await b.worker.resize("exiftool", 0)
    async with bench(tmp_path, task, exiftool=2) as b:
        assert b.worker.views()[0].paused
        assert b.worker.views()[0].slots == 4
        await asyncio.sleep(0.05)
        assert not task.at_work
        task.does = {}
        await b.worker.resume("exiftool")
        await b.settled()


async def test_a_queue_waits_for_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.queue.blocked_reason.LOOK_AGAIN", 0.02)
    task = FakeTask()
    task.lacks = "exiftool is not installed: brew install exiftool"
    async with bench(tmp_path, task) as b:
        await b.add([*exif(1), Work(queue="bagit", priority=0, archive_id=1, location_id=1, origin=3)])
        await b.until(lambda: b.worker.views()[0].reason == task.lacks)
        by_name = {view.name: view for view in b.worker.views()}
        assert by_name["bagit"].reason == "this program cannot do it"
        assert by_name["exiftool"].waiting == 1
        assert await b.worker.unfinished_of([3]) == {}
        task.lacks = ""
        await b.settled()


async def test_a_delayed_job_that_is_due_at_the_start_waits_for_what_is_missing(tmp_path: Path) -> None:
    task = FakeTask()
    task.lacks = "exiftool is not installed: brew install exiftool"
    async with bench(tmp_path, task, start=False) as b:
        await b.add(exif(1))
        await b.database.run(("UPDATE job SET state = 'waiting', attempts = 1, due = 1.0", [()]))
        await b.worker.start()
        try:
            await b.until(lambda: b.worker.views()[0].reason == task.lacks)
            await b.settled("exiftool", "ready")
            assert not task.calls
        finally:
            await b.worker.stop()


async def test_tools_are_asked_for_once_jobs_may_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.queue.throttle.ALONE", 3600.0)
    polls = 0
    look = Jobs.look

    async def counted(jobs: Jobs, queues: Sequence[str]) -> tuple[list[tuple[str, int]], bool]:
        nonlocal polls
        polls += 1
        return await look(jobs, queues)

    monkeypatch.setattr(Jobs, "look", counted)
    task = FakeTask()
    async with bench(tmp_path, task) as b:
        await b.until(lambda: polls > 1)
        b.worker.copying(100)
        await b.add(exif(1))
        before = polls
        await b.until(lambda: polls > before + 2)
        assert not task.asked
        b.worker.copying(0)
        await b.settled()
        assert task.asked


async def test_the_bag_of_a_location_is_left_for_all_imports_there(tmp_path: Path) -> None:
    """One job makes the bag anew, whichever import has added it."""
    values = "1, ?, 1, x'', x'', x'', '', '', '', 0, ''"
    async with bench(tmp_path, FakeTask("bagit"), start=False) as b:
        await b.database.run(
            ("INSERT INTO volume VALUES (1, 'uuid:1', '', '', NULL)", [()]),
            ("INSERT INTO location (id, archive_id, folder, name) VALUES (?, 1, ?, '')", [(8, "a"), (9, "b")]),
            (
                "INSERT INTO import (id, name, state, archive_id, location_id, volume_id, root, source, single, "  # noqa: S608
                f"options, machine, version, started, zone) VALUES (?, ?, 'done', {values})",
                [(3, "a", 9), (4, "b", 9), (5, "c", 8)],
            ),
        )
        await b.jobs.add([Work(queue="bagit", priority=0, archive_id=1, location_id=9, origin=3)])
        for number in (3, 4):
            assert await b.worker.unfinished_of([number]) == {"bagit": 1}
        assert await b.worker.unfinished_of([5]) == {}


async def test_more_work_while_a_job_is_at_work_is_done_once_more(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def waits(job: Job, beat: Beat) -> Result:
        await go_on.wait()
        return Result()

    task = FakeTask()
    task.does = {1: waits}
    async with bench(tmp_path, task) as b:
        await b.add(exif(1))
        await b.until(lambda: task.at_work)
        await b.add(exif(1))
        await b.add(exif(1))
        go_on.set()
        await b.until(lambda: len(task.calls) == 2)
        await b.settled()
        assert task.calls == [[1], [1]]


async def test_a_huge_batch_is_done_by_few_calls(tmp_path: Path) -> None:
    task = FakeTask(together=500)
    for item in range(1, 5001, 1000):
        task.does[item] = badly
    async with bench(tmp_path, task, exiftool=2) as b:
        await b.add(exif(*range(1, 5001)))
        await b.settled()
        assert len(task.calls) <= 20
        states = list((await b.states()).values())
        assert (states.count("done"), states.count("dead")) == (4995, 5)


async def test_what_long_calls_are_at_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LONG", 0.0)
    task = FakeTask("bagit")

    async def half(job: Job, beat: Beat) -> Result:
        beat(job.id, 0.5)
        return await hanging(job, beat)

    task.does = {1: half}
    async with bench(tmp_path, task) as b:
        named = "INSERT INTO location (id, archive_id, folder, name) VALUES (1, 1, 'basel-1', 'Basel\x1b')"
        await b.database.run((named, [()]))
        await b.add([Work(queue="bagit", priority=0, archive_id=1, location_id=1)])
        shown = (AtWork(subject="Basel\\x1b", progress=0.5),)
        await b.until(lambda: b.worker.views()[-1].at_work == shown)
