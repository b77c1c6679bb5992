"""A person acts on an import whose run has just ended, and has not given everything back yet."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest

from core.models import State, Verdict
from tests.core.importing.rig import Rig, expected, middle, photos, videos

pytestmark = pytest.mark.process

MOMENT = 1.0
"""Seconds that the end of a run takes, in which a person can act. One that waits for that end waits longer."""


async def ending(rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str, end: Callable[[], object]) -> None:
    """Let a run end. It is not under way any more, but its jobs are not told of that yet."""
    ended, told = rig.engine.jobs.ended, asyncio.Event()

    async def late() -> None:
        await told.wait()
        await ended()

    with monkeypatch.context() as patch:
        patch.setattr(rig.engine.jobs, "ended", late)
        end()
        await rig.until(lambda: name not in rig.engine.imports.under_way)
    asyncio.get_running_loop().call_later(MOMENT, told.set)


async def test_the_next_run_keeps_the_archive(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that ended would give it back for both: another machine could take its lock."""
    size = videos(rig)
    name = await rig.begun()
    await middle(rig, size)
    task = asyncio.create_task(rig.engine.imports.wait([name]))
    await ending(rig, monkeypatch, name, lambda: rig.engine.imports.under_way[name].halt("a test"))
    await rig.engine.imports.resume_import(name)
    await task
    assert name in rig.engine.imports.under_way
    assert rig.engine.archives.opened
    assert (rig.archive / ".lading/lock").exists()
    assert (await rig.ended(name)).verdict is Verdict.SAFE
    assert rig.contents() == expected(rig.source)


@pytest.mark.parametrize("way", ["pause", "resume", "cancel"])
async def test_it_does_not_begin_to_wait_afterwards(rig: Rig, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """It would go on by itself, against what a person has said meanwhile."""
    photos(rig.source, 600)
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).archived.files > 0)
    task = asyncio.create_task(rig.engine.imports.wait([name]))
    await ending(rig, monkeypatch, name, lambda: os.rename(rig.source, rig.root / "away"))
    assert rig.view(name).state is State.PAUSED
    acts: dict[str, Callable[[str], Awaitable[None]]] = {
        "pause": rig.engine.imports.pause_import,
        "resume": rig.engine.imports.resume_import,
        "cancel": rig.engine.imports.cancel_import,
    }
    if way == "resume":
        os.rename(rig.root / "away", rig.source)
    await acts[way](name)
    await task
    assert name not in rig.engine.imports.waiting
    await rig.ended(name)
    assert name not in rig.engine.imports.waiting
