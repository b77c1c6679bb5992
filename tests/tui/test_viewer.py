"""The system's viewer: when there is one, what it is given, and that it leaves no zombie."""

import os
import sys
import threading
from pathlib import Path

import pytest

from core.errors import UsageError
from tui import viewer

INSTEAD = "Look elsewhere."

FOUND = {"PATH": "/usr/bin"}


@pytest.fixture
def viewing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an xdg-open, a shell script, which begins like this."""
    script = tmp_path / "bin/xdg-open"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    return script


@pytest.mark.parametrize(
    ("system", "environ"),
    [
        ("linux", {}),
        ("linux", {"DISPLAY": ""}),
        ("linux", {"SSH_CONNECTION": "1 2 3 4"}),
        ("darwin", {"SSH_CONNECTION": "1 2 3 4"}),
    ],
)
def test_where_there_is_no_display_it_says_what_can(system: str, environ: dict[str, str]) -> None:
    with pytest.raises(UsageError) as raised:
        viewer.program(system, FOUND | environ, INSTEAD)
    assert str(raised.value) == f"No viewer: no display here. {INSTEAD}"


@pytest.mark.parametrize(
    ("system", "environ", "name"),
    [
        ("linux", {"DISPLAY": ":0"}, "xdg-open"),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, "xdg-open"),
        ("linux", {"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "1 2 3 4"}, "xdg-open"),
        ("darwin", {}, "open"),
    ],
)
def test_the_program_of_each_system(tmp_path: Path, system: str, environ: dict[str, str], name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is not installed"):
        viewer.program(system, {"PATH": str(tmp_path)} | environ, INSTEAD)
    (tmp_path / name).write_text("#!/bin/sh\n")
    (tmp_path / name).chmod(0o755)
    assert viewer.program(system, {"PATH": str(tmp_path)} | environ, INSTEAD) == str(tmp_path / name)


def test_it_is_given_the_path_as_one_argument(viewing: Path, tmp_path: Path) -> None:
    viewing.write_text(f'#!/bin/sh\nprintf "%s|" "$#" "$@" >{tmp_path}/told\n')
    viewer.show("/a b/$(x);'c.jpg", INSTEAD, "linux")
    assert (tmp_path / "told").read_text() == "1|/a b/$(x);'c.jpg|"


def test_one_that_fails_is_told(viewing: Path) -> None:
    viewing.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(UsageError, match="xdg-open ended with 3"):
        viewer.show("/a.jpg", INSTEAD, "linux")
    viewing.write_text("no program")
    with pytest.raises(UsageError, match="cannot be started"):
        viewer.show("/a.jpg", INSTEAD, "linux")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_one_that_stays_is_reaped_when_it_ends(
    viewing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "BEGINNING", 0.1)
    os.mkfifo(tmp_path / "closed")
    viewing.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\nread closed <{tmp_path}/closed\nexit 1\n")
    viewer.show("/a.jpg", INSTEAD, "linux")
    (waiting,) = [thread for thread in threading.enumerate() if thread.name == "viewer"]
    (tmp_path / "closed").write_text("\n")
    waiting.join()
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
