"""A state folder of another user, as `sudo lading` that keeps HOME meets it, is refused before it is touched."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest

from core import ownership
from core.errors import ConfigError
from tests.rigs import machines
from tui import cli
from tui.console import crash
from tui.console.output import Console, Output

pytestmark = machines.root

USER = 5001
"""A user who is not root, and has no name here."""

LINES = (
    ("status",),
    ("imports",),
    ("import", "card", "--archive", "archive", "--location", "L"),
    ("import", "card", "--archive", "archive", "--location", "L", "--dry-run"),
    ("receipt", "2025"),
    ("find", "x"),
    ("check", "card", "--archive", "archive"),
    ("audit", "--archive", "archive"),
    ("rebuild", "archive"),
    ("queues",),
    ("jobs",),
    ("retry",),
    ("location",),
    ("show", "ab"),
    ("engine", "status"),
    ("engine", "stop"),
    ("engine", "run"),
    ("log",),
    ("doctor",),
    ("pause", "2025"),
    ("resume", "2025"),
    ("cancel", "2025"),
)


def tree(home: Path) -> dict[str, tuple[int, ...]]:
    """All that is in a folder, with owner, mode, size and times."""
    found: dict[str, tuple[int, ...]] = {}
    for path in [home, *home.rglob("*")]:
        facts = path.lstat()
        found[str(path)] = (facts.st_uid, facts.st_mode, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    return found


@pytest.fixture
def home() -> Iterator[Path]:
    """A user's home folder, with the state folder that an engine of theirs has left."""
    # pytest's own folders let nobody else in.
    top = Path(tempfile.mkdtemp())
    top.chmod(0o755)
    made = top / "user/state"
    for folder in ("log", "run", "scratch"):
        (made / folder).mkdir(parents=True)
    for name in ("lading.db", "lading.lock", "log/engine.log"):
        (made / name).write_bytes(b"theirs")
    given(top / "user", USER)
    (top / "card").mkdir()
    yield made
    shutil.rmtree(top)


def given(folder: Path, user: int) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user, user)


@pytest.mark.promise(39)
@pytest.mark.parametrize("line", LINES, ids=" ".join)
@pytest.mark.parametrize("there", [True, False])
def test_root_is_refused_in_a_users_state_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, line: tuple[str, ...], there: bool
) -> None:
    monkeypatch.chdir(home.parent.parent)
    place = home if there else home.parent / "not/yet"
    before = tree(home.parent)
    status, text = run_here(place, line)
    assert (status, "Not your state folder" in text) == (2, True), text
    assert f"Run it as {USER}, not with sudo" in text
    assert "sudo -H" in text
    assert tree(home.parent) == before
    assert not (home.parent.parent / "archive").exists()


def run_here(home: Path, line: tuple[str, ...]) -> tuple[int, str]:
    """A command line in this process: its status and all that it wrote."""
    written = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LADING_HOME", str(home))
        status = cli.run(line, Console(Output(written, {}), Output(written, {})))
    return status, written.getvalue()


@pytest.fixture
def as_user(home: Path) -> Iterator[Callable[[], None]]:
    """From its call on, this process is that user, as far as the file system asks."""
    yield lambda: os.seteuid(USER)
    os.seteuid(0)


@pytest.mark.promise(39)
@pytest.mark.parametrize("left", [".", "lading.db", "scratch", "log/engine.log"])
def test_what_root_has_left_is_named_with_the_command_that_mends_it(
    home: Path, as_user: Callable[[], None], left: str
) -> None:
    os.chown(home / left, 0, 0)
    before = tree(home.parent)
    as_user()
    status, text = run_here(home, ("status",))
    assert status == 2
    assert f"sudo chown -R {USER}: {home}" in text
    assert str(home / left) in text
    assert tree(home.parent) == before


@pytest.mark.promise(39)
def test_what_is_ones_own_is_used_also_with_roots_configuration(home: Path, as_user: Callable[[], None]) -> None:
    (home / "config.toml").write_text('operator = "Ada"\n')
    as_user()
    ownership.check(str(home))
    ownership.check(str(home.parent / "not/yet"))


def test_another_users_is_refused_without_a_command_that_could_not_help(
    home: Path, as_user: Callable[[], None]
) -> None:
    given(home, USER + 1)
    as_user()
    with pytest.raises(ConfigError) as caught:
        ownership.check(str(home))
    assert caught.value.advice == "Set LADING_HOME to a folder of yours."


def test_a_crash_is_not_written_there_either(home: Path) -> None:
    before = tree(home)
    assert "could not be written" in crash.report(RuntimeError("x"), {"LADING_HOME": str(home)})
    assert tree(home) == before


@pytest.mark.control(39)
def test_control_unchecked_root_writes_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "check", lambda home: None)
    before = tree(home)
    crash.report(RuntimeError("x"), {"LADING_HOME": str(home)})
    run_here(home, ("status",))
    assert tree(home) != before
    assert any(owner == 0 for owner, *_ in tree(home).values())
