"""Who runs: lading and the programs it is measured against, each as the commands a careful person types."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

RECHECK = ["rsync", "-a", "--checksum", "--checksum-choice=xxh128", "--dry-run", "--itemize-changes"]
BUILD = "old build"
"""Another build of Lading, which `--against` names."""

OFFLINE = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
"""ocopy asks the network for a newer version at each start; refused at once, that costs it nothing."""


class MissingPeerError(RuntimeError):
    """A peer is not installed, or too old: a comparison without it would say nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command; a check that must find no difference prints nothing."""

    argv: list[str]
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Peer:
    """A contestant: what it is called, the commands from a source to a destination, how to install it."""

    name: str
    program: str
    install: str
    steps: Callable[[str, str], list[Step]]
    env: dict[str, str] = field(default_factory=dict)
    drops_caches: bool = False


def beside_python(name: str) -> str:
    """A program of the environment that runs the benchmarks, else one on the path."""
    path = os.path.join(os.path.dirname(sys.executable), name)
    return path if os.path.exists(path) else shutil.which(name) or name


def lading(source: str, destination: str) -> list[Step]:
    """The default import: durable, read back from the medium, with journal, catalog and receipt."""
    argv = [beside_python("lading"), "import", source, "--archive", destination, "--location", "Benchmark"]
    return [Step([*argv, "--format", "json"])]


def cp(source: str, destination: str) -> list[Step]:
    """A plain copy: neither durable nor verified."""
    return [Step(["cp", "-a", f"{source}/.", destination])]


def rsync(source: str, destination: str) -> list[Step]:
    """A copy, then both sides read and compared, from the page cache."""
    ends = [f"{source}/", f"{destination}/"]
    return [Step(["rsync", "-a", *ends]), Step([*RECHECK, *ends], silent=True)]


def durable_rsync(source: str, destination: str) -> list[Step]:
    """What lading promises, by hand: synced, the caches dropped, both sides read from the medium."""
    ends = [f"{source}/", f"{destination}/"]
    copy = [Step(["rsync", "-a", "--fsync", *ends]), Step(["sync"]), Step(drop_caches())]
    return [*copy, Step([*RECHECK, *ends], silent=True)]


def rclone(source: str, destination: str) -> list[Step]:
    """A copy by checksum, then rclone's own check."""
    return [
        Step(["rclone", "copy", "--checksum", source, destination]),
        Step(["rclone", "check", source, destination]),
    ]


def ocopy(source: str, destination: str) -> list[Step]:
    """The film set's copy program as it comes: verified, with its media hash list."""
    return [Step([beside_python("ocopy"), source, destination])]


def floor(source: str, destination: str) -> list[Step]:
    """The same bytes written, flushed and read back by a bare loop, which hashes and records nothing."""
    return [Step([sys.executable, "-m", "tests.benchmarks.floor", source, destination])]


def needed(source: str, destination: str) -> list[Step]:
    """The system calls and digests that the promises need, made by a bare loop, which records nothing."""
    return [Step([sys.executable, "-m", "tests.benchmarks.needed", source, destination])]


def build(folder: str) -> Peer:
    """Lading as it was: another checkout with an environment of its own in `.venv`."""
    program = os.path.join(os.path.abspath(folder), ".venv", "bin", "lading")

    def steps(source: str, destination: str) -> list[Step]:
        return [Step([program, *lading(source, destination)[0].argv[1:]])]

    return Peer(BUILD, program, f"uv sync in {folder}", steps)


def drop_caches() -> list[str]:
    """The command that empties the page cache; it needs to be root."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sys.platform == "darwin":
        return [*root, "purge"]
    return [*root, "sh", "-c", "echo 3 > /proc/sys/vm/drop_caches"]


RSYNC = "brew install rsync, or apt-get install rsync (3.2.4 or newer, with xxh128)"
PEERS = {
    peer.name: peer
    for peer in (
        Peer("lading", "lading", "uv sync", lading),
        Peer("floor", sys.executable, "part of the benchmarks", floor),
        Peer("needed", sys.executable, "part of the benchmarks", needed),
        Peer("cp", "cp", "part of the system", cp),
        Peer("rsync", "rsync", RSYNC, rsync),
        Peer("durable rsync", "rsync", RSYNC, durable_rsync, drops_caches=True),
        Peer("rclone", "rclone", "brew install rclone, or apt-get install rclone", rclone),
        Peer("ocopy", "ocopy", "uv sync --group bench", ocopy, env=OFFLINE),
    )
}


def check(peers: list[Peer]) -> None:
    """Raise, naming the commands that install them, when contestants are missing."""
    missing = [f"{peer.name}: {why}" for peer in peers if (why := _why_not(peer))]
    if missing:
        raise MissingPeerError("not every contestant can run:\n  " + "\n  ".join(missing))


def _why_not(peer: Peer) -> str:
    """Why a peer cannot run, with what to do about it; empty when it can."""
    if shutil.which(beside_python(peer.program)) is None:
        return f"not installed: {peer.install}"
    if peer.program == "rsync":
        said = subprocess.run(["rsync", "--version"], capture_output=True, text=True, check=False).stdout
        told = subprocess.run(["rsync", "--help"], capture_output=True, text=True, check=False).stdout
        if "xxh128" not in said or "--fsync" not in told:
            return f"too old: {peer.install}"
    if peer.drops_caches and subprocess.run(drop_caches(), capture_output=True, check=False).returncode:
        return "cannot drop the page cache: run as root, or `sudo -v` first"
    return ""
