"""A real SSH session on the loopback that dies in the middle of an import."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.rigs.engines import PATIENCE, clip, freeze, swept, until
from tests.rigs.sshd import Server, serving

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "darwin", reason="macOS starts sshd by launchd only"),
]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as home:
        yield home


@pytest.fixture
def server(tmp_path: Path, home: Path) -> Iterator[Server]:
    with serving(tmp_path / "sshd", home) as one:
        yield one


def test_an_import_outlives_its_session(server: Server, home: Path, tmp_path: Path) -> None:
    archive = str(tmp_path / "archive")
    card = str(clip(tmp_path / "card"))
    session = subprocess.Popen(
        server.command("import", card, "--archive", archive, "--location", "Far", terminal=True),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    frozen = freeze(home)
    session.send_signal(signal.SIGKILL)
    session.communicate()

    seen = json.loads(server.run("status", "--json"))
    (view,) = seen["imports"]
    assert (view["state"], view["location"]) == ("running", "Far")
    assert any(flight["import_id"] == view["id"] for flight in seen["in_flight"])
    # The dead session's command is gone, and it has left nothing but itself.
    until(lambda: "0 terminals attached" in server.run("engine", "status"))
    assert json.loads(server.run("status", "--json"))["imports"][0]["state"] == "running"

    assert f"{view['id']} is paused." in server.run("pause", view["id"])
    for worker in frozen:
        worker.resume()
    (view,) = json.loads(server.run("status", "--json"))["imports"]
    assert (view["state"], view["reason"]) == ("paused", "by the user")
    assert server.run("resume", view["id"]).startswith("SAFE")


def test_a_session_that_ends_at_once_leaves_the_import_to_the_engine(
    server: Server, home: Path, tmp_path: Path
) -> None:
    archive = str(tmp_path / "archive")
    card = str(clip(tmp_path / "card", size=64 << 20))
    id = server.run("import", card, "--archive", archive, "--location", "Far", "--detach").strip()

    def done() -> bool:
        return [one["verdict"] for one in json.loads(server.run("imports", "--json"))] == ["SAFE"]

    until(done)
    assert id in server.run("receipt", id)


def writing(process: psutil.Process) -> bool:
    """Whether a thread of a process is inside write(2), and still there a moment later."""
    number = {"x86_64": "1", "aarch64": "64"}[os.uname().machine]

    def inside() -> set[str]:
        found = set[str]()
        for path in Path(f"/proc/{process.pid}/task").glob("*/syscall"):
            # A thread may have ended.
            with suppress(OSError):
                if path.read_text().split()[0] == number:
                    found.add(str(path))
        return found

    before = inside()
    time.sleep(1)
    return bool(before & inside())


def test_a_terminal_that_stops_reading_for_a_while_stops_nothing(
    server: Server, home: Path, tmp_path: Path
) -> None:
    """The session's sshd is stopped, as by a network that takes nothing more: the command's terminal fills up."""
    archive = str(tmp_path / "archive")
    card = str(clip(tmp_path / "card"))
    arguments = ("import", card, "--archive", archive, "--location", "Far", "--format", "json")
    session = subprocess.Popen(
        server.command(*arguments, terminal=True), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    frozen = freeze(home)
    command, stopped = server.session()
    for one in stopped:
        one.suspend()
    try:
        until(lambda: writing(command), timeout=2 * PATIENCE)
        for worker in frozen:
            worker.resume()
        until(lambda: [one["verdict"] for one in json.loads(server.run("imports", "--json"))] == ["SAFE"])
        assert writing(command)
    finally:
        for one in stopped:
            one.resume()
        shown, _ = session.communicate(timeout=2 * PATIENCE)
    assert session.returncode == 0
    assert json.loads(shown.splitlines()[-1])["verdict"] == "SAFE"
