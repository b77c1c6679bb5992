"""Probing a film inside a maker: whatever becomes of the maker, ffprobe is asked, and nothing is left running."""

import asyncio
import errno
import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.media.metadata import unpack
from core.tasks.ffprobe import Ffprobe
from core.tasks.task import Job
from tests.core.tasks.itemrig import Files, rows, wait_until_gone
from tests.rigs.making import X264, film, shown

pytestmark = pytest.mark.process


def told(row: dict[str, Any]) -> bool:
    """Whether a row is what a maker said."""
    assert (row["codec"], row["width"], row["error"]) == ("h264", 320, None)
    return "library_versions" in json.loads(unpack(row["raw"]))


async def opened(path: Path) -> int:
    """A descriptor for writing into a pipe, once the other side has it open and waits for what comes."""
    while (pipe := _opened(path)) is None:  # noqa: ASYNC110 - no event from there
        await asyncio.sleep(0.01)
    return pipe


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:  # nobody reads yet
            raise
        return None


def maker_of(task: Ffprobe) -> psutil.Process:
    assert task.makers
    (maker,) = task.makers.busy
    return psutil.Process(maker.process.pid)


@pytest.mark.parametrize("way", ["kill", "hang"])
async def test_a_maker_that_is_lost_leaves_the_film_to_ffprobe(tmp_path: Path, way: str) -> None:
    whole = film(tmp_path, "whole.mov", *shown(), *X264)
    path = tmp_path / "a.mov"
    os.mkfifo(path)  # Opening it hangs, as a volume that is gone does.
    task, context = Ffprobe(), Files([path, whole])
    assert task.makers
    assert told(rows("probe", await Files([whole]).run(task))[0])  # so that the maker has started
    task.makers.patience = 60 if way == "kill" else 5
    probing = asyncio.create_task(context.run(task))
    pipe = await opened(path)
    maker = maker_of(task)
    os.link(whole, tmp_path / "film")
    os.replace(tmp_path / "film", path)  # What hangs in the pipe does so further.
    if way == "kill":
        maker.send_signal(signal.SIGKILL)
    lost, after = rows("probe", await probing)
    os.close(pipe)
    assert (told(lost), told(after)) == (False, True)
    assert wait_until_gone([maker])
    await task.close()


@pytest.mark.parametrize("way", ["cancel", "close"])
async def test_nothing_runs_on(tmp_path: Path, way: str) -> None:
    path = tmp_path / "a.mov"
    os.mkfifo(path)
    task = Ffprobe()
    probing = asyncio.create_task(Files([path]).run(task))
    pipe = await opened(path)
    maker = maker_of(task)
    if way == "cancel":
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
    else:
        await task.close()
        (result,) = await probing
        assert result.error == "ffprobe: it was ended."
    assert wait_until_gone([maker])
    assert wait_until_gone(psutil.Process().children(recursive=True))
    os.close(pipe)
    await task.close()


async def test_a_second_attempt_asks_ffprobe(tmp_path: Path) -> None:
    path = film(tmp_path, "a.mov", *shown(), *X264)
    task, context = Ffprobe(), Files([path])
    results = [
        (await task.run([Job(id=1, queue="ffprobe", item_id=0, attempt=attempt)], context, lambda *_: None))[1]
        for attempt in (1, 2)
    ]
    await task.close()
    assert [told(row) for result in results for row in rows("probe", [result])] == [True, False]
