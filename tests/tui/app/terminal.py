"""A pseudo-terminal with a program in it."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tui import format

CHILD = (sys.executable, "-m", "tests.tui.app.child")

PATIENCE = 60.0
"""Seconds that a program gets on a machine that has other things to do."""

TOKEN = re.compile(
    r"\x1b\[(?P<private>[<-?]?)(?P<numbers>[\d;:]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)


class Screen:
    """What stands on a terminal: a program may write any part of a word anew. Colours are passed over."""

    def __init__(self, columns: int, rows: int) -> None:
        self._columns, self._rows = columns, rows
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._lines: list[list[str]] = []
        self._row = self._column = 0
        self._clear()

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join("".join(line).rstrip() for line in self._lines)

    def feed(self, data: bytes) -> None:
        """Take what was written; a sequence may be cut anywhere."""
        self._rest += self._decoder.decode(data)
        while found := TOKEN.match(self._rest):
            self._rest = self._rest[found.end() :]
            if found["final"]:
                self._sequence(found["private"], found["numbers"], found["final"])
            elif found["control"] == "\r":
                self._column = 0
            elif found["control"] == "\n":
                self._row = min(self._row + 1, self._rows - 1)
            else:
                self._put(found["text"] or "")

    def _clear(self) -> None:
        self._lines = [[" "] * self._columns for _ in range(self._rows)]
        self._row = self._column = 0

    def _sequence(self, private: str, numbers: str, final: str) -> None:
        if final == "H" and not private:
            row, column = [*(int(number or 1) for number in numbers.split(";")), 1][:2]
            self._row, self._column = min(row, self._rows) - 1, min(column, self._columns) - 1
        elif (final == "J" and numbers == "2") or (private, numbers) == ("?", "1049"):
            self._clear()

    def _put(self, text: str) -> None:
        for character in text:
            width = format.cells(character)
            if width and self._column + width <= self._columns:
                self._lines[self._row][self._column : self._column + width] = [character, *[""] * (width - 1)]
                self._column += width


class Terminal:
    """What a program wrote to its terminal, and keys for it."""

    def __init__(self, pid: int, master: int, columns: int = 80, rows: int = 24) -> None:
        self.pid = pid
        self.master = master
        self.written = b""
        self.mark = 0
        self.screen = Screen(columns, rows)
        self._stood = ""

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
                self.screen.feed(data)
        return self.written[begun:]

    def until(self, text: bytes, seconds: float = PATIENCE) -> None:
        """Read until it is written after what was waited for before, or stands on the screen, as it did not at the
        last key: what is repainted may be a part of it only."""
        end = time.monotonic() + seconds
        while (found := self.written.find(text, self.mark)) < 0:
            if text.decode() in self.screen.text and text.decode() not in self._stood:
                self.mark = len(self.written)
                return
            assert time.monotonic() < end, f"{text!r} was not written, there is\n{self.screen.text}"
            self.read(0.05)
        self.mark = found + len(text)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        self.mark = len(self.written)
        self._stood = self.screen.text
        os.write(self.master, keys)

    def close(self) -> None:
        """Hang up."""
        os.close(self.master)
        self.master = -1

    def ended(self, seconds: float = PATIENCE) -> int:
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
