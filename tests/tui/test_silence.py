"""An engine that was stopped, as commands tell it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.engines import COMMAND, card, environ, lading, swept, the_engine
from tui.console.exits import Exit

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as home:
        source, archive = card(tmp_path / "card"), tmp_path / "archive"
        assert lading(home, "import", str(source), "--archive", str(archive), "--location", "X").returncode == 0
        yield home


def told(home: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command beside a stopped engine, which goes on once that was told: status, output, what was told."""
    engine = the_engine(home)
    engine.send_signal(signal.SIGSTOP)
    command = subprocess.Popen(
        [*COMMAND, *arguments],
        env=environ(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with command:
        assert command.stderr
        first = command.stderr.readline()
        engine.send_signal(signal.SIGCONT)
        out, rest = command.communicate()
        return command.returncode, out, first + rest


@pytest.mark.parametrize("arguments", [("find", "IMG", "--json"), ("audit", "--json")], ids=["sync", "async"])
def test_it_is_told_and_the_command_goes_on(home: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    more = ("--archive", str(tmp_path / "archive")) if arguments[0] == "audit" else ()
    status, out, words = told(home, *arguments, *more)
    assert status == Exit.WELL, words
    assert f"process {the_engine(home).pid}, does not answer; waiting." in words
    assert words.endswith("The engine answers again.\n")
    assert json.loads(out)
