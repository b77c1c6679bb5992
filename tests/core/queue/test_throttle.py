"""What copies leave of the processor, and who gets it."""

from collections import Counter
from pathlib import Path

import pytest

from core.queue import queue_defs
from core.queue.queue_defs import QUEUES
from core.queue.throttle import ALONE, Throttle
from tests.core.queue.fakes import FakeTask, bench, exif, profile


class Clock:
    """A clock that a test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def sharing(cores: int = 8) -> tuple[Throttle, Clock]:
    clock = Clock()
    return Throttle(QUEUES, queue_defs.slots(profile()), cores, 1800.0, clock), clock


def test_without_copies_every_queue_has_its_slots() -> None:
    shares, _ = sharing()
    numbers = queue_defs.slots(profile())
    assert {queue.name: shares.free(queue.name, {}) for queue in QUEUES} == numbers
    assert shares.free("exiftool", {"exiftool": numbers["exiftool"] + 3}) == 0


def test_while_copies_run_the_queues_share_what_is_left() -> None:
    shares, _ = sharing(cores=8)
    shares.copying(6)
    busy: Counter[str] = Counter()
    assert shares.free("exiftool", busy) == 2
    busy["exiftool"] = 1
    assert shares.free("thumbnail", busy) == 1
    busy["thumbnail"] = 1
    assert shares.free("exiftool", busy) == shares.free("ffprobe", busy) == 0
    # What is seldom and light does not wait for that.
    assert shares.free("bagit", busy) > 0


def test_copies_leave_at_least_one() -> None:
    shares, clock = sharing(cores=2)
    shares.copying(12)
    assert shares.free("exiftool", {}) == 0, "at first they have all of it"
    clock.now = ALONE
    assert shares.free("exiftool", {}) == 1
    assert shares.free("thumbnail", {"exiftool": 1}) == 0


def test_where_nothing_is_left_calls_are_few_and_short() -> None:
    shares, clock = sharing(cores=2)
    shares.ended("exiftool", 5.0)
    assert (shares.free("exiftool", {}), shares.together(128)) == (shares.slots["exiftool"], 128)
    shares.copying(1)
    assert (shares.free("exiftool", {}), shares.together(128)) == (1, 128)
    shares.copying(2)
    assert (shares.free("thumbnail", {}), shares.together(128), shares.together(1)) == (0, 16, 1)
    # What is seldom and light does not wait for that, nor does it make others wait.
    assert shares.free("bagit", {}) > 0
    clock.now = 20.0
    assert shares.free("thumbnail", {}) == 1
    shares.ended("bagit", 5.0)
    assert shares.free("thumbnail", {}) == 1
    shares.ended("exiftool", 1.0)
    assert shares.free("thumbnail", {}) == 0
    shares.copying(0)
    assert shares.free("thumbnail", {}) == shares.slots["thumbnail"]


def test_proxies_wait_for_copies_but_not_for_ever() -> None:
    shares, clock = sharing()
    shares.copying(1)
    assert shares.free("video_proxy", {}) == 0
    assert shares.holds("video_proxy")
    clock.now = 1799
    assert shares.free("video_proxy", {}) == 0
    clock.now = 1800
    assert shares.free("video_proxy", {"exiftool": 8}) == 1
    assert shares.free("video_proxy", {"video_proxy": 1}) == 0
    shares.copying(0)
    shares.copying(1)
    assert shares.free("video_proxy", {}) == 0


def test_a_paused_queue_has_no_slot() -> None:
    shares, _ = sharing()
    shares.paused.add("exiftool")
    assert shares.free("exiftool", {}) == 0


async def test_the_worker_keeps_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.queue.throttle.ALONE", 0.1)
    tasks = [FakeTask("exiftool"), FakeTask("video_proxy")]
    async with bench(tmp_path, *tasks) as b:
        b.worker.copying(100)
        await b.add([*exif(*range(1, 30)), *exif(1, queue="video_proxy", priority=1)])
        await b.settled("exiftool")
        assert tasks[0].most == 1
        await b.until(lambda: {view.name: view.reason for view in b.worker.views()}["video_proxy"])
        assert {view.name: view.reason for view in b.worker.views()}["video_proxy"] == "copies come first"
        assert tasks[1].calls == []
        b.worker.copying(0)
        await b.settled("video_proxy")


async def test_archives_are_looked_for_while_the_queues_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.queue.throttle.ALONE", 3600.0)
    task = FakeTask("exiftool")
    async with bench(tmp_path, task) as b:
        b.worker.copying(100)
        await b.add(exif(1))
        await b.until(lambda: b.archives.asked)
        assert task.calls == []
        b.worker.copying(0)
        await b.settled("exiftool")


def test_the_rest_after_a_slow_call_has_an_end() -> None:
    shares, clock = sharing(cores=2)
    shares.copying(2)
    shares.ended("thumbnail", 600.0)
    clock.now = 59.0
    assert shares.free("exiftool", {}) == 0
    clock.now = 61.0
    assert shares.free("exiftool", {}) == 1
