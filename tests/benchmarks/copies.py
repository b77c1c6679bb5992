"""Several archives at once and mirrors, against what a careful person types with rsync. As root, on Linux.

`slow`: an import into an archive and one that takes 10 MB/s, against one into the first alone.
`together`: an import into two archives, on two loop devices of one disk, and on one of them and in memory, against
one into one archive and against rsync twice; the floor (tests.benchmarks.floor) of the same beside. `mirror`: a
mirror of an archive, and one with nothing new; with `--fraction 5` of 100,000 files; with `--only lading` without
rsync's run of several minutes.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from tests.benchmarks.measure import LADING, FailedRunError, Measured, measure, stop
from tests.benchmarks.peers import PEERS, RECHECK, check, drop_caches
from tests.benchmarks.runner import fresh, payload_files, say
from tests.benchmarks.scale import Line
from tests.benchmarks.sets import SETS, extent, warm
from tests.rigs.disks import unmount
from tests.rigs.passthrough import Switch, mounted

FILES = 20_000
"""Files of a mirrored archive."""

ROOM = 3
"""The size of a loop device over that of what is copied to it."""

ONE_COPY = {"LADING_COPIES": "1"}
"""Two loop devices lie on one disk, so that two copies there would be called KEEP, and the command fail."""

PER_FOLDER = 1000
SLOW_SHARE = 0.1
"""How much of the photos goes to the slow archive: 200 MB take 20 seconds."""

SLOW_WRITE = 0.2
"""Seconds that each write to the slow archive takes longer."""

SETTLE_TIMEOUT = 600.0
"""Seconds that an import's background work may take."""


# Several archives at once


class Loops:
    """Loop devices on one disk, of this size each. Each run gets new ones: for minutes after inodes were freed,
    ext4 looks at each of them before it takes one for a new file (tests.benchmarks.runner.MANY)."""

    def __init__(self, folder: str, size: int) -> None:
        self._folder = folder
        self._size = size
        self._made: list[tuple[str, str]] = []
        """(path, device) of those that are mounted."""

    def anew(self, count: int) -> list[str]:
        """The paths of so many empty file systems; earlier ones are gone."""
        self.close()
        return [self._mounted(number) for number in range(count)]

    def _mounted(self, number: int) -> str:
        path = tempfile.mkdtemp(prefix=f"loop{number}-", dir=self._folder)
        image = path + ".img"
        with open(image, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, self._size)
        device = _run("losetup", "--find", "--show", image).strip()
        self._made.append((path, device))
        # Without these options the kernel writes tables beside the measured command.
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", device)
        _run("mount", "-t", "ext4", device, path)
        os.sync()
        return path

    def close(self) -> None:
        """Unmount them, and free their devices and images."""
        while self._made:
            path, device = self._made.pop()
            unmount(Path(path))
            _run("losetup", "--detach", device)
            os.unlink(path + ".img")


@contextmanager
def in_memory(folder: str, size: int) -> Iterator[Callable[[], str]]:
    """A function that gives an empty tmpfs of this size."""
    path = os.path.join(folder, "memory")
    os.makedirs(path)

    def anew() -> str:
        unmount(Path(path))
        _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)
        return path

    try:
        yield anew
    finally:
        unmount(Path(path))


def together(folder: str, name: str, pairs: int, fraction: float) -> list[Line]:
    """`pairs` rounds of all ways, interleaved; the medians' ratios beside their targets."""
    check([PEERS["lading"], PEERS["durable rsync"]])
    source = os.path.join(folder, "source")
    SETS[name](os.fsencode(source), fraction)
    files, size = extent(source)
    home = os.path.join(folder, "home")
    room = ROOM * size + (256 << 20)
    runs: dict[str, list[Measured]] = {}
    loops = Loops(folder, room)
    with closing(loops), in_memory(folder, room) as memory:
        ways: dict[str, Callable[[], Measured]] = {
            "one archive": lambda: _into(source, loops.anew(1), home, files),
            "two loop devices": lambda: _into(source, loops.anew(2), home, files),
            "disk and memory": lambda: _into(source, [*loops.anew(1), memory()], home, files),
            "rsync twice": lambda: _rsync_twice(source, loops.anew(2)),
            "floor, one": lambda: _floor(source, loops.anew(1)),
            "floor, two loop devices": lambda: _floor(source, loops.anew(2)),
            "floor, disk and memory": lambda: _floor(source, [*loops.anew(1), memory()]),
        }
        _into(source, loops.anew(1), home, files)  # the programs come back into memory
        for turn in range(pairs):
            for way, run in _turned(ways, turn):
                warm(source)
                runs.setdefault(way, []).append(run())
                say(f"{name} {turn + 1}/{pairs} {way}: {runs[way][-1].seconds:.2f} s")
    return [
        Line("two loop devices of one disk / one archive", _ratio(runs, "two loop devices", "one archive"), 1.8),
        Line("a disk and memory / one archive", _ratio(runs, "disk and memory", "one archive"), 1.15),
        Line("two loop devices / rsync twice, checked", _ratio(runs, "two loop devices", "rsync twice"), 0.6),
        Line("floor's two loop devices / floor's one", _ratio(runs, "floor, two loop devices", "floor, one"), 1.8),
        Line("floor's disk and memory / floor's one", _ratio(runs, "floor, disk and memory", "floor, one"), 1.15),
        Line("engine memory", max(run.engine_rss for run in runs["two loop devices"]) / 1e6, 200, " MB"),
    ]


def _into(source: str, places: Sequence[str], home: str, files: int) -> Measured:
    """Import into an archive at each of the places."""
    archives = [os.path.join(place, "archive") for place in places]
    argv = [LADING, "import", source, "--location", "Benchmark", "--format", "json"]
    run = measure([*argv, *(text for path in archives for text in ("--archive", path))], ONE_COPY, fresh(home))
    for archive in archives:
        _arrived(payload_files(archive), files, archive)
    return run


def _floor(source: str, places: Sequence[str]) -> Measured:
    """The same bytes written, flushed and read back by a bare loop, read from the source once."""
    return measure([sys.executable, "-m", "tests.benchmarks.floor", source, *places])


def _rsync_twice(source: str, places: Sequence[str]) -> Measured:
    """What a careful person does for two copies: each copied and synced, then each compared past the cache."""
    targets = [os.path.join(place, "copy") for place in places]
    steps = [["rsync", "-a", "--fsync", f"{source}/", target] for target in targets]
    for target in targets:
        steps += [["sync"], drop_caches(), [*RECHECK, f"{source}/", f"{target}/"]]
    return _steps(steps)


def slow(folder: str, pairs: int, fraction: float) -> list[Line]:
    """`pairs` rounds of an import into one archive, and into it and one that takes 10 MB/s through FUSE. The first
    line is about the time that the first archive takes."""
    check([PEERS["lading"]])
    source, home = os.path.join(folder, "source"), os.path.join(folder, "home")
    SETS["photos"](os.fsencode(source), fraction * SLOW_SHARE)
    files, size = extent(source)
    runs: dict[str, list[float]] = {"alone": [], "beside": []}
    rates = list[float]()
    for turn in range(pairs):
        for way in sorted(runs, reverse=bool(turn % 2)):
            warm(source)
            first = tempfile.mkdtemp(prefix="first-", dir=folder)
            with tempfile.TemporaryDirectory(dir=folder) as place, mounted(Path(place)) as through:
                through.set(Switch("write", delay=SLOW_WRITE, match="staging"))
                places = [first, str(through.path)] if way == "beside" else [first]
                _into(source, places, home, files)
                took = _took(home)
            runs[way].append(took[first])
            if way == "beside":
                rates.append(size / took[str(through.path)] / 1e6)
            say(f"slow {turn + 1}/{pairs} {way}: {took[first]:.2f} s")
    ratio = statistics.median(a / b for a, b in zip(runs["beside"], runs["alone"], strict=True))
    return [
        Line("the first archive's time, beside one that is slow / alone", ratio, 1.1),
        Line("what the slow archive took", statistics.median(rates), 10.0, " MB/s"),
    ]


def _took(home: str) -> dict[str, float]:
    """The seconds from begin to end of the newest import into the archive at each place."""
    told = json.loads(_run(LADING, "imports", "--json", env={**os.environ, "LADING_HOME": home}))
    stop({**os.environ, "LADING_HOME": home})
    return {
        os.path.dirname(one["archive"]): (
            datetime.fromisoformat(one["ended"]) - datetime.fromisoformat(one["started"])
        ).total_seconds()
        for one in told
    }


# Mirrors


def mirror(folder: str, pairs: int, fraction: float, *, rsync: bool) -> list[Line]:
    """`pairs` rounds of a mirror into an empty folder and of one with nothing new, each beside rsync; without
    `rsync` only the second is compared."""
    check([PEERS["lading"], PEERS["durable rsync"]])
    count = max(1, round(FILES * fraction))
    archive, home = _archive(folder, count)
    like = os.path.join(folder, "like")
    _run("cp", "-a", archive, like)
    files = extent(archive)[0]
    runs: dict[str, list[Measured]] = {}
    for turn in range(pairs):
        copy = tempfile.mkdtemp(prefix="mirror-", dir=folder)
        ways: dict[str, Callable[[], Measured]] = {"mirror": lambda to=copy: _mirror(archive, to, home)}  # type: ignore[misc]
        if rsync:
            ways["rsync"] = lambda: _rsync(archive, tempfile.mkdtemp(prefix="rsync-", dir=folder))
        for way, run in [
            *_turned(ways, turn),
            ("nothing new", lambda to=copy: _mirror(archive, to, home)),  # type: ignore[misc]
            ("rsync -an", lambda: _steps([["rsync", "-an", f"{archive}/", like]])),
        ]:
            warm(archive)
            os.sync()
            runs.setdefault(way, []).append(run())
            say(f"{count} files {turn + 1}/{pairs} {way}: {runs[way][-1].seconds:.2f} s")
        _arrived(extent(copy)[0], files, copy)
    memory = max(run.engine_rss for run in [*runs["mirror"], *runs["nothing new"]]) / 1e6
    lines = (
        [Line("mirror / rsync -a --fsync, cold --checksum", _ratio(runs, "mirror", "rsync"), 0.8)] if rsync else []
    )
    return [
        *lines,
        Line("nothing new / rsync -an", _ratio(runs, "nothing new", "rsync -an"), 0.2),
        Line(f"engine memory, {count} files", memory, 200, " MB"),
    ]


def _archive(folder: str, count: int) -> tuple[str, str]:
    """An archive of so many small files with its bag, and the state folder; nothing is left to do for it."""
    source, archive, home = (fresh(os.path.join(folder, name)) for name in ("source", "archive", "home"))
    say(f"{count} files: making them")
    for number in range(count):
        if number % PER_FOLDER == 0:
            os.mkdir(f"{source}/{number // PER_FOLDER:05d}")
        # Files without an extension get no background work.
        Path(f"{source}/{number // PER_FOLDER:05d}/{number:07d}").write_bytes(b"%07d" % number * 36)
    os.rmdir(archive)
    environ = {**os.environ, "LADING_HOME": home}
    argv = [LADING, "import", source, "--archive", archive, "--location", "Benchmark", "--format", "json"]
    _run(*argv, env=environ)
    until = time.monotonic() + SETTLE_TIMEOUT
    while not list(Path(archive).glob("locations/*/lading/*.html")) or any(
        one["waiting"] + one["busy"] for one in json.loads(_run(LADING, "queues", "--json", env=environ))
    ):
        if time.monotonic() > until:
            raise FailedRunError("the background work of the import does not end")
        time.sleep(1)
    stop(environ)
    return archive, home


def _mirror(archive: str, copy: str, home: str) -> Measured:
    return measure([LADING, "mirror", archive, copy, "--json"], home=home)


def _rsync(archive: str, copy: str) -> Measured:
    ends = [f"{archive}/", f"{copy}/"]
    return _steps([["rsync", "-a", "--fsync", *ends], ["sync"], drop_caches(), [*RECHECK, *ends]])


# Both


def _steps(steps: Sequence[Sequence[str]]) -> Measured:
    """Commands one after the other, as one run."""
    total = measure(steps[0])
    for step in steps[1:]:
        done = measure(step)
        if list(step[: len(RECHECK)]) == RECHECK and done.output:
            raise FailedRunError(f"rsync found differences: {done.output[:500]!r}")
        total += done
    return total


def _turned(ways: Mapping[str, Callable[[], Measured]], turn: int) -> list[tuple[str, Callable[[], Measured]]]:
    """The ways in an order that changes by one place each turn."""
    found = list(ways.items())
    shift = turn % len(found)
    return [*found[shift:], *found[:shift]]


def _ratio(runs: Mapping[str, Sequence[Measured]], one: str, other: str) -> float:
    """The median of the rounds' ratios of wall seconds."""
    return statistics.median(a.seconds / b.seconds for a, b in zip(runs[one], runs[other], strict=True))


def _arrived(found: int, wanted: int, where: str) -> None:
    if found < wanted:
        raise FailedRunError(f"{found} of {wanted} files are in {where}")


def _run(*argv: str, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise FailedRunError(f"{' '.join(argv)}\nfailed with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout
