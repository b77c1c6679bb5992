"""python -m tests.benchmarks [WHAT]: one kind of benchmark, each described in its module."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict

from tests.benchmarks import (
    background,
    copies,
    copystage,
    films,
    find,
    million,
    moves,
    operations,
    report,
    runner,
    scale,
    screen,
    seed,
    serving,
    starts,
    terminal,
)
from tests.benchmarks.machine import facts
from tests.benchmarks.measure import FailedRunError
from tests.benchmarks.peers import PEERS, MissingPeerError
from tests.benchmarks.sets import SETS


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=(
            "import",
            "together",
            "slow",
            "mirror",
            "scale",
            "million",
            "moves",
            "operations",
            "starts",
            "copystage",
            "find",
            "films",
            "seed",
            "terminal",
            "background",
            "screen",
            "serving",
        ),
        default="import",
    )
    parser.add_argument(
        "--set", nargs="+", choices=SETS, default=[], help="import, together: which sets (all; photos)"
    )
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), help="import, mirror: who runs")
    parser.add_argument(
        "--against",
        default="",
        help="import, operations, starts, films: another checkout of Lading, with its .venv",
    )
    parser.add_argument("--pairs", type=int, default=5, help="rounds; odd, at least 5 for a result")
    parser.add_argument("--fraction", type=float, default=1.0, help="make everything smaller, to try it out")
    parser.add_argument("--dir", help="where sources and destinations lie (default: a fresh folder)")
    parser.add_argument("--json", action="store_true", help="results as JSON")
    return parser.parse_args()


def run(chosen: argparse.Namespace, folder: str) -> tuple[object, str]:
    """The chosen benchmark's results, as values and as text."""
    if chosen.what in ("scale", "find"):
        of = find if chosen.what == "find" else scale
        lines = find.find(folder, chosen.fraction) if of is find else scale.scale(folder, chosen.fraction)
        return [{"what": line.what, "value": line.value, "target": line.target} for line in lines], of.text(lines)
    if chosen.what == "together":
        lines = [
            line
            for name in chosen.set or ["photos"]
            for line in copies.together(os.path.join(folder, name), name, chosen.pairs, chosen.fraction)
        ]
        return [asdict(line) for line in lines], scale.text(lines)
    if chosen.what == "slow":
        lines = copies.slow(folder, chosen.pairs, chosen.fraction)
        return [asdict(line) for line in lines], scale.text(lines)
    if chosen.what == "mirror":
        lines = copies.mirror(folder, chosen.pairs, chosen.fraction, rsync="durable rsync" in chosen.only)
        return [asdict(line) for line in lines], scale.text(lines)
    if chosen.what == "million":
        lines = million.million(folder, chosen.pairs, chosen.fraction)
        return [asdict(line) for line in lines], scale.text(lines)
    if chosen.what == "moves":
        lines = moves.moves(folder, chosen.pairs, chosen.fraction)
        return [asdict(line) for line in lines], scale.text(lines)
    if chosen.what == "operations":
        counts = operations.operations(folder, chosen.fraction, chosen.against)
        return counts, operations.text(counts)
    if chosen.what == "starts":
        seconds = starts.starts(folder, chosen.pairs, chosen.against)
        return seconds, starts.text(seconds)
    if chosen.what == "terminal":
        lines = terminal.terminal(folder, chosen.pairs, chosen.fraction)
        values = [{"what": line.what, "value": line.value, "target": line.target} for line in lines]
        return values, terminal.text(lines)
    if chosen.what == "copystage":
        stage = copystage.copystage(folder, chosen.pairs, chosen.fraction)
        return stage, copystage.text(stage)
    if chosen.what == "background":
        rates = background.background(folder, chosen.pairs, chosen.fraction)
        return [asdict(line) for line in rates], background.text(rates)
    if chosen.what == "films":
        shares = films.films(folder, chosen.pairs, chosen.fraction, chosen.against)
        return [asdict(line) for line in shares], background.text(shares)
    if chosen.what == "serving":
        shares = serving.serving(folder, chosen.pairs, chosen.fraction)
        return [asdict(line) for line in shares], background.text(shares)
    if chosen.what == "seed":
        rows = seed.seed_targets(folder, chosen.fraction)
        return rows, seed.text(rows)
    if chosen.what == "screen":
        figures = screen.screen(folder, chosen.pairs, chosen.fraction)
        return figures, screen.text(figures)
    results = runner.compare(
        chosen.set or list(SETS), chosen.only, chosen.pairs, chosen.fraction, folder, chosen.against
    )
    return [report.as_json(result) for result in results], "\n\n".join(map(report.comparison, results))


def main() -> int:
    """Run one benchmark and print it; its folder goes away."""
    chosen = options()
    memory = "/dev/shm" if chosen.what == "copystage" and not chosen.dir else chosen.dir
    if memory == "/dev/shm" and not os.path.isdir(memory):
        print("copystage needs a file system in memory: give one with --dir", file=sys.stderr)
        return 2
    folder = tempfile.mkdtemp(prefix="lading-bench-", dir=memory)
    machine = facts(folder)
    try:
        values, text = run(chosen, folder)
    except (MissingPeerError, FailedRunError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if chosen.json:
        print(json.dumps({"machine": machine, "benchmark": chosen.what, "results": values}, indent=1))
    else:
        print(f"{report.facts_text(machine)}\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
