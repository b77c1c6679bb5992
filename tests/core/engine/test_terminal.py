"""A command on a real terminal, which is closed, cut off or interrupted."""

import asyncio
import os
import pty
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.models import State
from tests.rigs.engines import COMMAND, attached, clip, environ, freeze, soon, swept, until

pytestmark = pytest.mark.timeout(300)


class Terminal:
    """A terminal in which an import runs; its output is read all the time, or never."""

    def __init__(self, home: Path, folder: Path, *, reading: bool = True) -> None:
        command = [*COMMAND, "import", str(clip(folder / "card")), "--archive", str(folder / "archive")]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [*command, "--location", "L"], environ(home, TERM="xterm"))  # noqa: S606
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

    def ended(self) -> int:
        """Wait for the command; its exit status."""
        pid, self.pid = self.pid, 0
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def close(self) -> None:
        """Close the terminal itself."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def end(self) -> None:
        """Leave nothing behind."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.ended()
        if self._reading.is_alive():
            self._reading.join()
        self.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as home:
        yield home


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
    os.kill(terminal.pid, signal.SIGHUP)
    assert await asyncio.to_thread(terminal.ended) == 3
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
    await asyncio.to_thread(unread.ended)
    assert await _state(home) == (State.RUNNING, "")


async def test_a_terminal_that_stops_reading_stops_nothing(home: Path, unread: Terminal) -> None:
    # Ctrl-S; and nothing is ever read here.
    termios.tcflow(unread.fd, termios.TCOOFF)
    await asyncio.to_thread(until, (home / "run" / "engine.sock").exists)

    async def done() -> bool:
        async with attached(home) as client:
            return [record.state for record in await client.imports()] == [State.DONE]

    await soon(done)


async def test_ctrl_c_pauses(home: Path, terminal: Terminal) -> None:
    await asyncio.to_thread(freeze, home)
    terminal.type(b"\x03")
    assert await asyncio.to_thread(terminal.ended) == 3
    assert await _state(home) == (State.PAUSED, "by Ctrl-C")
    terminal.end()
    assert b"PAUSED" in terminal.seen
