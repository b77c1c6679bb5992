"""How soon a command answers and the app shows its first screen, against another build; the engines are up.

Beside them the floor: a process that only imports what any command needs to ask an engine, and Textual with one
label.
"""

import os
import statistics
import sys
import time
from collections.abc import Sequence

from tests.benchmarks.measure import measure, run_quietly, stop
from tests.benchmarks.peers import BUILD, PEERS, Peer, build, check
from tests.benchmarks.report import table, verdict
from tests.benchmarks.runner import fresh, say
from tests.benchmarks.screen import SIZE, Watched
from tests.rigs.trees import flat_set
from tests.tui.app.terminal import terminal

TARGET = 0.7
STATUS, SCREEN = "lading status, s", "the app to its first screen, s"
FLOOR = "floor"
BARE_COMMAND = "import argparse, socket, core.light_start"
BARE_APP = """
from textual.app import App
from textual.widgets import Label

class Bare(App):
    def compose(self):
        yield Label("CARDS")

    def on_key(self):
        self.exit()

Bare().run()
"""

TURNS = 5
"""Starts in a row: one alone is too short for a steady time."""


def starts(folder: str, pairs: int, against: str) -> dict[str, dict[str, list[float]]]:
    """Seconds of each start, by what and by build."""
    peers = [PEERS["lading"], *([build(against)] if against else [])]
    check(peers)
    found: dict[str, dict[str, list[float]]] = {
        what: {name: [] for name in (*(peer.name for peer in peers), FLOOR)} for what in (STATUS, SCREEN)
    }
    homes = {peer.name: _home(peer, folder, number) for number, peer in enumerate(peers)}
    try:
        for turn in range(pairs):
            for peer in peers if turn % 2 else peers[::-1]:
                program, environ = homes[peer.name]
                for what, start, more in ((STATUS, status, ["status"]), (SCREEN, screen, [])):
                    found[what][peer.name] += [start([program, *more], environ) for _ in range(TURNS)]
            for what, start, code in ((STATUS, status, BARE_COMMAND), (SCREEN, screen, BARE_APP)):
                bare = [sys.executable, "-P", "-c", code]
                found[what][FLOOR] += [start(bare, dict(os.environ)) for _ in range(TURNS)]
            say(f"starts {turn + 1}/{pairs}: " + ", ".join(_said(what, found[what]) for what in found))
    finally:
        for name, (program, environ) in homes.items():
            say(f"stopping the engine of {name}")
            stop(environ, program)
    return found


Home = tuple[str, dict[str, str]]
"""The program of a build, and the environment in which its engine is found."""


def _home(peer: Peer, folder: str, number: int) -> Home:
    """Start an engine of a build, which has one import in its catalog."""
    source, archive, home = (
        fresh(os.path.join(folder, f"{name}-{number}")) for name in ("source", "archive", "home")
    )
    flat_set(os.fsencode(source), 3, 1000)
    (step,) = peer.steps(source, archive)
    environ = {**os.environ, "LADING_HOME": home, "LADING_ARCHIVE": archive}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    run_quietly(step.argv, environ)
    return step.argv[0], environ


def status(command: Sequence[str], environ: dict[str, str]) -> float:
    """Seconds of the whole command."""
    return measure(command, environ).seconds


def screen(command: Sequence[str], environ: dict[str, str]) -> float:
    """Seconds until the first screen."""
    begun = time.perf_counter()
    with terminal(*SIZE, command=command, more=environ) as shown:
        watched = Watched(shown)
        watched.start()
        watched.until(b"CARDS")
        seconds = time.perf_counter() - begun
        os.write(shown.master, b"q")
        watched.join()
    return seconds


def _medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def _said(what: str, seconds: dict[str, list[float]]) -> str:
    return f"{what}: " + " / ".join(f"{median:.3f}" for median in _medians(seconds).values())


def text(found: dict[str, dict[str, list[float]]]) -> str:
    """The medians, and the share of the other build's."""
    rows = []
    for what, seconds in found.items():
        medians = _medians(seconds)
        row = [what, *(f"{median:.3f}" for median in medians.values())]
        if BUILD in medians:
            share = medians["lading"] / medians[BUILD]
            row += [f"{share:.2f}", f"<= {TARGET}", verdict(share, TARGET)]
        rows.append(row)
    more = ["lading is", "target", ""] if any(BUILD in seconds for seconds in found.values()) else []
    return table(["", *next(iter(found.values())), *more], rows)
