"""Makers: nothing they run outlives a cancelled job, a stuck or killed maker, or the engine."""

import asyncio
import os
import signal
import sys

import psutil
import pytest

from core.derivatives.pool import STALL_TIMEOUT
from core.tasks.video_proxy import VideoProxy
from tests.rigs.making import X264, Archive, film, shown
from tests.rigs.stopped import stopped

pytestmark = pytest.mark.process


def long_film(tmp_path: os.PathLike[str]) -> str:
    short = film(tmp_path, "short.mp4", *shown("testsrc2=size=1280x720:rate=30:duration=3"), *X264)
    return film(tmp_path, "long.mp4", "-stream_loop", "60", "-i", short, "-c", "copy")


def family(group: int) -> list[psutil.Process]:
    """The living processes of a process group."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, ProcessLookupError):
            continue
    return found


async def empties(group: int) -> bool:
    for _ in range(600):
        if not family(group):
            return True
        await asyncio.sleep(0.1)
    return False


@pytest.mark.parametrize("way", ["cancel", "close", "hang", "kill"])
async def test_nothing_runs_on(tmp_path: os.PathLike[str], way: str) -> None:
    held, task = Archive(os.path.join(tmp_path, "a"), os.path.join(tmp_path, "scratch")), VideoProxy()
    job = held.add(long_film(tmp_path))
    moving = asyncio.Event()

    def beat(_: int, fraction: float) -> None:
        if fraction > 0:
            moving.set()
            # Only now: how long it takes to begin is the machine's.
            task.makers.patience = 4 if way == "hang" else STALL_TIMEOUT

    running = asyncio.create_task(task.run([job], held, beat))
    await moving.wait()
    (maker,) = task.makers.busy
    group = maker.process.pid
    assert len(family(group)) == 2
    if way == "cancel":
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    elif way == "close":
        await task.close()
        assert "gone" in (await running)[job.id].error
    else:
        (program,) = [process for process in family(group) if process.pid != group]
        os.kill(group if way == "kill" else program.pid, signal.SIGKILL if way == "kill" else signal.SIGSTOP)
        result = (await running)[job.id]
        assert ("no progress for 4 s" if way == "hang" else "gone") in result.error
        assert not result.final
    assert await empties(group)
    assert held.leftovers() == []
    await task.close()


async def test_no_order_fails_because_the_machine_slept(tmp_path: os.PathLike[str]) -> None:
    held, task = Archive(os.path.join(tmp_path, "a"), os.path.join(tmp_path, "scratch")), VideoProxy()
    job = held.add(film(tmp_path, "short.mp4", *shown(), *X264))

    def beat(_: int, __: float) -> None:
        # When the next answer is waited for.
        asyncio.get_running_loop().call_soon(stopped)

    assert not (await task.run([job], held, beat))[job.id].error
    await task.close()


_ENGINE = """
import asyncio, os, sys
from core.derivatives.pool import STALL_TIMEOUT
from core.tasks.video_proxy import VideoProxy
from tests.rigs.making import Archive

async def main():
    held, task = Archive(sys.argv[1], sys.argv[2]), VideoProxy()
    job = held.add(sys.argv[3])
    def beat(job, fraction):
        if fraction > 0:
            print(next(iter(task.makers.busy)).process.pid, flush=True)
    await task.run([job], held, beat)

asyncio.run(main())
"""


async def test_all_die_with_the_engine(tmp_path: os.PathLike[str]) -> None:
    arguments = (os.path.join(tmp_path, "a"), os.path.join(tmp_path, "scratch"), long_film(tmp_path))
    engine = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ENGINE, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert engine.stdout is not None
    group = int(await engine.stdout.readline())
    assert len(family(group)) == 2
    engine.kill()
    await engine.communicate()
    assert await empties(group)
