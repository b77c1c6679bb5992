"""Copying out of `lading serve` with rclone, against the plain tree that it shows; and a report made meanwhile.

served: 10,000 files of each size by WebDAV, against rclone's copy of the plain tree; and rclone's own WebDAV
server of that tree. report: the page of an import of 10,000 files, made while another import runs.
"""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.benchmarks.background import Line
from tests.benchmarks.measure import LADING, FailedRunError, run_quietly, stop
from tests.benchmarks.peers import PEERS, beside_python, check
from tests.benchmarks.runner import fresh, say
from tests.benchmarks.sets import extent, warm
from tests.rigs.trees import flat_set

FILES = 10_000
SIZES = (40_000, 1_000_000)
TARGET, REPORT_TARGET = 0.7, 2.0
BESIDE_FILES = 40_000
"""Files of the import that runs while the report is made."""
REPORTS = 5
RCLONE = [beside_python("rclone"), "--config", os.devnull]
WITHOUT_WAITS = ["--webdav-vendor", "other", "--webdav-pacer-min-sleep", "0"]
"""rclone waits 10 ms before each request to a WebDAV server, unless it is told not to."""
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+[\w/.-]*")


def serving(folder: str, pairs: int, fraction: float) -> list[Line]:
    """All lines."""
    check([PEERS["lading"], PEERS["rclone"]])
    count = max(10, round(FILES * fraction))
    lines = [line for size in SIZES for line in _served(folder, count, size, pairs)]
    return [*lines, _report(folder, count)]


def _served(folder: str, count: int, size: int, pairs: int) -> list[Line]:
    """rclone's rate from both servers, of its rate from the plain tree, for files of one size."""
    source, archive, home, out = (fresh(os.path.join(folder, name)) for name in ("card", "archive", "home", "out"))
    say(f"{count} files of {size} bytes: making and importing them")
    flat_set(os.fsencode(source), count, size)
    environ = _environ(home)
    _import(source, archive, environ)
    stop(environ)
    seconds: dict[str, list[float]] = {"plain": [], "lading": [], "rclone": []}
    own = [*RCLONE, "serve", "webdav", source, "--addr", "127.0.0.1:0"]
    with (
        _serving([LADING, "serve", archive, "--port", "0"], environ) as ours,
        _serving(own, environ) as theirs,
    ):
        below = {"lading": f"by card/{os.path.basename(source)}", "rclone": ""}
        addresses = {"lading": ours, "rclone": theirs}
        for turn in range(pairs):
            for way in sorted(seconds, reverse=bool(turn % 2)):
                fresh(out)
                warm(source, archive)
                where = (
                    [source]
                    if way == "plain"
                    else [f":webdav:{below[way]}", "--webdav-url", addresses[way], *WITHOUT_WAITS]
                )
                began = time.perf_counter()
                run_quietly([*RCLONE, "copy", *where, out], environ)
                seconds[way].append(time.perf_counter() - began)
                if (copied := extent(out)[0]) != count:
                    raise FailedRunError(f"rclone copied {copied} of {count} files from {way}")
            said = ", ".join(f"{way} {times[-1]:.2f} s" for way, times in seconds.items())
            say(f"{turn + 1}/{pairs}: {said}")
    for path in (source, archive, out):
        shutil.rmtree(path)
    shares = {
        way: [plain / other for plain, other in zip(seconds["plain"], seconds[way], strict=True)]
        for way in ("lading", "rclone")
    }
    what = f"{count:,} files of {size / 1000:,.0f} kB, of rclone's rate from the plain tree"
    spread = f"{min(shares['lading']):.2f}-{max(shares['lading']):.2f}"
    return [
        Line(f"lading serve, {what}", statistics.median(shares["lading"]), TARGET, note=spread),
        Line(f"rclone serve webdav, {what}", statistics.median(shares["rclone"]), TARGET, note="a peer"),
    ]


def _environ(home: str) -> dict[str, str]:
    environ = {**os.environ, "LADING_HOME": home, "PYTHONUNBUFFERED": "1"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return environ


def _import(source: str, archive: str, environ: dict[str, str]) -> None:
    run_quietly([LADING, "import", source, "--archive", archive, "--location", "Bench", "--quiet"], environ)


@contextmanager
def _serving(command: list[str], environ: dict[str, str]) -> Iterator[str]:
    """The address that a server tells once it listens; it is ended with the block."""
    server = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert server.stdout is not None
    try:
        with closing(server.stdout):
            for line in server.stdout:
                if found := _ADDRESS.search(line):
                    yield found[0]
                    return
        raise FailedRunError(f"{' '.join(command)} told no address")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def _report(folder: str, count: int) -> Line:
    """The slowest of some reports of an import, each made while another import runs."""
    source, beside, archive, home = (
        fresh(os.path.join(folder, name)) for name in ("card", "beside", "archive", "home")
    )
    say(f"a report of {count} files beside an import: making the files")
    flat_set(os.fsencode(source), count, 1000)
    flat_set(os.fsencode(beside), max(1, BESIDE_FILES * count // FILES), 1001)
    environ = _environ(home)
    _import(source, archive, environ)
    told = subprocess.run([LADING, "imports", "--json"], env=environ, check=True, capture_output=True)
    (row,) = json.loads(told.stdout)
    command = [LADING, "receipt", row["id"], "--format", "html"]
    other = subprocess.Popen(
        [LADING, "import", beside, "--archive", archive, "--location", "Bench", "--quiet"],
        env=environ,
        stdout=subprocess.DEVNULL,
    )
    times = list[float]()
    try:
        for _ in range(REPORTS):
            began = time.perf_counter()
            run_quietly(command, environ)
            times.append(time.perf_counter() - began)
            if other.poll() is not None:
                raise FailedRunError("the other import ended before the reports were made")
    finally:
        other.wait()
        stop(environ)
    return Line(f"a report of {count:,} files beside an import, s", max(times), REPORT_TARGET, at_most=True)
