"""Sleep is held off by a child, which goes with the engine."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.engine.keep_awake import Awake, command
from tests.rigs.engines import ROOT, alive, gone, soon

pytestmark = pytest.mark.process


def test_macos_is_told_whom_to_wait_for() -> None:
    assert command("darwin", 77) == ["/usr/bin/caffeinate", "-i", "-m", "-w", "77"]


def test_linux_is_asked_by_its_own_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command("linux", 77) is None
    tool = tmp_path / "systemd-inhibit"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    found = command("linux", 77)
    assert found
    assert found[:2] == [str(tool), "--what=idle:sleep"]
    assert found[-1] == "cat"


Children = Callable[[], list[psutil.Process]]


@pytest.fixture
def children() -> Children:
    """The children that live now, but for those that another test has left: killed, and not gone yet."""
    others = psutil.Process().children()
    return lambda: [child for child in psutil.Process().children() if child not in others and alive(child)]


async def test_it_holds_and_lets_go(children: Children) -> None:
    awake = Awake(["/bin/cat"])
    await awake.hold(False)
    assert children() == []
    await awake.hold(True)
    await awake.hold(True)
    assert len(children()) == 1
    await awake.hold(False)
    assert children() == []


async def test_one_that_waits_for_a_process_is_ended(children: Children) -> None:
    awake = Awake(["/bin/sh", "-c", "exec sleep 100", "-w"])
    await awake.hold(True)
    await awake.hold(False)
    assert children() == []


@pytest.mark.parametrize("argv", [["/nowhere/tool"], ["/bin/sh", "-c", "exit 1"]])
async def test_a_tool_that_fails_is_only_noted(
    argv: list[str], caplog: pytest.LogCaptureFixture, children: Children
) -> None:
    awake = Awake(argv)
    await awake.hold(True)

    async def ended() -> bool:
        return not children()

    await soon(ended)
    await asyncio.sleep(0)
    await awake.hold(False)
    assert "sleep" in caplog.text


def test_it_dies_with_the_engine() -> None:
    code = (
        "import asyncio\n"
        "from core.engine.keep_awake import Awake\n"
        "async def main():\n"
        "    await Awake(['/bin/cat']).hold(True)\n"
        "    print('held', flush=True)\n"
        "    await asyncio.sleep(100)\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ROOT}
    ) as engine:
        assert engine.stdout
        assert engine.stdout.readline() == b"held\n"
        family = psutil.Process(engine.pid).children()
        assert len(family) == 1
        engine.send_signal(signal.SIGKILL)
        engine.wait()
        gone(family)
