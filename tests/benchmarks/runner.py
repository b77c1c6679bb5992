"""Interleaved rounds: lading, then its peers in an order that turns, each into a fresh destination."""

import glob
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.benchmarks.measure import FailedRunError, Measured, measure
from tests.benchmarks.peers import BUILD, PEERS, Peer, build, check
from tests.benchmarks.sets import SETS, extent, warm
from tests.rigs.trees import flat_set

TARGETS: dict[tuple[str, str], float] = {
    **{("durable rsync", name): 0.7 for name in SETS},
    ("durable rsync", "small"): 0.25,
    ("rsync", "small"): 1.5,
    ("floor", "photos"): 1.2,
    ("floor", "video"): 1.2,
    (BUILD, "small"): 0.55,
    (BUILD, "mixed"): 0.75,
    ("ocopy", "small"): 0.25,
    ("ocopy", "mixed"): 0.25,
}
"""At most this share of a peer's time, by peer and set."""

PROCESSOR = {(BUILD, "small"): 0.55}
"""At most this share of a peer's processor seconds."""

ENGINE = {(BUILD, "small"): 0.4}
"""At most this share of the processor seconds of a peer's engine."""

MANY = 1000
"""Files from which on no destination is removed before all rounds are done: for minutes after inodes were freed
ext4 looks at each of them before it takes one for a new file (fs/ext4/ialloc.c, recently_deleted)."""


@dataclass(slots=True)
class Result:
    """All rounds over one set."""

    name: str
    files: int
    size: int
    runs: dict[str, list[Measured]] = field(default_factory=dict)

    def median(self, peer: str) -> float:
        """The median of a contestant's wall seconds."""
        return statistics.median(run.seconds for run in self.runs[peer])

    def share(self, peer: str, of: Callable[[Measured], float]) -> float:
        """lading's median of something over the peer's."""
        ours, theirs = (statistics.median(map(of, self.runs[name])) for name in ("lading", peer))
        return ours / max(theirs, 1e-6)

    def ratios(self, peer: str) -> list[float]:
        """lading's time over the peer's, round by round."""
        pairs = zip(self.runs.get("lading", []), self.runs[peer], strict=False)
        return [ours.seconds / theirs.seconds for ours, theirs in pairs]


def say(text: str) -> None:
    """Tell on the error stream what is going on; the output holds the results alone."""
    print(text, file=sys.stderr, flush=True)


def fresh(path: str) -> str:
    """An empty folder in place of whatever was there, with nothing left to write back."""
    shutil.rmtree(path, ignore_errors=True)
    os.sync()
    os.makedirs(path)
    return path


def run_once(peer: Peer, source: str, folder: str, files: int) -> Measured:
    """One contestant's whole run into a fresh destination; too few files there are an error."""
    destination = fresh(tempfile.mkdtemp(prefix="destination-", dir=folder))
    home = fresh(os.path.join(folder, "home")) if peer.name in ("lading", BUILD) else None
    warm(source)
    total: Measured | None = None
    for step in peer.steps(source, destination):
        done = measure(step.argv, peer.env, home)
        if step.silent and done.output:
            raise FailedRunError(f"{peer.name} found differences: {done.output[:500]!r}")
        total = done if total is None else total + done
    assert total is not None
    arrived = payload_files(destination) if home else extent(destination)[0]
    if arrived < files:
        raise FailedRunError(f"{peer.name} brought {arrived} of {files} files")
    if arrived < MANY:
        shutil.rmtree(destination)
    return total


def payload_files(archive: str) -> int:
    """Files in the payload folders of an archive."""
    locations = os.path.join(archive, "locations")
    return sum(extent(os.path.join(locations, bag, "data"))[0] for bag in os.listdir(locations))


def rehearse(peers: list[Peer], folder: str) -> None:
    """Let every contestant copy one small folder, unmeasured: their programs come back into memory."""
    source = fresh(os.path.join(folder, "rehearsal"))
    flat_set(os.fsencode(source), 3, 1000)
    for peer in peers:
        if not peer.drops_caches:
            run_once(peer, source, folder, 3)


def compare(
    names: list[str], only: list[str], pairs: int, fraction: float, folder: str, against: str = ""
) -> list[Result]:
    """Run every set: `pairs` rounds, in each lading first and the peers turned by one place. `against`: another
    checkout of Lading that is a peer, too."""
    peers = [PEERS[name] for name in only] + ([build(against)] if against else [])
    check(peers)
    return [compare_set(name, peers, pairs, fraction, folder) for name in names]


def compare_set(name: str, peers: list[Peer], pairs: int, fraction: float, folder: str) -> Result:
    """All rounds over one set, which is made before and removed after."""
    say(f"{name}: making the files")
    source = os.path.join(folder, "sources", name)
    os.makedirs(os.path.dirname(source), exist_ok=True)
    SETS[name](os.fsencode(source), fraction)
    result = Result(name, *extent(source))
    first = [peer for peer in peers if peer.name == "lading"]
    rest = [peer for peer in peers if peer.name != "lading"]
    rehearse(peers, folder)
    for turn in range(pairs):
        shift = turn % len(rest) if rest else 0
        for peer in [*first, *rest[shift:], *rest[:shift]]:
            run = run_once(peer, source, folder, result.files)
            result.runs.setdefault(peer.name, []).append(run)
            if peer.drops_caches:
                rehearse(peers, folder)
            say(f"{name} {turn + 1}/{pairs} {peer.name}: {run.seconds:.2f} s")
    shutil.rmtree(os.path.join(folder, "sources"))
    for left in glob.glob(os.path.join(folder, "destination-*")):
        shutil.rmtree(left)
    return result
