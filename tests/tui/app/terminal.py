"""A pseudo-terminal with a program in it."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

CHILD = (sys.executable, "-m", "tests.tui.app.child")


class Terminal:
    """What a program wrote to its terminal, and keys for it."""

    def __init__(self, pid: int, master: int) -> None:
        self.pid = pid
        self.master = master
        self.written = b""
        self.mark = 0

    def read(self, seconds: float) -> bytes:
        """What is written in the next seconds."""
        end = time.monotonic() + seconds
        begun = len(self.written)
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    data = os.read(self.master, 65536)
                except OSError:
                    break
                if not data:
                    break
                self.written += data
        return self.written[begun:]

    def until(self, text: bytes, seconds: float = 15.0) -> None:
        """Read until it is written after what was waited for before."""
        end = time.monotonic() + seconds
        while (found := self.written.find(text, self.mark)) < 0:
            assert time.monotonic() < end, f"{text!r} was not written: {self.written[-3000:]!r}"
            self.read(0.05)
        self.mark = found + len(text)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        self.mark = len(self.written)
        os.write(self.master, keys)

    def close(self) -> None:
        """Hang up."""
        os.close(self.master)
        self.master = -1

    def ended(self, seconds: float) -> int:
        """Wait for the program's end; its exit status. A signal's number is negative."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            if self.master >= 0:
                self.read(0.01)
            else:
                time.sleep(0.01)
        raise AssertionError(f"it still runs after {seconds} seconds")


@contextmanager
def terminal(
    columns: int = 80,
    rows: int = 24,
    *,
    command: Sequence[str] = CHILD,
    ignore: Sequence[signal.Signals] = (),
    more: Mapping[str, str] | None = None,
    **environ: str,
) -> Iterator[Terminal]:
    """Run a command in a terminal of this size."""
    given = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        **environ,
        **(more or {}),
    }
    pid, master = pty.fork()
    if pid == 0:
        for one in ignore:
            signal.signal(one, signal.SIG_IGN)
        os.execvpe(command[0], list(command), given)  # noqa: S606
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    running = Terminal(pid, master)
    try:
        yield running
    finally:
        if running.pid:
            os.kill(running.pid, signal.SIGKILL)
            os.kill(running.pid, signal.SIGCONT)
            os.waitpid(running.pid, 0)
        if running.master >= 0:
            os.close(running.master)
