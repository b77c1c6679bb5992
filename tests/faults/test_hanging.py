"""A volume that hangs as no signal can end: the screen, the commands, Ctrl-C and the engine's stop answer."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from core.errors import ArchiveError
from tests.rigs import disks, machines, passthrough, samba
from tests.rigs.engines import (
    COMMAND,
    PATIENCE,
    ROOT,
    attached,
    card,
    engine_of,
    environ,
    gone,
    lading,
    request,
    soon,
    swept,
    the_engine,
    until,
)
from tests.rigs.passthrough import HANG, Switch
from tests.tui.app.terminal import terminal
from tui.console.exits import Exit

pytestmark = [machines.root, pytest.mark.timeout(300)]

NO_ANSWER = 6.0
"""Seconds after which a command whose engine hangs is taken to do so."""


class Hanging:
    """An archive, what makes it hang, and what makes it go on."""

    def __init__(self, archive: Path, hang: Callable[[], object], go_on: Callable[[], object]) -> None:
        self.archive, self.hang, self.go_on = archive, hang, go_on


@contextmanager
def frozen(folder: Path) -> Iterator[Hanging]:
    """ext4 that is frozen: whoever writes to it waits, deaf to every signal."""
    with disks.disk(folder, "ext4", 256 << 20) as disk:

        def thaw() -> None:
            subprocess.run(["fsfreeze", "-u", str(disk.path)], capture_output=True, check=False)

        try:
            yield Hanging(disk.path / "archive", lambda: disks.run("fsfreeze", "-f", str(disk.path)), thaw)
        finally:
            thaw()


@contextmanager
def stopped(folder: Path) -> Iterator[Hanging]:
    """A NAS that says nothing any more, mounted by rclone."""
    with samba.server(folder / "smb") as server:
        yield Hanging(server.rclone().share / "archive", server.hang, server.go_on)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    # The volume is asked for after it, so that nothing hangs any more when its engine is swept away.
    with swept(tmp_path / "home") as home:
        yield home


def importing(hanging: Hanging, folder: Path) -> list[str]:
    """The command for an import that is not through soon."""
    source = card(folder / "card", 150, 1 << 20)
    return [*COMMAND, "import", str(source), "--archive", str(hanging.archive), "--location", "Far"]


def status(home: Path) -> dict[str, Any]:
    """The import as `lading status` has it."""
    seen = lading(home, "status", "--json")
    assert seen.returncode == Exit.WELL, seen.stderr
    (view,) = json.loads(seen.stdout)["imports"]
    found: dict[str, Any] = view
    return found


@pytest.mark.promise(12)
@pytest.mark.parametrize("made", [frozen, stopped], ids=["fsfreeze", "smbd"])
def test_everything_answers_and_the_engine_stops(home: Path, tmp_path: Path, made: Callable[[Path], Any]) -> None:
    """All of it while the archive hangs, which it does until the end."""
    # Slow enough that it hangs in the middle, however long a look at it takes.
    more = environ(home, LADING_READ_LIMIT="4")
    with (
        made(tmp_path) as hanging,
        terminal(command=importing(hanging, tmp_path), more=more) as attached,
        terminal(command=COMMAND, more=more) as app,
    ):
        app.until(b"Far", PATIENCE)
        until(lambda: attached.read(0.05) is not None and status(home)["archived"]["files"])
        hanging.hang()
        assert status(home)["archived"]["files"] < 150
        attached.type(b"\x03")
        assert attached.ended(PATIENCE) == Exit.PAUSED
        assert status(home)["state"] == "paused"
        assert lading(home, "imports").returncode == Exit.WELL
        # Its screen looks at all volumes.
        app.type(b"n")
        app.until(b"INSIDE", PATIENCE)
        app.type(b"q")
        assert app.ended(PATIENCE) == Exit.WELL
        engine = the_engine(home)
        assert lading(home, "engine", "stop").returncode == Exit.WELL
        gone([engine], PATIENCE)


LOOKING = """
import threading, psutil, time
from core.volumes.volume import volumes
threading.Thread(target=volumes, args=(3600.0,), daemon=True).start()
while not any(path in one.cmdline() for one in psutil.Process().children()):
    time.sleep(0.05)
"""


@pytest.mark.promise(12)
def test_a_look_at_the_volumes_holds_up_no_end(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through:
        through.set(Switch("getattr", delay=HANG))
        command = [sys.executable, "-c", f"path = {str(through.path)!r}{LOOKING}"]
        done = subprocess.run(command, cwd=ROOT, timeout=PATIENCE, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


BLOCKING = f"""
import sys
if "core.server.daemonize" in sys.orig_argv:
    sys.path.append({ROOT!r})
    import os
    from core.engine.engine import Engine
    snapshot = Engine.snapshot
    def touching(self):
        for one in self.imports.under_way.values():
            with open(os.path.join(one.run.archive.path, "touched"), "wb") as file:
                file.write(b"x")
                os.fsync(file.fileno())
        return snapshot(self)
    Engine.snapshot = touching
"""


@pytest.mark.control(12)
def test_control_an_engine_that_touches_the_archive_itself_hangs(home: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/sitecustomize.py").write_text(BLOCKING)
    more = environ(home, LADING_READ_LIMIT="4") | {"PYTHONPATH": f"{tmp_path / 'broken'}:{ROOT}"}
    with frozen(tmp_path) as hanging:
        begin = [*importing(hanging, tmp_path), "--detach"]
        subprocess.run(begin, env=more, check=True, capture_output=True, timeout=PATIENCE)
        hanging.hang()
        with subprocess.Popen(
            [*COMMAND, "status", "--json"], env=environ(home), stdout=subprocess.DEVNULL
        ) as asked:
            try:
                # In the kernel, deaf.
                until(lambda: the_engine(home).status() == psutil.STATUS_DISK_SLEEP)
                with pytest.raises(subprocess.TimeoutExpired):
                    asked.wait(NO_ANSWER)
                assert the_engine(home).status() == psutil.STATUS_DISK_SLEEP
            finally:
                hanging.go_on()
            assert asked.wait(PATIENCE) == Exit.WELL
    assert engine_of(home)


async def test_a_picture_of_an_archive_that_hangs_is_an_error_and_lists_go_on(home: Path, tmp_path: Path) -> None:
    source = tmp_path / "card"
    source.mkdir()
    Image.new("RGB", (640, 480), (9, 90, 200)).save(source / "IMG_0001.jpg")
    with passthrough.mounted(tmp_path / "nas") as nas:
        async with attached(home) as client:
            (name,) = await client.start_imports([request(source, nas.path / "archive")])
            await client.wait([name])
            (file,) = (await client.files(name)).files

            async def shown() -> bytes:
                with suppress(ArchiveError):
                    return await client.picture(file.sha256)
                return b""

            await soon(shown)
            nas.set(Switch("*", delay=HANG))
            asked = asyncio.create_task(client.picture(file.sha256))
            viewed = asyncio.create_task(client.copy_to_view(file.sha256, file.path))
            assert (await client.files(name)).total == 1
            assert (await client.imports())[0].verdict == "SAFE"
            assert not asked.done()
            for hanging in (asked, viewed):
                with pytest.raises(ArchiveError, match="does not answer"):
                    await hanging
            nas.set()
            await soon(shown)
