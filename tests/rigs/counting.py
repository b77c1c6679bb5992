"""Counting what a command really read, wrote and changed, by strace (Linux only)."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import psutil

FIRST_READS = {"read", "pread64", "readv", "preadv", "preadv2", "copy_file_range", "splice"}
"""System calls that read from their first descriptor."""
FIRST_WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate", "sendfile"}
"""System calls that write to their first descriptor; copy_file_range and splice write to their second."""
OPENS = {"open", "openat", "openat2", "creat"}
REMOVALS = ("unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "truncate")
CREATIONS = ("link", "linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "mknod", "mknodat")
MODES = ("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat")
TIMES = ("utime", "utimes", "futimesat", "utimensat")
XATTRS = ("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr")
CHANGES = {*REMOVALS, *CREATIONS, *MODES, *TIMES, *XATTRS}
"""System calls that change the entry, the metadata or the length of a named file."""
CLONES = ("FICLONE", "FICLONERANGE", "FIDEDUPERANGE")
WRITE_MODES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE")

LINE = re.compile(r"^(\d+\.\d+) (\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+|\?)(.*)$")
CUT_LINE = re.compile(r"^(\d+\.\d+) (\w+)\((.*)$")
TOKEN = re.compile(r'(\d+|AT_FDCWD)<([^<>]*)>|"([^"]*)"')


class StraceError(RuntimeError):
    """strace is missing or cannot be used here."""


@dataclass(frozen=True, slots=True)
class Call:
    """One system call: its start (seconds since 1970), its paths and the bytes that it moved."""

    pid: int
    time: float
    name: str
    arguments: str
    result: int
    read_path: bytes = b""
    write_path: bytes = b""
    changed: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """All system calls of a command and its children, in order of time."""

    exit_code: int
    calls: list[Call] = field(repr=False)

    def bytes_read(self, roots: Iterable[bytes]) -> int:
        """Bytes that the command read from files at or below the roots; memory maps count in full length."""
        return sum(self.bytes_read_by_file(roots).values())

    def bytes_read_by_file(self, roots: Iterable[bytes]) -> dict[bytes, int]:
        """The same, by file."""
        below = _below(roots)
        count: dict[bytes, int] = {}
        for call in self.calls:
            if call.result > 0 and below(call.read_path):
                count[call.read_path] = count.get(call.read_path, 0) + call.result
        return count

    def changes(self, roots: Iterable[bytes]) -> list[Call]:
        """Calls that opened for writing, wrote, renamed, linked or changed anything at or below the roots."""
        below = _below(roots)
        return [call for call in self.calls if any(map(below, (call.write_path, *call.changed)))]

    def activity(self, roots: Iterable[bytes], after: float) -> list[Call]:
        """Reads, writes and changes at or below the roots that began after a `time.time()`."""
        below = _below(roots)
        return [
            call
            for call in self.calls
            if call.time > after and any(map(below, (call.read_path, call.write_path, *call.changed)))
        ]


class Tracing:
    """A command that runs under strace: use it as a context, signal `tracee()`, then call `finish()`."""

    def __init__(
        self, argv: Sequence[str | bytes], *, cwd: str | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.cwd = os.fsencode(cwd or os.getcwd())
        self.folder = tempfile.mkdtemp(prefix="lading-strace-")
        names = ["mmap", "ioctl", *FIRST_READS, *FIRST_WRITES, *OPENS, *CHANGES]
        options = ["-ff", "--seccomp-bpf", "-qq", "-y", "-xx", "-s", "0", "-ttt", "-e", "signal=none"]
        wanted = ["-e", "trace=" + ",".join("?" + name for name in names)]
        out = ["-o", os.path.join(self.folder, "log")]
        self.process = subprocess.Popen(
            [strace(), *options, *wanted, *out, "--", *argv],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.stdout = b""
        self.stderr = b""

    def __enter__(self) -> "Tracing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            for child in psutil.Process(self.process.pid).children(recursive=True):
                child.kill()
            self.process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tracee(self) -> psutil.Process:
        """The traced command itself, for sending signals: strace itself takes none."""
        return psutil.Process(self.process.pid).children()[0]

    def finish(self, timeout: float = 300) -> Trace:
        """Wait for the command and all its children, and parse the log."""
        self.stdout, self.stderr = self.process.communicate(timeout=timeout)
        return Trace(self.process.returncode, read_logs(os.fsencode(self.folder), self.cwd))


def available() -> bool:
    """Whether this system can count."""
    return sys.platform == "linux" and shutil.which("strace") is not None


def strace() -> str:
    """The path of strace. Raises StraceError, which says how to install it."""
    path = shutil.which("strace")
    if sys.platform != "linux" or path is None:
        raise StraceError("counting reads needs Linux and strace: apt-get install strace")
    return path


def run_traced(
    argv: Sequence[str | bytes],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300,
) -> Trace:
    """Run a command to its end. Returns its system calls."""
    with Tracing(argv, cwd=cwd, env=env) as tracing:
        return tracing.finish(timeout)


def bytes_read(
    argv: Sequence[str | bytes],
    roots: Iterable[bytes],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300,
) -> int:
    """Run a command and return how many bytes it read from files below the roots; it must exit with 0."""
    trace = run_traced(argv, cwd=cwd, env=env, timeout=timeout)
    if trace.exit_code:
        raise RuntimeError(f"the command failed with {trace.exit_code}")
    return trace.bytes_read(roots)


def read_logs(folder: bytes, cwd: bytes) -> list[Call]:
    """Parse the log of each process (strace -ff -y -xx -ttt), all sorted by time."""
    calls: list[Call] = []
    for name in os.listdir(folder):
        pid = int(name.rpartition(b".")[2])
        with open(os.path.join(folder, name), encoding="ascii", errors="replace") as file:
            calls.extend(call for line in file if (call := parse(line.rstrip("\n"), pid, cwd)))
    return sorted(calls, key=lambda call: call.time)


def parse(line: str, pid: int = 0, cwd: bytes = b"/") -> Call | None:
    """Parse one line of the log; a call interrupted by a kill has the result -1."""
    found = LINE.match(line)
    if found:
        when, name, arguments, code, rest = found.groups()
    elif cut := CUT_LINE.match(line):
        (when, name, arguments), code, rest = cut.groups(), "?", ""
    else:
        return None
    result = -1 if code == "?" else int(code, 0)
    fds, paths = _paths(arguments, cwd)
    first, second = (*fds, b"", b"")[:2]
    read = written = b""
    changed: tuple[bytes, ...] = ()
    if name in OPENS:
        returned = TOKEN.match(code + rest)
        opened = _decode(returned[2]) if returned and returned[2] else paths[-1] if paths else b""
        changed = (opened,) if name == "creat" or WRITE_MODES.search(arguments) else ()
    elif name in CHANGES:
        changed = tuple(paths[:1] if name in XATTRS else paths) or tuple(fds)
    elif name == "ioctl":
        changed = tuple(fds) if any(clone in arguments for clone in CLONES) else ()
    elif name == "mmap":
        read, result = first, int(arguments.split(",")[1]) if fds and result != -1 else -1
    elif name == "sendfile":
        written, read = first, second
    elif name in ("copy_file_range", "splice"):
        read, written = first, second
    elif name in FIRST_READS:
        read = first
    elif name in FIRST_WRITES:
        written = first
    return Call(pid, float(when), name, arguments, result, read, written, changed)


def _paths(arguments: str, cwd: bytes) -> tuple[list[bytes], list[bytes]]:
    """The paths of the descriptors among the arguments, and the named paths, joined to their folders."""
    fds: list[bytes] = []
    paths: list[bytes] = []
    folder = cwd
    for token in TOKEN.finditer(arguments):
        if token[1] is not None:
            folder = _decode(token[2])
            if token[1] != "AT_FDCWD":
                fds.append(folder)
        elif token[3] is not None:
            paths.append(os.path.normpath(os.path.join(folder, _decode(token[3]))))
    return fds, paths


def _decode(text: str) -> bytes:
    """Decode a name as strace -xx writes it, every byte in hexadecimal; sockets and pipes stay unchanged."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def _below(roots: Iterable[bytes]) -> Callable[[bytes], bool]:
    """A test for paths that are one of the roots or lie under one."""
    real = [os.path.realpath(root) for root in roots]
    return lambda path: any(path == root or path.startswith(root + b"/") for root in real)
