"""Engines as processes of their own."""

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core import log
from core.client import launcher
from core.config import Config
from core.engine.state_lock import LOCK_FILE
from core.errors import DatabaseError
from core.models import State
from core.protocol.transport import find
from core.schema import DATABASE_FILE
from tests.rigs.engines import (
    COMMAND,
    PATIENCE,
    SLOWLY,
    alive,
    attached,
    clip,
    engine_of,
    environ,
    freeze,
    gone,
    lading,
    request,
    the_engine,
    until,
)

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


STARTING = ("queues", "resume", "bagit")
"""A command that starts an engine: those that only look do not."""

# Start


def test_an_engine_has_no_terminal(home: Path, tmp_path: Path) -> None:
    with open(tmp_path / "inherited", "wb") as file:
        os.set_inheritable(file.fileno(), True)
        subprocess.run(
            [sys.executable, "-c", "from tui.cli import main; main()", *STARTING],
            env=environ(home, TERM="xterm", SSH_TTY="/dev/pts/1", LADING_CONFIG=""),
            stdin=subprocess.DEVNULL,
            close_fds=False,
            check=True,
            capture_output=True,
        )
    process = the_engine(home)
    assert process.terminal() is None
    assert os.getsid(process.pid) != os.getsid(0)
    assert os.getsid(process.pid) != process.pid, "a session's leader can get a terminal"
    assert process.cwd() == "/"
    assert not {"TERM", "SSH_TTY"} & set(process.environ())
    assert process.environ()["LADING_HOME"] == str(home)
    assert "inherited" not in {os.path.basename(file.path) for file in process.open_files()}
    for path in (home, home / "run", home / "log", home / DATABASE_FILE):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_hangup_is_nothing_to_it(home: Path) -> None:
    assert lading(home, *STARTING).returncode == 0
    process = the_engine(home)
    process.send_signal(signal.SIGHUP)
    assert lading(home, "status").returncode == 0
    assert the_engine(home) == process


def test_commands_share_an_engine(home: Path) -> None:
    for arguments in (STARTING, ["imports"], ["status", "--json"], STARTING):
        assert lading(home, *arguments).returncode == 0
    starts = [line for line in log.last(str(home), 100) if '"the engine runs"' in line]
    assert len(starts) == 1


def test_an_engine_stays_when_who_started_it_was_killed(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as status:
        subprocess.run(
            [sys.executable, "-P", "-m", "core.server.daemonize", str(status.fileno()), "600"],
            env=environ(home),
            pass_fds=(status.fileno(),),
            check=True,
        )
    until(lambda: engine_of(home) is not None)
    process = the_engine(home)
    assert lading(home, *STARTING).returncode == 0
    assert the_engine(home) == process
    assert not [line for line in log.last(str(home), 100) if '"error"' in line]


async def test_engines_started_in_the_same_instant_are_one(home: Path) -> None:
    for _ in range(3):
        commands = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from tui.cli import main; main()", *STARTING),
                env=environ(home),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(4)
        ]
        for command in commands:
            out, err = await command.communicate()
            assert (command.returncode, out[:5], err) == (0, b"QUEUE", b"")
        # Those that found another one there have told so, and are about to leave.
        await asyncio.to_thread(until, lambda: _engines_of(home) == [the_engine(home)])
        process = the_engine(home)
        process.kill()
        gone([process])


def _engines_of(home: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "core.server.daemonize" in (process.info["cmdline"] or []) and _home_of(process) == str(home)
    ]


def _home_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("LADING_HOME") if alive(process) else None
    except psutil.Error:
        return None


async def test_what_keeps_an_engine_from_starting_is_told(home: Path) -> None:
    os.mkdir(home)
    (home / DATABASE_FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(DatabaseError):
        await launcher.attach(Config(home=str(home)))
    found = lading(home, *STARTING)
    assert found.returncode == 4
    assert found.stderr.startswith("Database not usable: ")
    until(lambda: engine_of(home) is None)


@pytest.mark.parametrize("in_the_way", ["log", "log/engine.log"])
def test_a_state_folder_without_a_log_is_told(home: Path, in_the_way: str) -> None:
    path = home / in_the_way
    path.parent.mkdir(parents=True)
    if path.suffix:
        path.mkdir()
    else:
        path.touch()
    found = lading(home, *STARTING)
    assert found.returncode == 4
    assert found.stderr.startswith("Engine not usable: it cannot be started: ")


# End


@pytest.mark.parametrize("restored", [False, True])
def test_an_engine_whose_state_folder_is_removed_or_replaced_leaves(home: Path, restored: bool) -> None:
    """It would keep the socket and the archives' locks, and write into a catalog that nobody finds any more."""
    assert lading(home, *STARTING).returncode == 0
    process = the_engine(home)
    away = home.with_name("away")
    if restored:
        shutil.copytree(home, home.with_name("backup"), ignore=shutil.ignore_patterns("run"))
    home.rename(away)
    if restored:
        home.with_name("backup").rename(home)
    until(lambda: not alive(process))
    assert home.exists() == restored
    assert lading(home, *STARTING).returncode == 0
    assert the_engine(home) != process


def test_an_import_whose_engine_lost_its_state_folder_is_to_be_begun_again(tmp_path: Path, home: Path) -> None:
    """No next engine knows of it, so that it does not go on by itself."""
    source, archive = clip(tmp_path / "card"), str(tmp_path / "archive")
    begin = [*COMMAND, "import", str(source), "--archive", archive, "--location", "Here", "--json"]
    importing = subprocess.Popen(begin, env=environ(home, **SLOWLY), stdout=subprocess.PIPE, text=True)
    until(lambda: list(Path(archive).glob(".lading/staging/*/*")))
    home.rename(home.with_name("away"))
    told, _ = importing.communicate(timeout=PATIENCE)
    last = json.loads(told.splitlines()[-1])
    assert last["reason"] == "the state folder was removed or replaced"
    assert last["advice"] == "Import again: what has arrived is not copied twice."


def test_an_idle_engine_leaves(home: Path) -> None:
    asyncio.run(launcher.launch(Config(home=str(home)), "0.5"))
    # It may have left already.
    if process := engine_of(home):
        gone([process])
    assert '"the engine leaves: it is idle"' in "".join(log.last(str(home), 100))
    assert not os.path.exists(find(str(home)))
    assert lading(home, "engine", "status").stdout == "No engine runs.\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every engine leaves when it is idle for a moment, also one that was started because the first had left."""
    before = launcher.launch

    async def launch(settings: Config) -> None:
        await before(settings, "0.2")

    monkeypatch.setattr(launcher, "launch", launch)


@pytest.mark.usefixtures("impatient")
async def test_an_engine_stays_while_somebody_is_attached(home: Path) -> None:
    async with attached(home) as client:
        process = the_engine(home)
        await asyncio.sleep(1.0)
        await client.subscribe()
        assert alive(process)
    gone([process])


@pytest.mark.usefixtures("impatient")
async def test_an_engine_stays_while_an_import_runs_and_not_while_it_is_paused(home: Path, tmp_path: Path) -> None:
    async with attached(home) as client:
        (id,) = await client.start_imports([request(clip(tmp_path / "card"), tmp_path / "archive")])
        frozen = await asyncio.to_thread(freeze, home)
    process = the_engine(home)
    await asyncio.sleep(1.0)
    assert alive(process)
    async with attached(home) as client:
        await client.pause_import(id)
        for worker in frozen:
            worker.resume()
    gone([process])
    async with attached(home) as client:
        record = await client.find(id)
        assert (record.state, record.reason) == (State.PAUSED, "by the user")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(home: Path, number: int) -> None:
    lading(home, *STARTING)
    process = the_engine(home)
    family = [process, *process.children(recursive=True)]
    process.send_signal(number)
    gone(family)
    (last,) = log.last(str(home), 1)
    assert '"status": 0' in last
    assert not os.path.exists(find(str(home)))


def test_stop_ends_it(home: Path) -> None:
    assert lading(home, "engine", "stop").stdout == "No engine runs.\n"
    lading(home, *STARTING)
    process = the_engine(home)
    assert lading(home, "engine", "status").stdout.startswith(f"Engine 0.1.0, process {process.pid}, for ")
    assert lading(home, "engine", "stop").stdout == "Stopped.\n"
    # It closes its connections a moment before its process ends.
    until(lambda: engine_of(home) is None)


def test_it_can_be_run_in_the_foreground(home: Path) -> None:
    command = [sys.executable, "-c", "from tui.cli import main; main()", "engine", "run"]
    with subprocess.Popen(command, env=environ(home), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline() == f"The engine runs, process {process.pid}. Ctrl-C stops it.\n"
        assert lading(home, "status").returncode == 0
        assert (home / LOCK_FILE).read_text() == str(process.pid)
        second = subprocess.run(command, env=environ(home), capture_output=True, text=True, check=False)
        assert second.stderr == f"An engine runs already, process {process.pid}.\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
