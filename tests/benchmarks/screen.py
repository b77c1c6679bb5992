"""The app in a terminal of 120 by 40: how soon it is there, what it writes and costs, how fast it reacts."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from tests.benchmarks.measure import measure, stop
from tests.benchmarks.report import table, verdict
from tests.benchmarks.runner import fresh, say
from tests.benchmarks.sets import SETS, warm
from tests.tui.app.terminal import Terminal, terminal

SIZE = (120, 40)

LADING = os.path.join(os.path.dirname(sys.executable), "lading")

REACTIONS = 100
"""Keys pressed during imports, for the slowest in a hundred."""

PATIENCE = 60.0

TARGETS: dict[str, tuple[float, bool, str]] = {
    "first": (0.8, True, "s from Enter to the first useful screen"),
    "bytes": (8000.0, True, "bytes a second to the terminal"),
    "cpu": (0.08, True, "of a core for the app"),
    "reaction": (0.1, True, "s from key to screen, p99"),
    "throughput": (0.97, False, "of the throughput without the app"),
}
"""What is wanted of each figure, whether that is the most (else the least), and what it is."""


class Watched(threading.Thread):
    """Reads what an app writes, so that it never waits for its terminal."""

    def __init__(self, shown: Terminal) -> None:
        super().__init__(daemon=True)
        self._shown = shown
        self._news = threading.Condition()
        self._written = bytearray()

    def run(self) -> None:
        """Read until the terminal is gone."""
        while True:
            try:
                data = os.read(self._shown.master, 65536)
            except OSError:
                return
            if not data:
                return
            with self._news:
                self._written += data
                self._news.notify_all()

    @property
    def count(self) -> int:
        """Bytes written so far."""
        return len(self._written)

    def react(self, keys: bytes, text: bytes) -> float:
        """Seconds from these keys until `text` is written."""
        with self._news:
            since = len(self._written)
        begun = time.perf_counter()
        os.write(self._shown.master, keys)
        self.until(text, since)
        return time.perf_counter() - begun

    def until(self, text: bytes, since: int = 0) -> None:
        """Wait until `text` is among what was written after the first `since` bytes."""
        with self._news:
            if not self._news.wait_for(lambda: self._written.find(text, since) >= 0, PATIENCE):
                raise TimeoutError(f"{text!r} was not written: {bytes(self._written[-2000:])!r}")


class Scene:
    """One state folder with its engine, one archive, one source."""

    def __init__(self, folder: str, fraction: float) -> None:
        self.home = fresh(os.path.join(folder, "home"))
        self.archive = os.path.join(folder, "archive")
        self.source = os.path.join(folder, "source")
        SETS["photos"](os.fsencode(self.source), fraction)
        self.environ = {"LADING_HOME": self.home, "LADING_ARCHIVE": self.archive}
        self._imports = 0

    @contextmanager
    def app(self) -> Iterator[tuple[Terminal, Watched]]:
        """The app, from its first useful screen on."""
        with terminal(*SIZE, command=(LADING,), more=self.environ) as shown:
            watched = Watched(shown)
            watched.start()
            watched.until(b"CARDS")
            yield shown, watched
            os.write(shown.master, b"q")
            watched.join(PATIENCE)

    def command(self) -> list[str]:
        """An import into a new archive: where one was before, a path without one is refused."""
        self._imports += 1
        archive = fresh(f"{self.archive}-{self._imports}")
        warm(self.source)
        return [LADING, "import", self.source, "--archive", archive, "--location", "Bench", "--format", "json"]

    def during(self, work: Callable[[], None]) -> float:
        """Seconds of an import, at the beginning of which `work` begins, and is repeated until its end."""
        command = self.command()
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, env={**os.environ, **self.environ}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        while process.poll() is None:
            work()
        if process.returncode:
            raise RuntimeError(f"the import failed with {process.returncode}")
        return time.perf_counter() - begun


def screen(folder: str, pairs: int, fraction: float) -> dict[str, float]:
    """The figures of TARGETS, by name."""
    say("screen: making the files")
    scene = Scene(folder, fraction)
    subprocess.run([LADING, "imports"], env={**os.environ, **scene.environ}, check=True, capture_output=True)
    try:
        found = {"first": first(scene, pairs)}
        say(f"screen: {found}")
        found |= cost(scene, pairs)
        say(f"screen: {found}")
        found["reaction"] = reaction(scene, max(1, round(REACTIONS * min(1.0, fraction))))
        say(f"screen: {found}")
        found["throughput"] = throughput(scene, pairs)
    finally:
        stop({**os.environ, **scene.environ})
    return found


def first(scene: Scene, pairs: int) -> float:
    """Median seconds until the first screen that shows what the engine does; the engine is up."""
    seconds = []
    for _ in range(pairs):
        begun = time.perf_counter()
        with scene.app():
            seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def cost(scene: Scene, pairs: int) -> dict[str, float]:
    """Medians of what the app writes and takes during an import."""
    written, shares = [], []
    for _ in range(pairs):
        with scene.app() as (shown, watched):
            process = psutil.Process(shown.pid)
            time.sleep(1.0)
            before, cpu = watched.count, process.cpu_times()
            seconds = scene.during(lambda: time.sleep(0.05))
            after = process.cpu_times()
            written.append((watched.count - before) / seconds)
            shares.append((after.user + after.system - cpu.user - cpu.system) / seconds)
    return {"bytes": statistics.median(written), "cpu": statistics.median(shares)}


def reaction(scene: Scene, wanted: int) -> float:
    """The slowest in a hundred of the times from a key to the screen that it opens or closes."""
    seconds: list[float] = []
    with scene.app() as (_, watched):

        def press() -> None:
            seconds.append(watched.react(b"?", b"HELP, dashboard"))
            seconds.append(watched.react(b" ", b"CARDS"))

        while len(seconds) < wanted:
            scene.during(press)
    return sorted(seconds)[max(0, round(len(seconds) * 0.99) - 1)]


def throughput(scene: Scene, pairs: int) -> float:
    """The median over pairs of the seconds without the app over those with it."""
    ratios = []
    for turn in range(pairs):
        alone = 0.0
        if turn % 2:
            alone = measure(scene.command(), scene.environ).seconds
        with scene.app():
            beside = measure(scene.command(), scene.environ).seconds
        if not turn % 2:
            alone = measure(scene.command(), scene.environ).seconds
        ratios.append(alone / beside)
        say(f"screen {turn + 1}/{pairs}: {alone:.2f} s alone, {beside:.2f} s beside the app")
    return statistics.median(ratios)


def text(found: dict[str, float]) -> str:
    """The figures beside their targets."""
    rows = [
        [
            what,
            f"{found[name]:.3g}",
            f"{'<=' if at_most else '>='} {target:g}",
            verdict(found[name], target, at_most),
        ]
        for name, (target, at_most, what) in TARGETS.items()
    ]
    return table(["screen, 120 by 40", "", "target", ""], rows)
