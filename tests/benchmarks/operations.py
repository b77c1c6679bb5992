"""How many operations on an archive that lies on a network a small file takes, against another build.

The archive is a FUSE mount, which counts what the kernel asks of it. The kernel keeps names and attributes for
longer than an import takes, so that the counts do not depend on the machine's speed. Background work is paused, so
that only the import counts.

`python -m tests.benchmarks.operations MOUNT BELOW COUNTS` is the mount's daemon.
"""

import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from core.queue.queue_defs import QUEUES
from tests.benchmarks.measure import measure, run_quietly, stop
from tests.benchmarks.peers import BUILD, PEERS, Peer, build, check
from tests.benchmarks.report import table, verdict
from tests.benchmarks.runner import fresh, payload_files, say
from tests.benchmarks.sets import extent, warm
from tests.rigs.passthrough import ended, passing, serve, serving
from tests.rigs.trees import flat_set

FILES, SIZE = 1000, 40_000
TARGET = 0.7
KEPT = 600.0
"""Seconds for which the kernel keeps names and attributes that nothing has changed."""

NAMES = (
    *("getattr", "readdir", "readlink", "mkdir", "rmdir", "unlink", "symlink", "link", "rename", "chmod", "chown"),
    *("utimens", "truncate", "statfs", "open", "create", "read", "write", "flush", "fsync", "fsyncdir", "release"),
)
"""The operations, each with its word of 64 bits in the file of counts."""


class Counts:
    """Counts operations in a file that both the daemon and the benchmark map."""

    def __init__(self, path: Path) -> None:
        with open(path, "r+b") as file:
            self._words = memoryview(mmap.mmap(file.fileno(), 8 * len(NAMES))).cast("Q")
        self._turn = Lock()

    @contextmanager
    def operation(self, name: str, _: str) -> Iterator[str]:
        """Count one operation; it is not spoilt."""
        with self._turn:
            self._words[NAMES.index(name)] += 1
        yield ""

    def now(self) -> dict[str, int]:
        """The counts so far."""
        return dict(zip(NAMES, self._words, strict=True))


def operations(folder: str, fraction: float, against: str) -> dict[str, dict[str, float]]:
    """Operations per file of each build, and of the bare loop `needed`, by name; "all" is their sum."""
    peers = [PEERS["lading"], PEERS["needed"], *([build(against)] if against else [])]
    check(peers)
    files = max(1, round(FILES * fraction))
    source = fresh(os.path.join(folder, "source"))
    flat_set(os.fsencode(source), files, SIZE)
    found = {}
    for peer in peers:
        counts = _counted(peer, folder, source, files)
        found[peer.name] = {"all": sum(counts.values()) / files}
        found[peer.name] |= {name: count / files for name, count in counts.items() if count}
        say(f"operations, {peer.name}: {found[peer.name]['all']:.1f} per file")
    return found


def _counted(peer: Peer, folder: str, source: str, files: int) -> dict[str, int]:
    """The operations of one import, or of the bare loop."""
    home, mount, below = (fresh(os.path.join(folder, name)) for name in ("home", "mount", "below"))
    warm(source)
    path = Path(folder, "counts")
    path.write_bytes(bytes(8 * len(NAMES)))
    counts = Counts(path)
    (step,) = peer.steps(source, mount)
    environ = {**os.environ, "LADING_HOME": home}
    process = serving("tests.benchmarks.operations", Path(mount), below, str(path))
    try:
        bare = peer.name == "needed"
        if not bare:
            for queue in QUEUES:
                run_quietly([step.argv[0], "queues", "pause", queue.name], environ)
        before = counts.now()
        measure(step.argv, environ)
        after = counts.now()
        if not bare:
            stop(environ, step.argv[0])
        arrived = extent(below)[0] if bare else payload_files(below)
        if arrived != files:
            raise RuntimeError(f"{arrived} of {files} files arrived")
    finally:
        ended(process, Path(mount))
    return {name: after[name] - before[name] for name in NAMES}


def text(found: dict[str, dict[str, float]]) -> str:
    """A line for each operation, and the share of the other build's."""
    names = sorted({name for counts in found.values() for name in counts}, key=lambda name: (name != "all", name))
    rows = [[name, *(f"{counts.get(name, 0):.2f}" for counts in found.values())] for name in names]
    lines = [table(["operations on the archive per file", *found], rows)]
    if BUILD in found:
        share = found["lading"]["all"] / found[BUILD]["all"]
        lines.append(f"{share:.2f} of {BUILD}'s, target <= {TARGET}: {verdict(share, TARGET)}")
    return "\n".join(lines)


def daemon(mount: str, below: str, counts: str) -> None:
    """Serve until unmounted."""
    serve(passing(below, Counts(Path(counts))), mount, "sshfs", timeout=KEPT)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        daemon(*sys.argv[1:4])
