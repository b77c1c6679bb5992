"""Commands that only look beside an engine of another version, which is in the middle of an import."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.engines import PATIENCE, clip, environ, lading, swept, the_engine, until
from tui.console.exits import Exit

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

NEWER = "import core, sys; core.VERSION = '99.0'; from tui.cli import main; sys.argv[0] = 'lading'; main()"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as home:
        given = str(clip(tmp_path / "card")), "--archive", str(tmp_path / "archive"), "--location", "Here"
        begun = lading(home, "import", *given, "--detach", more={"LADING_READ_LIMIT": "1"})
        assert begun.returncode == Exit.WELL, begun.stderr
        # The source is listed.
        until(lambda: json.loads(lading(home, "imports", "--json").stdout)[0]["todo"])
        yield home


def newer(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command of a newer version than the engine's."""
    return subprocess.run(
        [sys.executable, "-c", NEWER, *arguments],
        env=environ(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def answered(home: Path, *arguments: str) -> Any:
    """What such a command prints as JSON."""
    done = newer(home, *arguments, "--json")
    assert done.returncode == Exit.WELL, done.stderr
    return json.loads(done.stdout)


def test_what_it_does_is_not_called_interrupted(home: Path) -> None:
    (view,) = answered(home, "status")["imports"]
    assert (view["state"], view["reason"], view["advice"]) == ("running", "", "")
    assert [record["state"] for record in answered(home, "imports")] == ["running"]
    assert [card["state"] for card in answered(home, "cards")] == ["running"]
    told = newer(home, "status")
    assert f"An engine of another version runs: process {the_engine(home).pid} is version" in told.stderr
    assert "No engine runs" not in told.stdout + told.stderr
    assert "no engine runs" not in newer(home, "queues").stdout
    asked = newer(home, "sheet", "card")
    assert asked.returncode == Exit.UNUSABLE
    assert "It is at work: wait until it is done" in asked.stderr


def test_once_it_is_killed_its_import_is_interrupted(home: Path) -> None:
    the_engine(home).kill()
    until(lambda: answered(home, "status")["imports"][0]["state"] == "paused")
    told = newer(home, "status")
    assert "No engine runs. Go on with: lading resume --all" in told.stdout
    assert "another version" not in told.stderr
