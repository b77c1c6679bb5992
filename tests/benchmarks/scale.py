"""Does it stay as fast and as small with ten times the files, and with a million entries?"""

import os
from dataclasses import dataclass

from tests.benchmarks.measure import Measured, measure
from tests.benchmarks.peers import PEERS, beside_python, check
from tests.benchmarks.report import table, verdict
from tests.benchmarks.runner import fresh, payload_files, say
from tests.rigs.trees import flat_set

TINY = 256
PER_FOLDER = 1000
FEW, MANY, ENTRIES = 10_000, 100_000, 1_000_000
SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Line:
    """One measured value beside its target."""

    what: str
    value: float
    target: float
    unit: str = ""

    def row(self) -> list[str]:
        """The line as it is printed."""
        limit = f"<= {self.target:g}{self.unit}"
        return [self.what, f"{self.value:.2f}{self.unit}", limit, verdict(self.value, self.target)]


def catalog_bytes(home: str) -> int:
    """The size of every SQLite database in the state folder, with what still lies in its log."""
    size = 0
    for folder, _, names in os.walk(home):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                if file.read(len(SQLITE)) != SQLITE:
                    continue
            size += os.path.getsize(path)
            size += os.path.getsize(path + "-wal") if os.path.exists(path + "-wal") else 0
    return size


def import_tiny(count: int, folder: str) -> tuple[Measured, int]:
    """Import so many tiny files; the run, and the bytes of the catalog."""
    source = fresh(os.path.join(folder, "source"))
    say(f"{count} tiny files: making them")
    flat_set(os.fsencode(source), count, TINY, PER_FOLDER)
    archive, home = (fresh(os.path.join(folder, name)) for name in ("destination", "home"))
    run = measure(PEERS["lading"].steps(source, archive)[0].argv, home=home)
    arrived = payload_files(archive)
    if arrived != count:
        raise RuntimeError(f"{arrived} of {count} files arrived")
    say(f"{count} tiny files: {run.seconds:.1f} s")
    return run, catalog_bytes(home)


def scan(count: int, folder: str) -> Measured:
    """List so many entries in a dry run."""
    source = fresh(os.path.join(folder, "source"))
    say(f"{count} entries: making them")
    for number in range(count):
        if number % PER_FOLDER == 0:
            os.mkdir(f"{source}/{number // PER_FOLDER:05d}")
        os.close(os.open(f"{source}/{number // PER_FOLDER:05d}/IMG_{number:07d}.JPG", os.O_CREAT | os.O_WRONLY))
    archive, home = (fresh(os.path.join(folder, name)) for name in ("destination", "home"))
    argv = [beside_python("lading"), "import", source, "--archive", archive, "--location", "Benchmark"]
    run = measure([*argv, "--dry-run", "--format", "json"], home=home)
    say(f"{count} entries: {run.seconds:.1f} s")
    return run


def scale(folder: str, fraction: float) -> list[Line]:
    """All measurements; `fraction` makes them smaller, for trying out."""
    check([PEERS["lading"]])
    few, many, entries = (max(1, round(number * fraction)) for number in (FEW, MANY, ENTRIES))
    small, small_catalog = import_tiny(few, folder)
    large, large_catalog = import_tiny(many, folder)
    listing = scan(entries, folder)
    fresh(os.path.join(folder, "source"))
    per_file = (large_catalog - small_catalog) / max(1, many - few)
    return [
        Line(f"time per file, {many} / {few} files", large.seconds / many / (small.seconds / few), 1.3),
        Line(f"engine memory, {many} / {few} files", large.engine_rss / max(1, small.engine_rss), 1.3),
        Line(f"worker memory, {many} / {few} files", large.worker_rss / max(1, small.worker_rss), 1.3),
        Line(f"engine memory, {many} files", large.engine_rss / 1e6, 200, " MB"),
        Line(f"largest worker, {many} files", large.worker_rss / 1e6, 40, " MB"),
        Line("catalog per file", large_catalog / many, 1000, " B"),
        Line("catalog per further file", per_file, 1000, " B"),
        Line(f"engine memory, scan of {entries} entries", listing.engine_rss / 1e6, 300, " MB"),
    ]


def text(lines: list[Line]) -> str:
    """The table."""
    return table(["", "measured", "target", ""], [line.row() for line in lines])
