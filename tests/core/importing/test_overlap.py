"""Files are flushed and published while the next ones are read, so that reading does not wait for flushes."""

import asyncio
import os
from typing import Any

import pytest

from core.importing.reverify_sample import Sampling
from core.importing.run_workers import RunWorkers
from core.workers import batch_messages
from core.workers.pool import Worker
from core.workers.read_source import ARENA
from tests.core.importing.rig import Rig
from tests.rigs.trees import write_random

pytestmark = pytest.mark.process


async def test_a_film_is_flushed_and_published_while_the_next_one_is_read(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.engine.limits.hash.resize(1)
    for number in range(4):
        write_random(os.fsencode(rig.source / f"{number}.mov"), ARENA + 1, number)
    ask, begun, published = RunWorkers.ask, 0, asyncio.Event()

    async def after_the_first(self: RunWorkers, worker: Worker, request: Any, wanted: Any) -> Any:
        nonlocal begun
        if isinstance(request, batch_messages.CopyLarge):
            begun += 1
            if begun == 2:
                await published.wait()
        reply = await ask(self, worker, request, wanted)
        if isinstance(request, batch_messages.Publish):
            published.set()
        return reply

    monkeypatch.setattr(RunWorkers, "ask", after_the_first)
    assert (await rig.ended(await rig.begun())).archived.files == 4


async def test_a_sample_that_the_end_of_copying_cuts_short_leaves_its_worker_alive(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_random(os.fsencode(rig.source / "1.jpg"), 1000, 1)
    older, reading = Sampling.on_the_way, asyncio.Event()
    killed: list[int] = []

    async def at_work(self: Sampling) -> None:
        async with self._run.workers.worker([]):
            reading.set()
            await self._over.wait()
        await older(self)

    async def bring(self: RunWorkers, worker: Worker, request: Any, wanted: Any) -> Any:
        await reading.wait()
        return await ask(self, worker, request, wanted)

    ask, kill = RunWorkers.ask, Worker.kill

    def seen(self: Worker) -> None:
        killed.append(self.number)
        kill(self)

    monkeypatch.setattr(Sampling, "on_the_way", at_work)
    monkeypatch.setattr(RunWorkers, "ask", bring)
    monkeypatch.setattr(Worker, "kill", seen)
    assert (await rig.ended(await rig.begun())).archived.files == 1
    assert not killed
