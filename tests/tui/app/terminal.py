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

import pyte

CHILD = (sys.executable, "-m", "tests.tui.app.child")

PATIENCE = 60.0
"""Seconds that a program gets on a machine that has other things to do."""


class Terminal:
    """What a program wrote to its terminal, and keys for it."""

    def __init__(self, pid: int, master: int, columns: int = 80, rows: int = 24) -> None:
        self.pid = pid
        self.master = master
        self.written = b""
        self.mark = 0
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._stood = ""

    @property
    def screen(self) -> str:
        """What stands on it: a program may write any part of a word anew."""
        return "\n".join(self._screen.display)

    def read(self, seconds: float) -> bytes:
        """What is written in the next seconds."""
        end = time.monotonic() + seconds
        begun = len(self.written)
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0] and not self._take():
                break
        return self.written[begun:]

    def _take(self) -> bool:
        """Take what can be read; False when nothing more will come."""
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)

    def until(self, text: bytes, seconds: float = PATIENCE) -> None:
        """Read until it is written after what was waited for before, or stands on the screen, as it did not at the
        last key: what is repainted may be a part of it only."""
        end = time.monotonic() + seconds
        while (found := self.written.find(text, self.mark)) < 0:
            if text.decode() in self.screen and text.decode() not in self._stood:
                self.mark = len(self.written)
                return
            assert time.monotonic() < end, f"{text!r} was not written, there is\n{self.screen}"
            self.read(0.05)
        self.mark = found + len(text)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        self.mark = len(self.written)
        self._stood = self.screen
        os.write(self.master, keys)

    def close(self) -> None:
        """Hang up."""
        os.close(self.master)
        self.master = -1

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for the program's end, and read all that it has written until then; its exit status. A signal's
        number is negative."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                while self.master >= 0 and select.select([self.master], [], [], 0)[0] and self._take():
                    pass
                return os.waitstatus_to_exitcode(status)
            if self.master >= 0:
                self.read(0.01)
            else:
                time.sleep(0.01)
        raise AssertionError(f"it still runs after {seconds} seconds:\n{self.screen}")


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
    running = Terminal(pid, master, columns, rows)
    try:
        yield running
    finally:
        if running.pid:
            os.kill(running.pid, signal.SIGKILL)
            os.kill(running.pid, signal.SIGCONT)
            os.waitpid(running.pid, 0)
        if running.master >= 0:
            os.close(running.master)
