"""A command on a real terminal, which is closed, cut off or interrupted."""

import asyncio
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.models import State
from core.protocol.transport import find
from tests.rigs.engines import (
    attached,
    clip,
    environ,
    freeze,
    soon,
    until,
)

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


TAKE = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from tui.cli import main; main()"
"""What makes a terminal the one that the command's session belongs to."""


class Terminal:
    """A terminal in which an import runs; its output is read all the time, or never."""

    def __init__(self, home: Path, folder: Path, *, reading: bool = True) -> None:
        card, archive = str(clip(folder / "card")), str(folder / "archive")
        self.fd, theirs = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE, "import", card, "--archive", archive, "--location", "L"],
            env=environ(home, TERM="xterm"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = b""
        self._reading = threading.Thread(target=self._read)
        if reading:
            self._reading.start()

    def _read(self) -> None:
        with suppress(OSError):
            while data := os.read(self.fd, 1 << 16):
                self.seen += data

    def type(self, data: bytes) -> None:
        """Press keys."""
        os.write(self.fd, data)

    def close(self) -> None:
        """Close the terminal itself."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def end(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()
        if self._reading.is_alive():
            self._reading.join()
        self.close()


@pytest.fixture
def terminal(home: Path, tmp_path: Path) -> Iterator[Terminal]:
    one = Terminal(home, tmp_path)
    yield one
    one.end()


@pytest.fixture
def unread(home: Path, tmp_path: Path) -> Iterator[Terminal]:
    one = Terminal(home, tmp_path, reading=False)
    yield one
    one.end()


async def _state(home: Path) -> tuple[str, str]:
    async with attached(home) as client:
        (record,) = await client.imports()
        return record.state, record.reason


async def test_a_terminal_that_is_cut_off_changes_nothing(home: Path, terminal: Terminal) -> None:
    frozen = await asyncio.to_thread(freeze, home)
    terminal.process.send_signal(signal.SIGHUP)
    assert await asyncio.to_thread(terminal.process.wait) == 3
    assert await _state(home) == (State.RUNNING, "")
    for worker in frozen:
        worker.resume()
    async with attached(home) as client:
        (record,) = await client.imports()
        await client.wait([record.id])
    assert (await _state(home))[0] == State.DONE


async def test_a_closed_terminal_changes_nothing(home: Path, unread: Terminal) -> None:
    await asyncio.to_thread(freeze, home)
    unread.close()
    await asyncio.to_thread(unread.process.wait)
    assert await _state(home) == (State.RUNNING, "")


async def test_a_terminal_that_stops_reading_stops_nothing(home: Path, unread: Terminal) -> None:
    # Ctrl-S; and nothing is ever read here.
    termios.tcflow(unread.fd, termios.TCOOFF)
    await asyncio.to_thread(until, lambda: os.path.exists(find(str(home))))

    async def done() -> bool:
        async with attached(home) as client:
            return [record.state for record in await client.imports()] == [State.DONE]

    await soon(done)


async def test_ctrl_c_pauses(home: Path, terminal: Terminal) -> None:
    await asyncio.to_thread(freeze, home)
    terminal.type(b"\x03")
    assert await asyncio.to_thread(terminal.process.wait) == 3
    assert await _state(home) == (State.PAUSED, "by Ctrl-C")
    terminal.end()
    assert b"PAUSED" in terminal.seen
