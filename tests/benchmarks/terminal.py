"""What terminals cost an import, and how soon the engine answers and obeys them (Linux)."""

import asyncio
import glob
import json
import mmap
import os
import random
import statistics
import subprocess
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import psutil

from core.client.client import Client
from core.config import Config
from core.engine.state_lock import LOCK_FILE
from core.errors import UsageError
from core.models import ImportRequest
from core.workers.shared_memory import READ, SLOT_WORDS, SLOTS, VERIFIED, WRITTEN
from tests.benchmarks.measure import stop
from tests.benchmarks.peers import beside_python
from tests.benchmarks.report import table
from tests.benchmarks.runner import fresh, say
from tests.benchmarks.scale import Line
from tests.benchmarks.sets import warm
from tests.rigs.engines import until
from tests.rigs.sshd import Server
from tests.rigs.trees import flat_set

FILES, SIZE = 10_000, 40_000
LARGE, LARGE_SIZE = 8, 256 << 20
ANSWERS, PAUSES = 9, 20
STILL = 0.6
"""Seconds without any movement after which a pause has taken effect."""


def terminal(folder: str, pairs: int, fraction: float) -> list[Line]:
    """All of it; `fraction` makes it smaller, for trying out."""
    files = max(1, round(FILES * fraction))
    source = fresh(os.path.join(folder, "source"))
    say(f"{files} files of {SIZE} bytes: making them")
    flat_set(os.fsencode(source), files, SIZE)
    ratios: list[float] = []
    for number in range(pairs):
        order = [False, True] if number % 2 else [True, False]
        seconds = {stalled: _import(folder, source, stalled=stalled) for stalled in order}
        ratios.append(seconds[True] / seconds[False])
        say(f"pair {number + 1}: {seconds[True]:.2f} s with a stalled session, {seconds[False]:.2f} s without")
    lines = [
        Line("time with an SSH session that stalls / without, median", statistics.median(ratios), 1.05),
        *_answers(folder, source),
    ]
    lines += _pauses(folder, max(1, round(LARGE * fraction)), max(1, round(PAUSES * min(1.0, fraction * 10))))
    return lines


def _import(folder: str, source: str, *, stalled: bool) -> float:
    """Seconds from an import's start to its end, in an SSH session that takes what it is sent, or nothing."""
    archive, home, keys = (fresh(os.path.join(folder, name)) for name in ("destination", "home", "keys"))
    warm(source)
    environ = _environ(home)
    os.chmod(keys, 0o700)
    server = Server(Path(keys), Path(home))
    arguments = ["import", source, "--archive", archive, "--location", "Benchmark", "--format", "json"]
    session: subprocess.Popen[bytes] | None = None
    stopped: list[psutil.Process] = []
    try:
        until(server.answers)
        session = subprocess.Popen(
            server.command(*arguments, terminal=True), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        while True:
            time.sleep(0.5)
            if stalled and not stopped:
                # As by a network that takes nothing more: the command's terminal fills up.
                _, stopped = server.session()
                for one in stopped:
                    one.suspend()
            told = subprocess.run(
                [beside_python("lading"), "imports", "--json"], env=environ, capture_output=True, check=False
            )
            found = json.loads(told.stdout or b"[]")
            if found and found[0]["ended"]:
                began, ended = (datetime.fromisoformat(found[0][name]) for name in ("started", "ended"))
                return (ended - began).total_seconds()
    finally:
        for one in stopped:
            one.resume()
        if session is not None:
            session.communicate()
        server.end()
        stop(environ)


def _environ(home: str, **more: str) -> dict[str, str]:
    """The environment of a command; an installed program has its modules compiled."""
    return {**os.environ, "LADING_HOME": home, "PYTHONDONTWRITEBYTECODE": "", **more}


def _answers(folder: str, source: str) -> list[Line]:
    """Seconds that commands take from the shell, the engine being up."""
    archive, home = (fresh(os.path.join(folder, name)) for name in ("destination", "home"))
    environ = _environ(home, LADING_ARCHIVE=archive, LADING_LOCATION="Benchmark")

    def lading(*arguments: str) -> str:
        done = subprocess.run([beside_python("lading"), *arguments], env=environ, capture_output=True, check=True)
        return done.stdout.decode()

    lading("import", source, "--quiet")
    id = json.loads(lading("imports", "--json"))[0]["id"]
    commands = [
        *(("status",), ("status", "--json"), ("imports",), ("engine", "status"), ("queues",), ("jobs",)),
        *(("receipt", id, "--format", "json"), ("find", "DSC0000001"), ("log", "--lines", "10"), ("--help",)),
    ]
    lines: list[Line] = []
    try:
        for arguments in commands:
            times = [_first_word([beside_python("lading"), *arguments], environ) for _ in range(ANSWERS)]
            shown = " ".join(arguments).replace(id, "ID")
            lines.append(Line(f"lading {shown}, to its first word", statistics.median(times) * 1000, 300, " ms"))
    finally:
        stop(environ)
    return lines


def _first_word(command: list[str], environ: dict[str, str]) -> float:
    """Seconds from the start of a command to the first byte that it writes; what is long takes its time."""
    began = time.perf_counter()
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        first = running.stdout.read(1)
        seconds = time.perf_counter() - began
        running.stdout.read()
    if running.returncode or not first:
        raise RuntimeError(f"{' '.join(command)} ended with {running.returncode}")
    return seconds


def _pauses(folder: str, files: int, count: int) -> list[Line]:
    """Seconds from the request for a pause to the last block that a worker has counted."""
    source = fresh(os.path.join(folder, "source"))
    say(f"{files} files of {LARGE_SIZE >> 20} MiB: making them")
    flat_set(os.fsencode(source), files, LARGE_SIZE)
    times: list[float] = []
    while len(times) < count:
        archive, home = (fresh(os.path.join(folder, name)) for name in ("destination", "home"))
        times += asyncio.run(_paused(source, archive, home, count - len(times)))
        stop(_environ(home))
    fresh(source)
    return [
        Line("pause to stillness, median", statistics.median(times) * 1000, 250, " ms"),
        Line(f"pause to stillness, worst of {count}", max(times) * 1000, 250, " ms"),
    ]


async def _paused(source: str, archive: str, home: str, count: int) -> list[float]:
    client = Client(Config(home=home))
    await client.start()
    counters = Counters(home)
    times: list[float] = []
    (name,) = await client.start_imports([ImportRequest(source=source, archive=archive, location="Benchmark")])
    ended = asyncio.create_task(client.wait([name]))
    try:
        while len(times) < count and not ended.done():
            await asyncio.sleep(random.uniform(0.05, 0.4))
            if ended.done():
                break
            asked = time.perf_counter()
            looking = asyncio.create_task(asyncio.to_thread(counters.still))
            with suppress(UsageError):
                # It may be through by now.
                await client.pause_import(name)
                times.append(max(0.0, await looking - asked))
                await client.resume_import(name)
            await looking
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)
        await client.stop()
        counters.close()
    return times


class Counters:
    """The memory that an engine shares with its workers, seen from outside."""

    def __init__(self, home: str) -> None:
        with open(os.path.join(home, LOCK_FILE)) as file:
            pid = int(file.read())
        paths = glob.glob(f"/proc/{pid}/fd/*")
        shared = next(path for path in paths if os.readlink(path).startswith("/memfd:lading"))
        fd = os.open(shared, os.O_RDONLY)
        self._map = mmap.mmap(fd, SLOTS * SLOT_WORDS * 8, prot=mmap.PROT_READ)
        os.close(fd)
        self._words = memoryview(self._map).cast("Q")

    def moved(self) -> int:
        """Bytes that all workers have counted."""
        return sum(sum(self._words[word::SLOT_WORDS]) for word in (READ, WRITTEN, VERIFIED))

    def still(self) -> float:
        """When they moved last, once they have not for STILL seconds; 0 when they have not moved at all."""
        last, since, seen = 0.0, time.perf_counter(), self.moved()
        while time.perf_counter() - since < STILL:
            time.sleep(0.002)
            if (now := self.moved()) != seen:
                last = since = time.perf_counter()
                seen = now
        return last

    def close(self) -> None:
        """Let the memory go."""
        self._words.release()
        self._map.close()


def text(lines: list[Line]) -> str:
    """The table."""
    return table(["", "measured", "target", ""], [line.row() for line in lines])
