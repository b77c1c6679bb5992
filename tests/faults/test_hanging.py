"""A volume that hangs as no signal can end: the screen, the commands, Ctrl-C and the engine's stop answer."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.rigs import disks, machines, samba
from tests.rigs.engines import COMMAND, PATIENCE, card, engine_of, environ, gone, lading, swept, the_engine, until
from tests.tui.app import terminal

pytestmark = [machines.root, pytest.mark.timeout(600)]

ROOT = str(Path(__file__).resolve().parents[2])


class Hanging:
    """An archive, what makes it hang, and what makes it go on."""

    def __init__(self, archive: Path, hang: Callable[[], object], go_on: Callable[[], object]) -> None:
        self.archive, self.hang, self.go_on = archive, hang, go_on


@contextmanager
def frozen(tmp_path: Path) -> Iterator[Hanging]:
    """ext4 that is frozen: whoever writes to it waits, deaf to every signal."""
    with disks.disk(tmp_path, "ext4", 256 << 20) as disk:
        path = str(disk.path)

        def thaw() -> None:
            subprocess.run(["fsfreeze", "-u", path], capture_output=True, check=False)

        try:
            yield Hanging(disk.path / "archive", lambda: disks.run("fsfreeze", "-f", path), thaw)
        finally:
            thaw()


@contextmanager
def stopped(tmp_path: Path) -> Iterator[Hanging]:
    """A NAS that says nothing any more, mounted by rclone."""
    with samba.server(tmp_path / "smb") as server:
        yield Hanging(server.rclone().share / "archive", server.hang, server.go_on)


@pytest.fixture(params=[frozen, stopped], ids=["fsfreeze", "smbd"])
def hanging(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hanging]:
    with ExitStack() as stack:
        yield stack.enter_context(request.param(tmp_path))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as home:
        yield home


def begun(hanging: Hanging, home: Path, source: Path) -> str:
    """An import whose workers hang in the archive; its id."""
    arguments = [str(source), "--archive", str(hanging.archive), "--location", "Far", "--detach"]
    started = lading(home, "import", *arguments)
    assert started.returncode == 0, started.stderr
    view = status(home)
    until(lambda: status(home)["archived"]["files"] or status(home)["state"] != "running")
    hanging.hang()
    return str(view["id"])


def status(home: Path) -> dict[str, Any]:
    """The import as `lading status` has it: the command answers within its patience."""
    seen = lading(home, "status", "--json")
    assert seen.returncode == 0, seen.stderr
    (view,) = json.loads(seen.stdout)["imports"]
    found: dict[str, Any] = view
    return found


def many(folder: Path) -> Path:
    """A source that is not through soon."""
    return card(folder, 150, 1 << 20)


def check_answers(hanging: Hanging, home: Path, source: Path) -> None:
    """Every way to talk to the engine answers while its workers hang; then it stops."""
    id = begun(hanging, home, source)
    assert status(home)["id"]
    with terminal.terminal(command=COMMAND, more=environ(home)) as screen:
        screen.until(b"Far", PATIENCE)
        screen.type(b"?")
        screen.until(b"help", PATIENCE)
        screen.type(b"\x1bq")
        screen.ended(PATIENCE)
    assert lading(home, "pause", id).returncode == 0
    with terminal.terminal(command=[*COMMAND, "resume", id], more=environ(home)) as following:
        until(lambda: status(home)["state"] == "running")
        # Ctrl-C, as its terminal sends it.
        following.type(b"\x03")
        following.ended(PATIENCE)
    until(lambda: status(home)["state"] == "paused")
    engine = the_engine(home)
    stopped = lading(home, "engine", "stop")
    assert stopped.returncode == 0, stopped.stderr
    gone([engine], PATIENCE)


@pytest.mark.promise(12)
def test_everything_answers_and_the_engine_stops(hanging: Hanging, home: Path, tmp_path: Path) -> None:
    check_answers(hanging, home, many(tmp_path / "card"))
    hanging.go_on()


BLOCKING = f"""
import sys
if "core.engine.process" in sys.orig_argv:
    sys.path.append({ROOT!r})
    from core.engine.engine import Engine
    tick = Engine._tick
    async def look(self):
        import asyncio, os
        loop = asyncio.get_running_loop()
        def touch():
            for one in self.under_way.values():
                with open(os.path.join(one.run.archive.path, "touched"), "wb") as file:
                    file.write(b"x")
                    os.fsync(file.fileno())
            loop.call_later(0.2, touch)
        loop.call_later(0.2, touch)
        await tick(self)
    Engine._tick = look
"""


@pytest.mark.control(12)
def test_control_an_engine_that_touches_the_archive_itself_hangs(tmp_path: Path, home: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/sitecustomize.py").write_text(BLOCKING)
    source = many(tmp_path / "card")
    with frozen(tmp_path) as hanging:
        path = os.pathsep.join([str(tmp_path / "broken"), ROOT])
        arguments = [str(source), "--archive", str(hanging.archive), "--location", "Far", "--detach"]
        env = environ(home) | {"PYTHONPATH": path}
        subprocess.run(
            [*COMMAND, "import", *arguments], env=env, check=True, capture_output=True, timeout=PATIENCE
        )
        hanging.hang()
        engine = the_engine(home)
        # In the kernel, deaf: not even asked for its status does it answer.
        until(lambda: engine.status() == psutil.STATUS_DISK_SLEEP)
        with pytest.raises(subprocess.TimeoutExpired):
            lading(home, "status", "--json", timeout=8)
        hanging.go_on()
        until(lambda: lading(home, "status").returncode == 0)
    assert engine_of(home) is not None
