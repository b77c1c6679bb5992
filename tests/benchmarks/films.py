"""Many short films, as a phone's live photos are: how long the queues ffprobe and thumbnail take, against another
build of Lading on the same files, in turns."""

import os
import shutil
import statistics
import struct
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing

from core.queue.queue_defs import QUEUES
from core.schema import DATABASE_FILE
from core.sqlite import sqlite3
from tests.benchmarks.background import Line, Took
from tests.benchmarks.measure import LADING, Memory, processor, stop
from tests.benchmarks.peers import build, check
from tests.benchmarks.runner import fresh, say
from tests.benchmarks.sets import warm
from tests.rigs.media import run

FILMS = 500
ORIGINALS = 5
TARGET = 0.25
"""At most this share of the other build's time."""

MEASURED = ("ffprobe", "thumbnail")
POLL_INTERVAL = 0.05

_LEFT = "SELECT 1 FROM job WHERE queue IN ({}) AND state IN ('ready', 'claimed', 'waiting') LIMIT 1"


def films(folder: str, pairs: int, fraction: float, against: str) -> list[Line]:
    """The time and the processor seconds of this build, as shares of the other's; without one, the time itself."""
    count = max(2, round(FILMS * fraction))
    source = fresh(os.path.join(folder, "source"))
    say(f"{count} films: making them")
    _make(source, count)
    programs = {"this build": LADING}
    if against:
        check([build(against)])
        programs["the other"] = build(against).program
    took: dict[str, list[Took]] = {name: [] for name in programs}
    for turn in range(pairs):
        for name in list(programs)[:: -1 if turn % 2 else 1]:
            took[name].append(_once(programs[name], folder, source))
            last = took[name][-1]
            say(f"films {turn + 1}/{pairs} {name}: {last.wall:.2f} s, {last.cpu:.2f} s of processor")
    ours = took["this build"]
    rate = count / statistics.median(one.wall for one in ours)
    lines = [Line("films/s with probe and thumbnails", rate, 0, note=f"{count} films of 2 s")]
    if against:
        walls = [one.wall / other.wall for one, other in zip(ours, took["the other"], strict=True)]
        cpus = [one.cpu / other.cpu for one, other in zip(ours, took["the other"], strict=True)]
        for what, shares in (("time", walls), ("processor seconds", cpus)):
            spread = f"{min(shares):.2f}-{max(shares):.2f}"
            share = statistics.median(shares)
            lines.append(Line(f"probes and thumbnails, {what} of the other's", share, TARGET, True, spread))
    return lines


def _make(folder: str, count: int) -> None:
    """A phone's films of two seconds; each is another content by a box behind its end, which says nothing."""
    originals = []
    for number in range(ORIGINALS):
        path = os.path.join(folder, f"original {number}.mov")
        seen = f"testsrc2=size=1440x1080:rate=30:duration=2,hue=h={number * 60}"
        heard = "sine=sample_rate=44100:duration=2"
        codecs = ("-c:v", "libx264", "-preset", "veryfast", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac")
        inputs = ("-f", "lavfi", "-i", seen, "-f", "lavfi", "-i", heard)
        run("ffmpeg", "-v", "error", "-nostdin", *inputs, *codecs, path)
        with open(path, "rb") as file:
            originals.append(file.read())
        os.unlink(path)
    for number in range(count):
        with open(os.path.join(folder, f"IMG_{number:04d}.MOV"), "wb") as file:
            file.write(originals[number % ORIGINALS] + struct.pack(">I4sQ", 16, b"free", number))


def _once(program: str, folder: str, source: str) -> Took:
    """One import, and then the two queues alone, from their beginning until nothing is left."""
    home, archive = (fresh(os.path.join(folder, name)) for name in ("home", "archive"))
    environ = {**os.environ, "LADING_HOME": home}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)

    def command(*words: str) -> None:
        subprocess.run([program, *words], env=environ, check=True, stdin=subprocess.DEVNULL, capture_output=True)

    processes = Memory(home)
    try:
        for queue in QUEUES:
            if queue.name != "exiftool":
                command("queues", "pause", queue.name)
        command("import", source, "--archive", archive, "--location", "Bench", "--format", "json")
        _wait(home, ("exiftool",))
        warm(archive)
        processes.find()
        before, began = processor(processes.ours.values(), 0)[0], time.perf_counter()
        for name in MEASURED:
            command("queues", "resume", name)
        _wait(home, MEASURED)
        seconds = time.perf_counter() - began
        processes.find()
        return Took(seconds, processor(processes.ours.values(), 0)[0] - before)
    finally:
        stop(environ, program)
        shutil.rmtree(archive)


def _wait(home: str, queues: Sequence[str]) -> None:
    """Wait until these queues have nothing left to do."""
    sql = _LEFT.format(",".join("?" * len(queues)))
    with closing(sqlite3.connect(f"file:{os.path.join(home, DATABASE_FILE)}?mode=ro", uri=True)) as database:
        while database.execute(sql, queues).fetchone():
            time.sleep(POLL_INTERVAL)
