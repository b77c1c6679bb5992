"""The queue thumbnail: what it publishes and writes, and what becomes of others when one goes wrong."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

import msgspec
import psutil
import pytest
from PIL import Image

from core import tools
from core.derivatives import pool
from core.derivatives.messages import Made, MakeThumbnails, Order
from core.derivatives.pool import Maker
from core.media.file_types import Kind
from core.tasks.task import Job
from core.tasks.thumbnail import Thumbnail
from tests.rigs import media
from tests.rigs.making import X264, Archive, corners, film, rows, seen_corners, shown, written

pytestmark = pytest.mark.process

HOSTILE = ("plain", "with space", 'it\'s "quoted"', "100%03d %s", "two\nlines", "-dash", "$HOME;`id`|", "é∂\udce9")


def archive(tmp_path: os.PathLike[str], name: str = "archive") -> Archive:
    return Archive(os.path.join(tmp_path, name), os.path.join(tmp_path, "scratch"))


def picture(tmp_path: os.PathLike[str], name: str = "a.jpg", size: tuple[int, int] = (900, 600)) -> str:
    path = os.path.join(tmp_path, name)
    corners(*size).save(path)
    return path


def nobody_listens(job: int, fraction: float) -> None:
    assert 0 <= fraction <= 1


async def test_publishes_three_files_and_writes_their_rows(tmp_path: os.PathLike[str]) -> None:
    held, task = archive(tmp_path), Thumbnail()
    assert task.missing() == ""
    jobs = [held.add(picture(tmp_path)), held.add(picture(tmp_path, "b.png", (300, 200)))]
    beats: list[tuple[int, float]] = []
    results = await task.run(jobs, held, lambda job, fraction: beats.append((job, fraction)))
    for job, sizes in zip(jobs, ([(900, 600), (900, 600), (600, 400)], [(300, 200)] * 3), strict=True):
        digest = f"{job.item_id:032x}"[::-1]
        found = rows(results[job.id])
        assert [row[1] for row in found] == ["1920", "800", "400"]
        assert [(row[3], row[4]) for row in found] == sizes
        for item_id, role, path, width, height, size, note in found:
            assert (item_id, note) == (job.item_id, "")
            assert path == f".lading/thumbnails/{digest[:2]}/{digest}_{role}.jpg"
            assert held.size(path) == size
            with Image.open(os.path.join(held.root, path)) as image:
                assert image.size == (width, height)
                assert seen_corners(image) == [0, 1, 2, 3]
    assert (jobs[0].id, 1.0) in beats
    assert (jobs[1].id, 1.0) in beats
    assert held.leftovers() == []
    await task.close()


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_archive_root(tmp_path: os.PathLike[str], name: str) -> None:
    held, task = archive(tmp_path, name), Thumbnail()
    clip = os.path.join(tmp_path, "clip.mp4")
    media.run(
        *("ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=2"),
        *("-pix_fmt", "yuv420p", clip),
    )
    unknown = written(os.path.join(tmp_path, "a.svg"), b"<svg/>")  # which exiftool is asked about
    jobs = [held.add(picture(tmp_path)), held.add(clip), held.add(unknown)]
    results = await task.run(jobs, held, nobody_listens)
    assert [len(rows(results[job.id])) for job in jobs] == [3, 3, 3]
    assert [(row[3], row[4]) for row in rows(results[jobs[1].id])] == [(320, 240)] * 3
    assert rows(results[jobs[2].id]) == [
        (3, role, "", 0, 0, 0, "no decoder for pictures of the kind .svg") for role in ("400", "800", "1920")
    ]
    await task.close()


async def test_what_cannot_be_made_does_not_harm_the_rest(tmp_path: os.PathLike[str]) -> None:
    held, task = archive(tmp_path), Thumbnail()
    bomb = os.path.join(tmp_path, "bomb.png")
    Image.new("1", (20_000, 20_000)).save(bomb)
    empty = written(os.path.join(tmp_path, "empty.jpg"), b"")
    jobs = [
        held.add(picture(tmp_path)),
        held.add(bomb),
        held.add(empty),
        Job(id=7, queue="thumbnail", item_id=99),
        held.add(picture(tmp_path), Kind.AUDIO),
        held.add(picture(tmp_path, "b.jpg")),
    ]
    held.lose(jobs[4])
    gone = held.add(picture(tmp_path))
    held.lose(gone)
    results = await task.run([*jobs, gone], held, nobody_listens)
    assert len(rows(results[jobs[0].id])) == 3
    assert "bomb" in results[jobs[1].id].error
    assert "250 megapixels" in results[jobs[1].id].error
    assert results[jobs[2].id].error == "the file is empty."
    assert all(results[job.id].final for job in jobs[1:4])
    assert rows(results[jobs[4].id])[0][6] == "no picture: audio"
    assert rows(results[jobs[5].id])[0][3] == 900
    assert (results[gone.id].error, results[gone.id].final) == ("No such file or directory.", False)
    await task.close()


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_maker_that_dies_or_hangs(tmp_path: os.PathLike[str], way: signal.Signals) -> None:
    held, task = archive(tmp_path), Thumbnail()
    bury = task.makers.bury
    jobs = [held.add(picture(tmp_path, f"{number}.png", (4000, 3000))) for number in range(3)]
    hit: list[int] = []

    def strike(job: int, fraction: float) -> None:
        if job == jobs[1].id and fraction >= 0.7 and not hit:
            (maker,) = task.makers.busy
            hit.append(maker.process.pid)
            os.kill(maker.process.pid, way)
            # Only for this one: how long others take is the machine's.
            task.makers.patience = 2

    def buried(maker: pool.Maker) -> "asyncio.Task[int]":
        task.makers.patience = pool.STALL_TIMEOUT
        return bury(maker)

    task.makers.bury = buried  # type: ignore[method-assign]
    results = await task.run(jobs, held, strike)
    assert [len(rows(results[job.id])) for job in (jobs[0], jobs[2])] == [3, 3]
    assert "no progress for 2 s" in results[jobs[1].id].error or "gone" in results[jobs[1].id].error
    assert not results[jobs[1].id].final
    assert not psutil.pid_exists(hit[0])
    again = await task.run([jobs[1]], held, strike)
    assert len(rows(again[jobs[1].id])) == 3
    assert held.leftovers() == []
    await task.close()


async def test_a_film_that_a_maker_dies_of_is_left_to_ffmpeg(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held, task = archive(tmp_path), Thumbnail()
    job = held.add(film(tmp_path, "a.mov", *shown(), *X264))
    programs_only: list[bool] = []
    make = task.makers.make

    async def noted(order: MakeThumbnails, step: Callable[[float], None]) -> Made:
        programs_only.append(order.programs_only)
        return await make(order, step)

    monkeypatch.setattr(task.makers, "make", noted)

    async def struck(maker: Maker, order: Order) -> None:
        if programs_only == [False]:
            # It stands still, so that it cannot have answered before it is killed.
            os.kill(maker.process.pid, signal.SIGSTOP)
        await send(maker, order)
        if programs_only == [False]:
            os.kill(maker.process.pid, signal.SIGKILL)

    send = Maker.send
    monkeypatch.setattr(Maker, "send", struck)
    result = (await task.run([job], held, nobody_listens))[job.id]
    assert "gone" in result.error
    assert not result.final
    again = (await task.run([msgspec.structs.replace(job, attempt=2)], held, nobody_listens))[job.id]
    assert [(row[3], row[4]) for row in rows(again)] == [(320, 240)] * 3
    assert programs_only == [False, True]
    await task.close()


async def test_an_archive_that_refuses(tmp_path: os.PathLike[str]) -> None:
    held, task = archive(tmp_path), Thumbnail()
    held.refuses = True
    job = held.add(picture(tmp_path))
    result = (await task.run([job], held, nobody_listens))[job.id]
    assert "it is full" in result.error
    assert not result.final
    assert held.leftovers() == []
    await task.close()


async def test_makers_are_kept_replaced_and_low_in_priority(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "ORDERS_PER_MAKER", 2)
    held, task = archive(tmp_path), Thumbnail()
    seen: list[int] = []

    def look(job: int, fraction: float) -> None:
        for maker in task.makers.busy:
            if fraction and maker.process.pid not in seen:
                seen.append(maker.process.pid)
                process = psutil.Process(maker.process.pid)
                assert process.nice() >= 15
                assert os.getpgid(process.pid) == process.pid
                if sys.platform == "linux":
                    assert process.ionice() == (psutil.IOPRIO_CLASS_BE, 7)

    jobs = [held.add(picture(tmp_path)) for _ in range(3)]
    results = await task.run(jobs, held, look)
    assert all(len(rows(results[job.id])) == 3 for job in jobs)
    assert len(seen) == 2
    await asyncio.gather(*(task.run([job], held, nobody_listens) for job in jobs))
    assert 1 <= len(task.makers.idle) <= 3  # a quick one is taken again
    await task.close()
    assert not [pid for pid in seen if psutil.pid_exists(pid)]


def test_without_the_programs_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda name, search=None: None if name == "ffmpeg" else f"/bin/{name}")
    why = Thumbnail().missing()
    assert why.startswith("ffmpeg is not installed: ")
    assert "install" in why.rpartition(":")[2]
