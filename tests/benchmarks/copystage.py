"""One 4 GB file in memory: does the copy stage keep up with `cp` or with SHA-256, whichever is slower?"""

import hashlib
import json
import os
import shutil
import statistics
import tempfile
import time

from tests.benchmarks.measure import Measured, measure
from tests.benchmarks.peers import PEERS, check
from tests.benchmarks.report import table, verdict
from tests.benchmarks.runner import fresh, say
from tests.benchmarks.sets import warm
from tests.rigs.trees import write_random

SIZE = 4_000_000_000
HASH_BLOCK = 64 << 20
HASH_BYTES = 1 << 30
TARGET = 0.8
STAGES = ("copy", "transfer")


def sha256_rate() -> float:
    """Bytes a second that one core hashes out of memory."""
    block, digest = os.urandom(1 << 20) * (HASH_BLOCK >> 20), hashlib.sha256()
    started = time.perf_counter()
    for _ in range(HASH_BYTES // HASH_BLOCK):
        digest.update(block)
    return HASH_BYTES / (time.perf_counter() - started)


def copy_seconds(run: Measured) -> tuple[float, str]:
    """The copy stage's own seconds from the last JSON line, else the whole run's; and which it is."""
    last = run.output.strip().rpartition(b"\n")[2]
    try:
        stages = json.loads(last).get("stages", {})
    except (ValueError, AttributeError):
        stages = {}
    for name in STAGES:
        value = stages.get(name)
        seconds = value.get("seconds") if isinstance(value, dict) else value
        if isinstance(seconds, (int, float)) and seconds > 0:
            return float(seconds), f"stage {name}"
    return run.seconds, "whole run"


def copystage(folder: str, pairs: int, fraction: float) -> dict[str, object]:
    """Rates of each round and the median of lading's rate over the slower of the two yardsticks."""
    check([PEERS["lading"], PEERS["cp"]])
    size = round(SIZE * fraction)
    source = fresh(os.path.join(folder, "source"))
    write_random(os.fsencode(os.path.join(source, "C0001.MP4")), size, 4)
    rounds: list[tuple[float, float, float]] = []
    measured = ""
    for turn in range(pairs):
        warm(source)
        archive = fresh(os.path.join(folder, "destination"))
        home = tempfile.mkdtemp(prefix="lading-bench-home-")
        run = measure(PEERS["lading"].steps(source, archive)[0].argv, home=home)
        shutil.rmtree(home)
        seconds, measured = copy_seconds(run)
        plain = measure(PEERS["cp"].steps(source, fresh(archive))[0].argv)
        rounds.append((size / seconds, size / plain.seconds, sha256_rate()))
        say(f"{turn + 1}/{pairs}: lading {seconds:.2f} s ({measured}), cp {plain.seconds:.2f} s")
        fresh(archive)
    shutil.rmtree(source)
    shutil.rmtree(os.path.join(folder, "destination"))
    lading, copy, sha256 = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(ours / min(theirs, hashing) for ours, theirs, hashing in rounds)
    return {
        "bytes": size,
        "measured": measured,
        "lading": lading,
        "cp": copy,
        "sha256": sha256,
        "ratio": ratio,
        "target": TARGET,
    }


def text(result: dict[str, object]) -> str:
    """The table."""
    rows = [[name, f"{float(str(result[name])) / 1e9:.2f} GB/s"] for name in ("lading", "cp", "sha256")]
    ratio = float(str(result["ratio"]))
    end = f"lading ({result['measured']}) / min(cp, SHA-256): {ratio:.2f}, target >= {TARGET}"
    return f"{table(['', 'median'], rows)}\n{end}: {verdict(ratio, TARGET, at_most=False)}"
