"""Imports from one engine to the next."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from core.errors import EngineLostError
from core.models import State, Verdict
from tests.rigs.engines import (
    attached,
    clip,
    engine_of,
    freeze,
    gone,
    lading,
    request,
    soon,
    the_engine,
)

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


async def test_stop_leaves_imports_to_the_next_engine(
    home: Path, tmp_path: Path, full_speed: Callable[[], None]
) -> None:
    async with attached(home) as client:
        (id,) = await client.start_imports([request(clip(tmp_path / "card"), tmp_path / "archive")])
        for worker in await asyncio.to_thread(freeze, home):
            worker.resume()
        waiting = asyncio.create_task(client.wait([id]))
        told = await asyncio.to_thread(lading, home, "engine", "stop")
        assert told.stdout.startswith("Stopped in the middle of 1 import. Commands that only look start nothing")
        await waiting
    full_speed()

    async def done() -> bool:
        async with attached(home) as client:
            record = await client.find(id)
            return (record.state, record.verdict) == (State.DONE, Verdict.SAFE)

    await soon(done)


async def test_a_killed_engine_takes_its_workers_along_and_the_next_goes_on(
    home: Path, tmp_path: Path, full_speed: Callable[[], None]
) -> None:
    async with attached(home) as client:
        (id,) = await client.start_imports([request(clip(tmp_path / "card"), tmp_path / "archive")])
        for worker in await asyncio.to_thread(freeze, home):
            worker.resume()
        process = the_engine(home)
        family = [process, *process.children(recursive=True)]
        assert len(family) > 1
        process.kill()
        gone(family)
        with pytest.raises(EngineLostError):
            await client.wait([id])
    full_speed()
    # Looking starts no engine, and goes on with nothing.
    for looking in (["imports"], ["status"], ["status", "--json"], ["queues"], ["jobs"], ["receipt", id]):
        told = lading(home, *looking).stdout
        assert id[:8] in told or "card" in told or looking[0] in ("queues", "jobs"), told
    assert engine_of(home) is None

    async def done() -> bool:
        async with attached(home) as client:
            return (await client.find(id)).state == State.DONE

    await soon(done)
    async with attached(home) as client:
        assert (await client.find(id)).verdict == Verdict.SAFE


async def test_an_import_that_kills_engines_is_left_paused(
    home: Path, tmp_path: Path, full_speed: Callable[[], None]
) -> None:
    async with attached(home) as client:
        (id,) = await client.start_imports([request(clip(tmp_path / "card"), tmp_path / "archive")])
    for left in (2, 1, 0):
        await asyncio.to_thread(freeze, home)
        process = the_engine(home)
        family = [process, *process.children(recursive=True)]
        for one in family:
            # Those that were not stopped end with their engine.
            with suppress(psutil.NoSuchProcess):
                one.kill()
        gone(family)
        if not left:
            full_speed()
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
