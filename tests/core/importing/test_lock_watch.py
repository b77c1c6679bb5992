"""Nothing that fails beside it keeps a lost lock of an archive from halting the imports into it."""

import asyncio
import logging
from pathlib import Path

import pytest

from core.archives.lock import Lock
from core.engine import engine as engines
from core.engine.engine import Engine
from core.engine.metrics import SAMPLE_INTERVAL
from core.importing import importer
from core.importing.import_run import Run
from core.importing.run_workers import RunWorkers
from core.models import State, Verdict
from core.protocol import Failed, Welcome
from core.server import lifecycle
from tests.core.importing.rig import Rig, videos

pytestmark = pytest.mark.process

LOST = "another engine took the archive over"


def broken(*_: object) -> None:
    """What fails at every call."""
    raise ZeroDivisionError("by a test")


def slow(rig: Rig) -> None:
    """A card that takes long to read."""
    videos(rig, 2)
    rig.engine.factory.read_limit = 15_000_000


async def lost(rig: Rig) -> str:
    """An import in its midst, the lock of whose archive is lost a moment later; its id."""
    slow(rig)
    name = await rig.begun()
    run = rig.engine.imports.under_way[name].run
    # Longer than the ticker needs to meet what is broken.
    await asyncio.sleep(2 * SAMPLE_INTERVAL)
    run.archive.lock.lose(LOST)
    return name


@pytest.mark.promise(32)
async def test_a_duty_that_fails_does_not_end_the_watch(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rig.engine.metrics, "sample", broken)
    monkeypatch.setattr(RunWorkers, "report", broken)
    name = await lost(rig)
    view = await rig.ended_unchecked(name)
    assert (view.state, view.reason) == (State.PAUSED, LOST)
    assert not rig.engine.broken.is_set()
    told = [record.__dict__["duty"] for record in caplog.records if "duty of the ticker" in record.message]
    assert sorted(told) == sorted({"metrics", f"limits of import {name}"}), "each once"
    monkeypatch.undo()
    rig.engine.factory.read_limit = 0
    assert (await rig.resumed(name)).verdict is Verdict.SAFE


@pytest.mark.control(32)
async def test_with_the_watch_broken_nothing_halts_it_and_the_engine_says_so(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engines, "halt_lost", broken)
    name = await lost(rig)
    async with asyncio.timeout(60):
        await rig.engine.broken.wait()
    assert name in rig.engine.imports.under_way
    (record,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert record.__dict__["task"] == "watch of the archives' locks"
    assert record.exc_info


@pytest.mark.promise(32)
async def test_an_engine_whose_watch_has_failed_ends_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path)
    rig.source.mkdir()
    taken: list[Engine] = []

    class Taken(Engine):
        async def start(self) -> None:
            await super().start()
            taken.append(self)

    said: asyncio.Queue[Welcome | Failed] = asyncio.Queue()
    monkeypatch.setattr(lifecycle, "Engine", Taken)
    monkeypatch.setattr(engines, "halt_lost", broken)
    living = asyncio.create_task(lifecycle.live(rig.config(), said.put_nowait, None))
    assert isinstance(await said.get(), Welcome)
    rig.engine = taken[0]
    name = await lost(rig)
    async with asyncio.timeout(60):
        assert await living == 1
    monkeypatch.undo()
    rig.engine = Engine(rig.config())
    await rig.engine.start()
    try:
        (row,) = await rig.engine.catalog.imports()
        assert (row.name, row.state) == (name, State.RUNNING), "it goes on with the next engine"
        assert (await rig.resumed(name)).verdict is Verdict.SAFE
    finally:
        await rig.engine.stop()


async def test_a_renewal_that_fails_has_lost_the_lock(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lock, "_released_within", broken)
    slow(rig)
    view = await rig.ended_unchecked(await rig.begun())
    assert view.state is State.PAUSED
    assert view.reason == "the archive's lock cannot be renewed: ZeroDivisionError: by a test"


async def test_an_import_that_nobody_watches_is_left_paused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def watch_volumes(run: Run) -> None:
        raise ZeroDivisionError("by a test")

    monkeypatch.setattr(importer, "watch_volumes", watch_volumes)
    slow(rig)
    view = await rig.ended_unchecked(await rig.begun())
    assert (view.state, view.reason) == (State.PAUSED, "a fault of the program: ZeroDivisionError: by a test")
