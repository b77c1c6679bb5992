"""A child process that imports, so that it can be killed: `python -m tests.rigs.importing HOME ARCHIVE SOURCE
[FURTHER ARCHIVE]`.

It resumes an unfinished import in HOME, else it starts one. SIGUSR1 pauses it; when no worker reads or writes any
more it prints `paused` and the time. SIGUSR2 prints `resumed` and the time, and resumes it.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

from core.config import Config
from core.engine.engine import Engine
from core.models import ImportRequest, State
from core.workers import shared_memory

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


async def bring_in(home: str, archive: str, source: str, *also: str) -> None:
    """Import `source`, or resume an interrupted import."""
    engine = Engine(Config(home=home))
    await engine.start()
    try:
        unfinished = await engine.catalog.imports("i.state IN (?, ?)", (State.RUNNING, State.PAUSED))
        names = [row.name for row in unfinished]
        for name in names:
            await engine.imports.resume_import(name)
        if not names:
            request = ImportRequest(source=source, archive=archive, also=also, location="Kill")
            names = await engine.imports.start_imports([request])
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()
        loop.add_signal_handler(signal.SIGUSR1, lambda: tasks.add(loop.create_task(_pause(engine, names))))
        loop.add_signal_handler(signal.SIGUSR2, lambda: tasks.add(loop.create_task(_resume(engine, names))))
        _say("running")
        await engine.imports.wait(names)
        await asyncio.gather(*tasks)
    finally:
        await engine.stop()


def _say(word: str) -> None:
    sys.stdout.write(f"{word} {time.time()}\n")
    sys.stdout.flush()


async def _pause(engine: Engine, names: list[str]) -> None:
    _say("asked")
    for name in names:
        await engine.imports.pause_import(name)
    # The workers' words are in shared memory, which cannot be waited for.
    while any(worker.slot.get(shared_memory.STATE) == shared_memory.BUSY for worker in engine.pool.busy()):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    _say("paused")


async def _resume(engine: Engine, names: list[str]) -> None:
    _say("resumed")
    for name in names:
        await engine.imports.resume_import(name)


def command(home: str, archive: str, source: str, *also: str) -> list[str]:
    """The command line of the importing process."""
    return [sys.executable, "-m", "tests.rigs.importing", home, archive, source, *also]


def child(home: str, archive: str, source: str, *also: str) -> "subprocess.Popen[bytes]":
    """Start the importing process, in its own process group."""
    paths = [ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        command(home, archive, source, *also), env=environ, cwd=ROOT, stdout=quiet, process_group=0
    )


def finish(home: str, archive: str, source: str, *also: str) -> None:
    """Import or resume, and wait for the end. Raises CalledProcessError, TimeoutExpired."""
    with child(home, archive, source, *also) as process:
        if code := process.wait(120):
            raise subprocess.CalledProcessError(code, process.args)


def kill_at(process: "subprocess.Popen[bytes]", after: float, *, everything: bool) -> list[psutil.Process]:
    """Kill -9 the process after `after` seconds, alone or with all its children. Returns its children."""
    time.sleep(after)
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    if everything:
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait(60)
    return family


def payload(archive: str) -> Iterator[tuple[str, str]]:
    """(path below its location, absolute path) of every payload file."""
    locations = os.path.join(archive, "locations")
    for location in os.listdir(locations):
        data = os.path.join(locations, location, "data")
        for folder, _, names in os.walk(data):
            for name in names:
                path = os.path.join(folder, name)
                yield os.path.relpath(path, os.path.join(locations, location)), path


if __name__ == "__main__":
    asyncio.run(bring_in(*sys.argv[1:]))
