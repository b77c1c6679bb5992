"""Imports of a group that are paused, resumed or cancelled, and groups that another engine takes up."""

import asyncio
import shutil
from typing import Any

import pytest

from core.archives.archive import Archive
from core.engine.recovery import UNCLEAN, take_up
from core.importing import finish, same_source
from core.importing.import_run import Run
from core.models import State, Verdict
from tests.core.importing.rig import Rig, expected, write
from tests.core.importing.together import both, ended, holding, prepared, second, whole

pytestmark = pytest.mark.process


@pytest.fixture
def rig(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Two archives on two disks, and a card of several batches."""
    return prepared(rig, monkeypatch)


async def test_another_engine_goes_on_without_the_source(rig: Rig) -> None:
    contents = expected(rig.source)
    with holding(second(rig), 1):
        names = await both(rig)
        await rig.ended_unchecked(names[0])
        await rig.until(lambda: rig.view(names[1]).archived.files > 0)
        await rig.restarted()
    shutil.rmtree(rig.source)
    other = await rig.resumed(names[1])
    assert (other.state, other.verdict, other.archived.files) == (State.DONE, Verdict.SAFE, 63)
    whole(rig, contents)


async def test_a_group_is_paused_and_resumed_together(rig: Rig) -> None:
    with holding(rig.archive, 1) as gate, holding(second(rig), 1) as other_gate:
        names = await both(rig)
        await rig.until(lambda: rig.view(names[0]).archived.files > 0)
        await rig.engine.imports.pause_import(names[1])
        assert [rig.view(name).state for name in names] == [State.PAUSED, State.PAUSED]
        await rig.engine.imports.resume_import(names[0])
        assert [rig.view(name).state for name in names] == [State.RUNNING, State.RUNNING]
        gate.set()
        other_gate.set()
        views = await ended(rig, *names)
    assert [view.verdict for view in views] == [Verdict.SAFE, Verdict.SAFE]
    whole(rig, expected(rig.source))


async def test_a_group_is_cancelled_together(rig: Rig) -> None:
    with holding(rig.archive, 1), holding(second(rig), 1):
        names = await both(rig)
        await rig.until(lambda: rig.view(names[0]).archived.files > 0)
        await rig.engine.imports.cancel_import(names[0])
        views = await ended(rig, *names)
    assert [view.state for view in views] == [State.CANCELLED, State.CANCELLED]
    for place in (rig.archive, second(rig)):
        (receipt,) = place.glob("locations/*/lading/*.txt")
        assert "KEEP" in receipt.read_text()


async def ends_after_a_pause(rig: Rig, name: str, gate: asyncio.Event) -> None:
    """Pause an import and resume it, before what it waits for comes: it runs, and ends well without its card."""
    await rig.engine.imports.pause_import(name)
    await rig.engine.imports.resume_import(name)
    assert rig.view(name).state is State.RUNNING
    gate.set()
    view = await rig.ended_unchecked(name)
    assert (view.state, view.verdict, view.reason) == (State.DONE, Verdict.SAFE, "")


async def test_a_pause_after_the_card_was_taken_out(rig: Rig) -> None:
    with holding(second(rig), 1) as gate:
        names = await both(rig)
        await rig.ended_unchecked(names[0])
        await rig.until(lambda: rig.view(names[1]).archived.files > 0)
        contents = expected(rig.source)
        shutil.rmtree(rig.source)
        await ends_after_a_pause(rig, names[1], gate)
    whole(rig, contents)


async def test_what_is_on_its_way_from_another_archive_ends_with_the_following(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second import is cancelled with a batch on its way, and leaves the first one's archive late: until then
    the batch is not read from the source instead."""
    leave, left, go = rig.engine.archives.leave, asyncio.Event(), asyncio.Event()

    async def late(archive: Archive, user: str) -> None:
        if user.endswith("follows"):
            left.set()
            await go.wait()
        await leave(archive, user)

    monkeypatch.setattr(rig.engine.archives, "leave", late)
    with holding(rig.archive, 1) as gate, holding(second(rig)) as other_gate:
        names = await both(rig)
        await rig.until(lambda: rig.view(names[0]).archived.files > 0)
        await rig.until(lambda: rig.view(names[1]).taken_from != "")
        await asyncio.sleep(0.5)
        await rig.engine.imports.cancel_import(names[1])
        await left.wait()
        other_gate.set()
        await asyncio.sleep(1)
        go.set()
        gate.set()
        views = await ended(rig, *names)
    assert [view.failed.files for view in views] == [0, 0]
    assert not views[1].archived.files


async def test_another_engine_takes_up_only_what_was_running(rig: Rig) -> None:
    """One import of a group was left paused, because engines kept ending in the middle of it."""
    with holding(rig.archive, 1), holding(second(rig), 1):
        names = await both(rig)
        await rig.until(lambda: all(rig.view(name).archived.files > 0 for name in names))
        await rig.restarted()
    for name, unclean in zip(names, (0, UNCLEAN), strict=True):
        row = await rig.engine.catalog.import_named(name)
        assert row is not None
        await rig.engine.catalog.set_import(row.id, state=State.RUNNING, waits="", unclean=unclean)
    await take_up(rig.engine.catalog, rig.engine.imports, resume=True)
    assert names[1] not in rig.engine.imports.under_way
    await ended(rig, names[0])
    left = await rig.engine.catalog.import_named(names[1])
    assert left is not None
    assert (left.state, left.reason) == (State.PAUSED, f"the engine ended {UNCLEAN + 1} times in the middle of it")


async def test_a_pause_at_the_end_after_the_card_was_taken_out(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second import has all of its files and is only to be closed; another card is in the place of the one."""
    close, reached, go = finish.close, asyncio.Event(), asyncio.Event()

    async def late(run: Run, *given: Any) -> None:
        if run.judged_by is not None:
            reached.set()
            await go.wait()
        await close(run, *given)

    monkeypatch.setattr(finish, "close", late)
    contents = expected(rig.source)
    names = await both(rig)
    await rig.ended_unchecked(names[0])
    await reached.wait()
    shutil.rmtree(rig.source)
    write(rig.source / "0001.jpg", b"of another card")
    await ends_after_a_pause(rig, names[1], go)
    whole(rig, contents)


async def test_a_pause_of_a_group_that_is_about_to_go_on_holds(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source is still being compared for the first import when a person pauses the group again."""
    check, reached, go = same_source.check, asyncio.Event(), asyncio.Event()

    async def late(run: Run, *, paused: bool = False) -> None:
        reached.set()
        await go.wait()
        await check(run, paused=paused)

    with holding(rig.archive, 1) as gate, holding(second(rig), 1) as other_gate:
        names = await both(rig)
        await rig.until(lambda: rig.view(names[1]).archived.files > 0)
        await rig.engine.imports.pause_import(names[0])
        monkeypatch.setattr(same_source, "check", late)
        resumed = asyncio.create_task(rig.engine.imports.resume_import(names[0]))
        await reached.wait()
        await rig.engine.imports.pause_import(names[0])
        go.set()
        await resumed
        assert [rig.view(name).state for name in names] == [State.PAUSED, State.PAUSED]
        await rig.engine.imports.resume_import(names[0])
        gate.set()
        other_gate.set()
        views = await ended(rig, *names)
    assert [view.verdict for view in views] == [Verdict.SAFE, Verdict.SAFE]
