"""What a million costs: an import beside a million archived items, and an import of a million tiny files.

The catalog of the million items has no statistics, as one that was rebuilt, or whose engine was killed.
"""

import os
import shutil
import statistics
from contextlib import closing

from core.queue.queue_defs import QUEUES
from core.schema import DATABASE_FILE
from core.sqlite import sqlite3
from tests.benchmarks.measure import Measured, measure, run_quietly, stop
from tests.benchmarks.peers import PEERS, check
from tests.benchmarks.runner import fresh, payload_files, say
from tests.benchmarks.scale import ENTRIES, Line, import_tiny
from tests.benchmarks.sets import warm
from tests.rigs.catalogs import STRANGE_FILES, STRANGE_ITEMS
from tests.rigs.trees import flat_set

FILES, SIZE = 10_000, 40_000
PLACE = "place"


def million(folder: str, pairs: int, fraction: float) -> list[Line]:
    """All lines."""
    check([PEERS["lading"]])
    return [*beside(folder, pairs, fraction), *tiny(folder, fraction)]


def beside(folder: str, pairs: int, fraction: float) -> list[Line]:
    """An import into an archive of a million items, against one into an archive of one item."""
    files, items = (max(1, round(number * fraction)) for number in (FILES, ENTRIES))
    source = fresh(os.path.join(folder, "source"))
    say(f"{files} files of {SIZE} bytes, and a catalog of {items:,} items: making them")
    flat_set(os.fsencode(source), files, SIZE)
    kept = {count: _archive(folder, count) for count in (0, items)}
    runs: dict[int, list[Measured]] = {count: [] for count in kept}
    for turn in range(pairs):
        for count in kept if turn % 2 else reversed(kept):
            runs[count].append(_import(folder, source, files, kept[count]))
        said = ", ".join(f"{runs[count][-1].seconds:.2f} s beside {count:,}" for count in kept)
        say(f"million {turn + 1}/{pairs}: {said}")
    both = list(zip(runs[0], runs[items], strict=True))
    time = statistics.median(many.seconds / one.seconds for one, many in both)
    processor = statistics.median(many.cpu_seconds / one.cpu_seconds for one, many in both)
    what = f"import beside {items:,} items / beside one"
    return [Line(f"time, {what}", time, 1.1), Line(f"processor seconds, {what}", processor, 1.1)]


def _archive(folder: str, items: int) -> str:
    """A folder with an archive, which one file was imported into, and its state folder, whose catalog has so many
    more items and files of earlier imports."""
    place = fresh(os.path.join(folder, PLACE))
    first = os.path.join(folder, "first")
    if not os.path.isdir(first):
        flat_set(os.fsencode(first), 1, SIZE - 1)
    _run_in(place, first)
    database = os.path.join(place, "home", DATABASE_FILE)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        ((name,),) = connection.execute("SELECT name FROM import").fetchall()
        connection.execute("BEGIN")
        connection.execute(STRANGE_ITEMS, (items, name))
        connection.execute(STRANGE_FILES, (items, name))
        for (table_,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE name GLOB 'sqlite_stat*'"
        ).fetchall():
            connection.execute(f"DELETE FROM {table_}")  # noqa: S608 - a name of SQLite's
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = f"{place}-{items}"
    os.rename(place, kept)
    return kept


def _run_in(place: str, source: str) -> Measured:
    """Import into the archive of a folder, with its state folder and without background work."""
    archive, home = (os.path.join(place, name) for name in ("archive", "home"))
    for path in (archive, home):
        os.makedirs(path, exist_ok=True)
    (step,) = PEERS["lading"].steps(source, archive)
    environ = {**os.environ, "LADING_HOME": home}
    for queue in QUEUES:
        run_quietly([step.argv[0], "queues", "pause", queue.name], environ)
    stop(environ, step.argv[0])
    return measure(step.argv, home=home)


def _import(folder: str, source: str, files: int, kept: str) -> Measured:
    """Import into a copy of a kept archive, at the place where it was made: there it is no second copy of it."""
    place = os.path.join(folder, PLACE)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(kept, place)
    os.sync()
    warm(source, os.path.join(place, "home"))
    run = _run_in(place, source)
    arrived = payload_files(os.path.join(place, "archive"))
    if arrived != files + 1:
        raise RuntimeError(f"{arrived - 1} of {files} files arrived")
    return run


def tiny(folder: str, fraction: float) -> list[Line]:
    """The memory that a million tiny files take."""
    count = max(1, round(ENTRIES * fraction))
    run, catalog = import_tiny(count, folder)
    return [
        Line(f"engine memory, {count:,} tiny files", run.engine_rss / 1e6, 250, " MB"),
        Line(f"largest worker, {count:,} tiny files", run.worker_rss / 1e6, 40, " MB"),
        Line("catalog per file", catalog / count, 1000, " B"),
    ]
