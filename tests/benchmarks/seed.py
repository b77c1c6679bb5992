"""The targets of the first design: 100 files < 5 s, 1,000 < 30 s, hashing 2 GB/s."""

import os
import shutil
import time

import xxhash

from tests.benchmarks.measure import measure
from tests.benchmarks.peers import PEERS, beside_python, check
from tests.benchmarks.report import table, verdict
from tests.benchmarks.runner import fresh, run_once, say
from tests.benchmarks.sets import MIXED_FILES, extent, mixed, video, warm

HASH_BLOCK = 64 << 20
HASH_BYTES = 4 << 30


def xxh3_rate() -> float:
    """Bytes a second that one core hashes out of memory."""
    block, digest = os.urandom(1 << 20) * (HASH_BLOCK >> 20), xxhash.xxh3_128()
    started = time.perf_counter()
    for _ in range(HASH_BYTES // HASH_BLOCK):
        digest.update(block)
    return HASH_BYTES / (time.perf_counter() - started)


def audit_rate(folder: str, fraction: float) -> float:
    """Bytes a second at which lading reads an archive again and checks both digests, from the page cache."""
    source = fresh(os.path.join(folder, "source"))
    video(os.fsencode(source), fraction)
    archive, home = (fresh(os.path.join(folder, name)) for name in ("destination", "home"))
    measure(PEERS["lading"].steps(source, archive)[0].argv, home=home)
    size = extent(source)[1]
    warm(os.path.join(archive, "locations"))
    run = measure([beside_python("lading"), "audit", "--archive", archive], home=home)
    fresh(archive)
    shutil.rmtree(source)
    return size / run.seconds


def seed_targets(folder: str, fraction: float) -> list[list[str]]:
    """One row for each target."""
    check([PEERS["lading"]])
    rows = []
    for count, seconds in ((100, 5.0), (1000, 30.0)):
        source = os.path.join(folder, "sources", str(count))
        mixed(os.fsencode(source), count / MIXED_FILES)
        files = extent(source)[0]
        run = run_once(PEERS["lading"], source, folder, files)
        say(f"{files} files: {run.seconds:.2f} s")
        what = f"import of {files} real media files"
        rows.append([what, f"{run.seconds:.2f} s", f"< {seconds:g} s", verdict(run.seconds, seconds)])
    hashing, audit = xxh3_rate() / 1e9, audit_rate(folder, fraction) / 1e9
    for what, rate in (("XXH3-128, one core", hashing), ("audit, both digests, whole run", audit)):
        rows.append([what, f"{rate:.2f} GB/s", ">= 2 GB/s", verdict(rate, 2.0, at_most=False)])
    return rows


def text(rows: list[list[str]]) -> str:
    """The table."""
    return table(["", "measured", "target", ""], rows)
