"""Engines as processes of their own."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core import attach, log
from core.config import Config
from core.database import FILE
from core.errors import DatabaseError, EngineLostError, OtherVersionError
from core.models import State, Verdict
from tests.core.engine.stub import serving
from tests.rigs.engines import (
    alive,
    attached,
    clip,
    engine_of,
    environ,
    freeze,
    gone,
    lading,
    request,
    soon,
    swept,
    view,
)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as home:
        yield home


def settings(home: Path) -> Config:
    return Config(home=str(home))


def engine(home: Path) -> psutil.Process:
    found = engine_of(home)
    assert found
    return found


# Start


def test_an_engine_has_no_terminal(home: Path, tmp_path: Path) -> None:
    with open(tmp_path / "inherited", "wb") as file:
        os.set_inheritable(file.fileno(), True)
        subprocess.run(
            [sys.executable, "-c", "from tui.cli import main; main()", "status"],
            env=environ(home, TERM="xterm", SSH_CONNECTION="1 2 3 4", LADING_CONFIG=""),
            stdin=subprocess.DEVNULL,
            close_fds=False,
            check=True,
            capture_output=True,
        )
    process = engine(home)
    assert process.terminal() is None
    assert os.getsid(process.pid) != os.getsid(0)
    assert os.getsid(process.pid) != process.pid, "a session's leader can get a terminal"
    assert process.cwd() == "/"
    assert not {"TERM", "SSH_CONNECTION"} & set(process.environ())
    assert process.environ()["LADING_HOME"] == str(home)
    assert "inherited" not in {os.path.basename(file.path) for file in process.open_files()}
    for path in (home, home / "run", home / "log", home / FILE):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_hangup_is_nothing_to_it(home: Path) -> None:
    assert lading(home, "status").returncode == 0
    process = engine(home)
    process.send_signal(signal.SIGHUP)
    assert lading(home, "status").returncode == 0
    assert engine(home) == process


def test_commands_share_an_engine(home: Path) -> None:
    for arguments in (["status"], ["imports"], ["status", "--json"]):
        assert lading(home, *arguments).returncode == 0
    starts = [line for line in log.last(str(home), 100) if '"the engine runs"' in line]
    assert len(starts) == 1


async def test_engines_started_in_the_same_instant_are_one(home: Path) -> None:
    for _ in range(6):
        commands = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from tui.cli import main; main()", "status"),
                env=environ(home),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(4)
        ]
        for command in commands:
            out, err = await command.communicate()
            assert (command.returncode, out, err) == (0, b"Nothing is under way.\n", b"")
        ours = [
            process
            for process in psutil.process_iter(["cmdline"])
            if "core.process" in (process.info["cmdline"] or []) and _home_of(process) == str(home)
        ]
        assert ours == [engine(home)]
        for process in ours:
            process.kill()
        gone(ours)


def _home_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("LADING_HOME") if alive(process) else None
    except psutil.Error:
        return None


async def test_what_keeps_an_engine_from_starting_is_told(home: Path) -> None:
    os.mkdir(home)
    (home / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(DatabaseError):
        await attach.attach(settings(home))
    found = lading(home, "status")
    assert found.returncode == 4
    assert found.stderr.startswith("Database not usable: ")
    assert engine_of(home) is None


def test_a_state_folder_without_a_log_is_told(home: Path) -> None:
    home.mkdir()
    (home / "log").touch()
    found = lading(home, "status")
    assert found.returncode == 4
    assert found.stderr.startswith("Engine not usable: it cannot be started: ")


# End


def test_an_idle_engine_leaves(home: Path) -> None:
    asyncio.run(attach.launch(settings(home), "0.5"))
    process = engine(home)
    gone([process], 60)
    assert not (home / "run" / "engine.sock").exists()
    assert lading(home, "engine", "status").stdout == "No engine runs.\n"


async def test_an_engine_stays_while_somebody_is_attached(home: Path) -> None:
    await attach.launch(settings(home), "0.2")
    async with attached(home) as client:
        process = engine(home)
        await asyncio.sleep(1.0)
        await client.subscribe()
        assert alive(process)
    gone([process], 60)


async def test_an_engine_stays_while_an_import_runs_and_not_while_it_is_paused(home: Path, tmp_path: Path) -> None:
    await attach.launch(settings(home), "0.2")
    async with attached(home) as client:
        (id,) = await client.start_imports([request(clip(tmp_path / "card"), tmp_path / "archive")])
        frozen = await asyncio.to_thread(freeze, home)
    process = engine(home)
    await asyncio.sleep(1.0)
    assert alive(process)
    async with attached(home) as client:
        await client.pause_import(id)
        for worker in frozen:
            worker.resume()
    gone([process], 60)
    async with attached(home) as client:
        record = await client.find(id)
        assert (record.state, record.reason) == (State.PAUSED, "by the user")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(home: Path, number: int) -> None:
    lading(home, "status")
    process = engine(home)
    family = [process, *process.children(recursive=True)]
    process.send_signal(number)
    gone(family, 60)
    (last,) = log.last(str(home), 1)
    assert '"status": 0' in last
    assert not (home / "run" / "engine.sock").exists()


def test_stop_ends_it(home: Path) -> None:
    assert lading(home, "engine", "stop").stdout == "No engine runs.\n"
    lading(home, "status")
    process = engine(home)
    assert lading(home, "engine", "status").stdout.startswith(f"Engine 0.1.0, process {process.pid}, for ")
    assert lading(home, "engine", "stop").stdout == "Stopped.\n"
    assert engine_of(home) is None


def test_it_can_be_run_in_the_foreground(home: Path) -> None:
    command = [sys.executable, "-c", "from tui.cli import main; main()", "engine", "run"]
    with subprocess.Popen(command, env=environ(home), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline() == f"The engine runs, process {process.pid}. Ctrl-C stops it.\n"
        assert lading(home, "status").returncode == 0
        assert (home / "lading.lock").read_text() == str(process.pid)
        second = subprocess.run(command, env=environ(home), capture_output=True, text=True, check=False)
        assert second.stderr == f"An engine runs already, process {process.pid}.\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


async def test_stop_leaves_imports_to_the_next_engine(home: Path, tmp_path: Path) -> None:
    async with attached(home) as client:
        (id,) = await client.start_imports([request(clip(tmp_path / "card"), tmp_path / "archive")])
        for worker in await asyncio.to_thread(freeze, home):
            worker.resume()
        waiting = asyncio.create_task(client.wait([id]))
        told = await asyncio.to_thread(lading, home, "engine", "stop")
        assert told.stdout == "Stopped. 1 import will go on with the next command.\n"
        await waiting

    async def done() -> bool:
        async with attached(home) as client:
            record = await client.find(id)
            return (record.state, record.verdict) == (State.DONE, Verdict.SAFE)

    await soon(done)


# Killed


async def test_a_killed_engine_takes_its_workers_along_and_the_next_goes_on(home: Path, tmp_path: Path) -> None:
    async with attached(home) as client:
        (id,) = await client.start_imports([request(clip(tmp_path / "card"), tmp_path / "archive")])
        for worker in await asyncio.to_thread(freeze, home):
            worker.resume()
        process = engine(home)
        family = [process, *process.children(recursive=True)]
        assert len(family) > 1
        process.kill()
        gone(family)
        with pytest.raises(EngineLostError):
            await client.wait([id])
    assert id in lading(home, "imports").stdout
    assert engine(home) != process

    async def done() -> bool:
        async with attached(home) as client:
            return (await client.find(id)).state == State.DONE

    await soon(done)
    async with attached(home) as client:
        assert (await client.find(id)).verdict == Verdict.SAFE


async def test_an_import_that_kills_engines_is_left_paused(home: Path, tmp_path: Path) -> None:
    async with attached(home) as client:
        (id,) = await client.start_imports([request(clip(tmp_path / "card"), tmp_path / "archive")])
    for _ in range(3):
        await asyncio.to_thread(freeze, home)
        process = engine(home)
        family = [process, *process.children(recursive=True)]
        for one in family:
            one.kill()
        gone(family)
        async with attached(home) as client:
            await client.subscribe()

    async def paused() -> bool:
        async with attached(home) as client:
            record = await client.find(id)
            return record.state == State.PAUSED and "3 times" in record.reason

    await soon(paused)
    async with attached(home) as client:
        await client.resume_import(id)
        await client.wait([id])
        assert (await client.find(id)).state == State.DONE


# Several clients


async def test_an_import_is_led_from_another_terminal(home: Path, tmp_path: Path) -> None:
    async with attached(home) as one, attached(home) as other:
        (id,) = await one.start_imports([request(clip(tmp_path / "card"), tmp_path / "archive")])
        waiting = asyncio.create_task(one.wait([id]))
        frozen = await asyncio.to_thread(freeze, home)
        await other.pause_import(id)
        assert (await view(one, id)).state is State.PAUSED
        assert not waiting.done()
        for worker in frozen:
            worker.resume()
        await other.resume_import(id)
        assert (await view(one, id)).state is State.RUNNING
        await other.cancel_import(id)
        await waiting
        assert (await one.find(id[:-1])).state == State.CANCELLED


async def test_commands_lead_an_import(home: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = lading(home, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    archive = str(tmp_path / "archive")
    id = run("import", str(clip(tmp_path / "card")), "--archive", archive, "--location", "L", "--detach").strip()
    frozen = await asyncio.to_thread(freeze, home)
    assert run("pause", "--all") == f"{id} is paused. Go on with: lading resume {id}\n"
    (shown,) = json.loads(run("status", "--json"))["imports"]
    assert (shown["id"], shown["state"]) == (id, "paused")
    assert "paused" in run("status")
    for worker in frozen:
        worker.resume()
    assert run("resume", id[:-2], "--quiet").startswith("SAFE")
    assert "no import runs" in lading(home, "pause", "--all").stderr.lower()
    second = clip(tmp_path / "other", size=(1 << 30) + 1)
    id = run("import", str(second), "--archive", archive, "--location", "L", "--detach").strip()
    for worker in await asyncio.to_thread(freeze, home):
        worker.resume()
    assert run("cancel", id) == f"{id} is cancelled. What has arrived: lading receipt {id}\n"
    assert "State       cancelled" in run("receipt", id)


async def test_a_receipt_comes_through_whole(home: Path, tmp_path: Path) -> None:
    names = 3000
    source = tmp_path / "card"
    source.mkdir()
    for number in range(names):
        (source / f"{number:04} {'n' * 90}.txt").write_text(str(number))
    async with attached(home) as client:
        (id,) = await client.start_imports([request(source, tmp_path / "archive")])
        await client.wait([id])
        pieces: list[str] = []
        await client.receipt(id, "tsv", pieces.append)
    assert len(pieces) > 1
    assert sum(1 for line in "".join(pieces).splitlines() if "nnn" in line) == names
    assert lading(home, "receipt", id, "--format", "tsv").stdout == "".join(pieces)


# Versions


async def test_an_older_engine_is_replaced_when_it_is_idle(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir(home)
    monkeypatch.setattr("core.server.VERSION", "0.0.9")
    async with serving(home) as (server, stub):
        stub.busy = True
        with pytest.raises(OtherVersionError, match=r"0\.0\.9.*at work"):
            await attach.attach(settings(home))
        told = await asyncio.to_thread(lading, home, "engine", "status")
        assert told.stdout.startswith("Engine 0.0.9, process ")
        stub.busy = False
        attaching = asyncio.create_task(attach.attach(settings(home)))
        await server.stopping.wait()
        await server.close()
        new = await attaching
        await new.close()
    assert engine(home).pid != os.getpid()


async def test_a_newer_engine_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir(home)
    monkeypatch.setattr("core.server.VERSION", "1.10.0")
    async with serving(home) as (server, _):
        with pytest.raises(OtherVersionError, match=r"1\.10\.0"):
            await attach.attach(settings(home))
        assert not server.stopping.is_set()
        found = await asyncio.to_thread(lading, home, "status")
        assert found.returncode == 4
        assert found.stderr.startswith("Another version of Lading is running: ")


def test_versions_are_compared_as_numbers() -> None:
    assert attach.numbers("1.10.0") > attach.numbers("1.9.2") > attach.numbers("1.9.0rc1")
