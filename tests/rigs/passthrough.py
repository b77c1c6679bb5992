"""A file system that passes everything through to a folder, with faults on demand (FUSE, Linux, root).

`python -m tests.rigs.passthrough MOUNT BELOW SWITCHES SUBTYPE` is its daemon, `mounted` starts and ends it.
Switches can be set while it runs, any number for each operation.
"""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.rigs import disks

ROOT = str(Path(__file__).resolve().parents[2])

CUT = 100
"""Bytes by which a size is told too small."""

HANG = 3600.0
"""Seconds for which an operation hangs: longer than any test."""


@dataclass(frozen=True)
class Switch:
    """A fault of operations, which have their names in FUSE: read, write, create, flush (each close), fsync …

    operation: one or more, or `*`.
    error: the errno that it fails with; 0 none.
    delay: seconds that it takes longer; HANG for ever.
    spoil: `corrupt` (a bit of what is written changes), `lose` (nothing is written, success is reported), or
        `short` (only half is written, all is reported). For `read`: `change` (the file changes afterwards).
        For `getattr`: `cut` (its size is told as CUT bytes less).
    match: only paths that contain this.
    after: so many calls go well first. times: so many calls are treated so, 0 all.
    above: only while more than so many of the operations that it is about are under way.
    """

    operation: str
    error: int = 0
    delay: float = 0.0
    spoil: str = ""
    match: str = ""
    after: int = 0
    times: int = 0
    above: int = 0


def serving(module: str, mount: Path, *argv: str) -> "subprocess.Popen[bytes]":
    """Start a module as the daemon of a FUSE mount, and wait until it serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(mount), *argv],
        cwd=ROOT,
        # libfuse 2 would write 4 KiB at a time.
        env={**os.environ, "FUSE_LIBRARY_NAME": "fuse3"},
        process_group=0,
    )
    end = time.monotonic() + disks.PATIENCE
    while not disks.mounted(mount):
        assert process.poll() is None, "the FUSE daemon ended"
        assert time.monotonic() < end, "the FUSE daemon mounted nothing"
        time.sleep(0.01)
    return process


def ended(process: "subprocess.Popen[bytes]", mount: Path) -> None:
    """Kill a daemon, which ends all calls that hang, and unmount."""
    process.kill()
    process.wait(disks.PATIENCE)
    if disks.mounted(mount):
        disks.unmount(mount, lazy=True)


class Passthrough:
    """A running passthrough. `below` holds the files, `path` is the mount point."""

    def __init__(self, folder: Path, subtype: str) -> None:
        self.below = folder / "below"
        self.path = folder / "through"
        self._switches = folder / "switches.json"
        self._subtype = subtype
        self.process: subprocess.Popen[bytes] | None = None
        for made in (self.below, self.path):
            made.mkdir(parents=True, exist_ok=True)
        self.set()

    def set(self, *switches: Switch) -> None:
        """Set these switches in place of all earlier ones; they count calls from now on."""
        new = self._switches.with_suffix(".new")
        new.write_text(json.dumps([asdict(switch) for switch in switches]))
        new.replace(self._switches)

    def mount(self) -> None:
        """Start the daemon."""
        argv = (str(self.below), str(self._switches), self._subtype)
        self.process = serving("tests.rigs.passthrough", self.path, *argv)

    def kill(self) -> None:
        """Kill the daemon: every call below the mount point then fails with ENOTCONN."""
        assert self.process
        self.process.kill()
        self.process.wait(disks.PATIENCE)

    def unmount(self) -> None:
        """Kill the daemon, which ends all calls that hang, and unmount."""
        if self.process is not None:
            ended(self.process, self.path)
            self.process = None


@contextmanager
def mounted(folder: Path, subtype: str = "passthrough") -> Iterator[Passthrough]:
    """A passthrough below `folder`. `subtype` follows `fuse.` in mount(8): `sshfs` is that of a network mount."""
    made = Passthrough(folder, subtype)
    made.mount()
    try:
        yield made
    finally:
        made.unmount()


class _Switches:
    """The switches in the daemon: read again whenever the file has been replaced."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen = (0, 0)
        self._switches: list[Switch] = []
        self._counts: Counter[int] = Counter()
        self._under_way: Counter[int] = Counter()
        self._turn = threading.Lock()

    def _now(self) -> list[Switch]:
        facts = os.stat(self._path)
        if (facts.st_ino, facts.st_mtime_ns) != self._seen:
            with open(self._path) as file:
                # The file may have been replaced since.
                facts = os.fstat(file.fileno())
                self._seen = facts.st_ino, facts.st_mtime_ns
                self._switches = [Switch(**each) for each in json.load(file)]
            self._counts.clear()
        return self._switches

    def _begun(self, operation: str, path: str) -> tuple[list[int], list[Switch]]:
        """The numbers of the switches for an operation, and those that take effect now."""
        with self._turn:
            about: list[int] = []
            chosen: list[Switch] = []
            for number, switch in enumerate(self._now()):
                if not {operation, "*"} & set(switch.operation.split()) or switch.match not in path:
                    continue
                about.append(number)
                self._under_way[number] += 1
                if switch.above and self._under_way[number] <= switch.above:
                    continue
                self._counts[number] += 1
                count = self._counts[number] - switch.after
                if count > 0 and (not switch.times or count <= switch.times):
                    chosen.append(switch)
            return about, chosen

    @contextmanager
    def operation(self, name: str, path: str) -> Iterator[str]:
        """Carry out one operation with its faults. Yields how to spoil it. Raises OSError."""
        about, chosen = self._begun(name, path)
        try:
            time.sleep(sum(switch.delay for switch in chosen))
            for switch in chosen:
                if switch.error:
                    raise OSError(switch.error, os.strerror(switch.error))
            yield next((switch.spoil for switch in chosen if switch.spoil), "")
        finally:
            with self._turn:
                self._under_way.subtract(about)


def _change(path: str) -> None:
    """Change the last byte, and set a later time."""
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([(last + 1) % 256]))


class Through(Protocol):
    """What an operation goes through, on its way to the folder below."""

    def operation(self, name: str, path: str) -> AbstractContextManager[str]:
        """Carry out one operation. Yields how to spoil it. Raises OSError."""


def passing(below: str, switches: Through) -> Any:
    """The operations of a daemon. mfusepy is only imported here, because it needs libfuse."""
    import mfusepy

    def real(path: str) -> str:
        return below + path

    class Operations(mfusepy.Operations):  # type: ignore[misc]
        use_ns = True

        def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
            with switches.operation("getattr", path) as spoil:
                facts = os.fstat(fh) if fh is not None else os.lstat(real(path))
            names = ("mode", "nlink", "uid", "gid", "size", "blocks", "blksize", "ino")
            times = {f"st_{name}": getattr(facts, f"st_{name}_ns") for name in ("atime", "mtime", "ctime")}
            told = {f"st_{name}": getattr(facts, f"st_{name}") for name in names} | times
            return told | ({"st_size": facts.st_size - CUT} if spoil == "cut" else {})

        def readdir(self, path: str, fh: int) -> list[tuple[str, dict[str, int], int]]:
            with switches.operation("readdir", path), os.scandir(real(path)) as found:
                entries = [(one.name, one.stat(follow_symlinks=False)) for one in found]
            entries += [(name, os.lstat(real(path))) for name in (".", "..")]
            return [(name, {"st_mode": facts.st_mode, "st_ino": facts.st_ino}, 0) for name, facts in entries]

        def readlink(self, path: str) -> str:
            with switches.operation("readlink", path):
                return os.readlink(real(path))

        def mkdir(self, path: str, mode: int) -> int:
            with switches.operation("mkdir", path):
                os.mkdir(real(path), mode)
            return 0

        def rmdir(self, path: str) -> int:
            with switches.operation("rmdir", path):
                os.rmdir(real(path))
            return 0

        def unlink(self, path: str) -> int:
            with switches.operation("unlink", path):
                os.unlink(real(path))
            return 0

        def symlink(self, target: str, source: str) -> int:
            with switches.operation("symlink", target):
                os.symlink(source, real(target))
            return 0

        def link(self, target: str, source: str) -> int:
            with switches.operation("link", target):
                os.link(real(source), real(target))
            return 0

        def rename(self, old: str, new: str) -> int:
            with switches.operation("rename", new):
                os.rename(real(old), real(new))
            return 0

        def chmod(self, path: str, mode: int) -> int:
            with switches.operation("chmod", path):
                os.chmod(real(path), mode)
            return 0

        def chown(self, path: str, uid: int, gid: int) -> int:
            with switches.operation("chown", path):
                os.chown(real(path), uid, gid)
            return 0

        def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
            with switches.operation("utimens", path):
                os.utime(real(path), ns=times or (time.time_ns(),) * 2, follow_symlinks=False)
            return 0

        def truncate(self, path: str, length: int, fh: int | None = None) -> int:
            with switches.operation("truncate", path):
                os.truncate(real(path), length)
            return 0

        def statfs(self, path: str) -> dict[str, int]:
            with switches.operation("statfs", path):
                facts = os.statvfs(real(path))
            names = ("bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "frsize", "namemax")
            return {f"f_{name}": getattr(facts, f"f_{name}") for name in names}

        def open(self, path: str, flags: int) -> int:
            with switches.operation("open", path):
                return os.open(real(path), flags & ~os.O_APPEND)

        def create(self, path: str, mode: int, fi: Any = None) -> int:
            with switches.operation("create", path):
                flags = os.O_RDWR | os.O_CREAT | ((fi or 0) & os.O_EXCL)
                return os.open(real(path), flags, mode)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            with switches.operation("read", path) as spoil:
                data = os.pread(fh, size, offset)
                if spoil == "change":
                    _change(real(path))
                return data

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            with switches.operation("write", path) as spoil:
                match spoil:
                    case "corrupt":
                        os.pwrite(fh, bytes([data[0] ^ 1]) + data[1:], offset)
                    case "lose":
                        os.pwrite(fh, bytes(len(data)), offset)
                    case "short":
                        os.pwrite(fh, data[: len(data) // 2], offset)
                    case _:
                        return os.pwrite(fh, data, offset)
            return len(data)

        def flush(self, path: str, fh: int) -> int:
            with switches.operation("flush", path):
                return 0

        def fsync(self, path: str, datasync: int, fh: int) -> int:
            with switches.operation("fsync", path):
                os.fsync(fh)
            return 0

        def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
            with switches.operation("fsyncdir", path):
                return 0

        def release(self, path: str, fh: int) -> int:
            with suppress(OSError), switches.operation("release", path):
                pass
            os.close(fh)
            return 0

    return Operations()


def serve(operations: Any, mount: str, subtype: str, timeout: float = 0) -> None:
    """Serve until unmounted. timeout: seconds for which the kernel keeps names and attributes."""
    import mfusepy

    class Fuse(mfusepy.FUSE):  # type: ignore[misc]
        def rename_fuse_3(self, old: bytes, new: bytes, flags: int) -> int:
            """mfusepy drops the flags, and would replace a file where that is forbidden."""
            if flags:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            return int(super().rename_fuse_3(old, new, flags))

    Fuse(
        operations,
        mount,
        foreground=True,
        allow_other=True,
        default_permissions=True,
        fsname="passthrough",
        subtype=subtype,
        use_ino=True,
        max_threads=64,
        max_idle_threads=64,
        attr_timeout=timeout,
        entry_timeout=timeout,
        negative_timeout=0,
    )


def daemon(mount: str, below: str, switches: str, subtype: str) -> None:
    """Serve until unmounted, with the faults of the switches."""
    serve(passing(below, _Switches(switches)), mount, subtype)


if __name__ == "__main__":
    daemon(*sys.argv[1:5])
