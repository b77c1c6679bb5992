"""Several clients of one engine, and engines of other versions."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from core.client import launcher
from core.config import Config
from core.errors import OtherVersionError, UsageError
from core.models import State
from core.protocol.archive_requests import AddMissingJobs
from core.protocol.import_requests import WaitForJobs
from core.protocol.queue_requests import ListJobs
from tests.core.engine.stub import serving
from tests.rigs.engines import (
    attached,
    card,
    clip,
    freeze,
    lading,
    request,
    the_engine,
    view,
)

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


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
    card = clip(tmp_path / "card")
    (card / "left.tmp").write_bytes(b"out")
    into = ("--archive", archive, "--location", "L", "--exclude", "*.tmp")
    id = run("import", str(card), *into, "--detach").strip()
    frozen = await asyncio.to_thread(freeze, home)
    assert run("pause", "--all") == f"{id} is paused. Go on with: lading resume {id}\n"
    (shown,) = json.loads(run("status", "--json"))["imports"]
    assert (shown["id"], shown["state"]) == (id, "paused")
    assert "paused" in run("status")
    for worker in frozen:
        worker.resume()
    resumed = run("resume", id[:-2], "--quiet", "--accept", "excluded")
    assert resumed.startswith("SAFE")
    assert "1 excluded, as you chose" in resumed
    assert "no import runs" in lading(home, "pause", "--all").stderr.lower()
    second = clip(tmp_path / "other", size=(1 << 30) + 1)
    id = run("import", str(second), "--archive", archive, "--location", "L", "--detach").strip()
    # A command takes its time to begin: they stand still until they are killed.
    await asyncio.to_thread(freeze, home)
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


async def test_the_background_is_led_from_a_terminal(home: Path, tmp_path: Path) -> None:
    async with attached(home) as client:
        await client.queue_pause("exiftool")
        await client.queue_slots("exiftool", 1)
        (id,) = await client.start_imports([request(card(tmp_path / "card"), tmp_path / "archive")])
        await client.wait([id])
        await client.subscribe()
        queue = next(queue for queue in client.snapshot().queues if queue.name == "exiftool")
        assert (queue.paused, queue.slots) == (True, 1)
        jobs = await client.call(ListJobs(queue="exiftool"))
        assert len(jobs) == 4
        last = max(job.id for job in await client.call(ListJobs()))
        assert await client.call(ListJobs(after=last)) == []
        await client.queue_resume("exiftool")
        await client.call(WaitForJobs(ids=(id,)))
        assert await client.retry("exiftool", [jobs[0].id]) in (0, 1)
        assert await client.call(AddMissingJobs(archive=bytes(tmp_path / "archive"))) >= 0
        with pytest.raises(UsageError):
            await client.queue_pause("no such queue")


# Versions


async def test_an_older_engine_is_replaced_when_it_is_idle(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir(home)
    monkeypatch.setattr("core.server.server.VERSION", "0.0.9")
    async with serving(home) as (server, stub):
        stub.busy = True
        with pytest.raises(OtherVersionError, match=r"0\.0\.9.*at work"):
            await launcher.attach(Config(home=str(home)))
        told = await asyncio.to_thread(lading, home, "engine", "status")
        assert told.stdout.startswith("Engine 0.0.9, process ")
        stub.busy = False
        attaching = asyncio.create_task(launcher.attach(Config(home=str(home))))
        await server.stopping.wait()
        await server.close()
        new = await attaching
        await new.close()
    assert the_engine(home).pid != os.getpid()


async def test_a_newer_engine_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir(home)
    monkeypatch.setattr("core.server.server.VERSION", "1.10.0")
    async with serving(home) as (server, _):
        with pytest.raises(OtherVersionError, match=r"1\.10\.0"):
            await launcher.attach(Config(home=str(home)))
        assert not server.stopping.is_set()
        found = await asyncio.to_thread(lading, home, "queues", "resume", "bagit")
        assert found.returncode == 4
        assert found.stderr.startswith("Another version of Lading is running: ")


def test_versions_are_compared_as_numbers() -> None:
    assert (
        launcher.version_numbers("1.10.0")
        > launcher.version_numbers("1.9.2")
        > launcher.version_numbers("1.9.0rc1")
    )
