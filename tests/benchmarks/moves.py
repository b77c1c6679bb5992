"""Moving an import to another location: time per file of 100,000 and of 10,000 files, and of 10,000 beside a
million items of another location."""

import json
import os
import statistics
import subprocess
import time
from contextlib import closing

from core.queue.queue_defs import QUEUES
from core.schema import DATABASE_FILE
from core.sqlite import sqlite3
from tests.benchmarks.measure import LADING, FailedRunError, run_quietly, stop
from tests.benchmarks.peers import PEERS, check
from tests.benchmarks.runner import fresh, payload_files, say
from tests.benchmarks.scale import ENTRIES, FEW, MANY, PER_FOLDER, TINY, Line
from tests.rigs.catalogs import STRANGE_FILES, STRANGE_ITEMS
from tests.rigs.trees import flat_set


def moves(folder: str, pairs: int, fraction: float) -> list[Line]:
    """Both ratios; each is the median of so many moves there and back."""
    check([PEERS["lading"]])
    few, many, strangers = (max(10, round(number * fraction)) for number in (FEW, MANY, ENTRIES))
    alone = _per_file(folder, few, pairs, 0)
    large = _per_file(folder, many, 1, 0)
    beside = _per_file(folder, few, pairs, strangers)
    return [
        Line(f"time per file, a move of {many:,} files / of {few:,}", large / alone, 1.2),
        Line(f"time per file, a move of {few:,} beside {strangers:,} items / alone", beside / alone, 1.2),
    ]


def _per_file(folder: str, count: int, pairs: int, strangers: int) -> float:
    """Seconds per file of a move, with so many strange items in the catalog."""
    source, archive, home = (fresh(os.path.join(folder, name)) for name in ("source", "archive", "home"))
    flat_set(os.fsencode(source), count, TINY, PER_FOLDER)
    strange = fresh(os.path.join(folder, "strange"))
    flat_set(os.fsencode(strange), 1, TINY + 1)
    environ = {**os.environ, "LADING_HOME": home}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for queue in QUEUES:
        run_quietly([LADING, "queues", "pause", queue.name], environ)
    for path, location in (source, "A"), (strange, "Strange"):
        run_quietly([LADING, "import", path, "--archive", archive, "--location", location, "--quiet"], environ)
    told = subprocess.run([LADING, "imports", "--json"], env=environ, check=True, capture_output=True)
    names = {one["location"]: one["id"] for one in json.loads(told.stdout)}
    name = names["A"]
    stop(environ)
    with closing(sqlite3.connect(os.path.join(home, DATABASE_FILE))) as connection, connection:
        for added in (STRANGE_ITEMS, STRANGE_FILES) if strangers else ():
            connection.execute(added, (strangers, names["Strange"]))
    seconds = list[float]()
    for turn in range(2 * pairs):
        began = time.perf_counter()
        run_quietly([LADING, "move", name, "BA"[turn % 2]], environ)
        seconds.append((time.perf_counter() - began) / count)
        say(f"{count} files beside {strangers:,}, {turn + 1}/{2 * pairs}: {seconds[-1] * count:.2f} s")
    stop(environ)
    if payload_files(archive) != count + 1:
        raise FailedRunError(f"{payload_files(archive)} of {count + 1} files are in the archive")
    return statistics.median(seconds)
