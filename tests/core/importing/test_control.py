"""Pause, resume and cancel."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest

from core.engine.import_factory import ImportFactory
from core.errors import UsageError
from core.importing import same_source
from core.importing.import_run import Run
from core.importing.transfer import Transfer
from core.models import Outcome, State, Verdict
from core.workers import shared_memory
from tests.core.importing.rig import Rig, expected, middle, photos, read, videos, write
from tests.core.importing.together import holding

pytestmark = pytest.mark.process


async def test_pause_and_resume(rig: Rig) -> None:
    size = videos(rig)
    name = await rig.begun()
    await middle(rig, size)
    await rig.engine.imports.pause_import(name)
    await rig.until(
        lambda: all(w.slot.get(shared_memory.STATE) != shared_memory.BUSY for w in rig.engine.pool.busy())
    )
    before = read(rig), rig.view(name).written
    await asyncio.sleep(0.3)
    assert (read(rig), rig.view(name).written) == before
    assert before[0] < size
    view = rig.view(name)
    assert (view.state, view.reason) == (State.PAUSED, "by the user")
    assert all(limit.busy == 0 for limit in rig.engine.limits.all())
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.reason) == ("paused", "by the user")
    await rig.engine.imports.resume_import(name)
    assert rig.view(name).state is State.RUNNING
    view = await rig.ended(name)
    assert (view.state, view.verdict, view.reason) == (State.DONE, Verdict.SAFE, "")
    assert view.read == size
    assert rig.contents() == expected(rig.source)
    assert all(limit.busy == 0 for limit in rig.engine.limits.all())


async def test_many_pauses(rig: Rig) -> None:
    photos(rig.source)
    name = await rig.begun()
    for _ in range(15):
        try:
            await rig.engine.imports.pause_import(name)
            await asyncio.sleep(0.02)
            await rig.engine.imports.resume_import(name)
        except UsageError:
            break
        await asyncio.sleep(0.03)
    view = await rig.ended(name)
    assert (view.state, view.verdict, view.archived.files) == (State.DONE, Verdict.SAFE, 400)
    assert all(limit.busy == 0 for limit in rig.engine.limits.all())
    assert (await rig.engine.catalog.imports())[0].state == "done"


@pytest.mark.parametrize("paused", [False, True])
async def test_a_cancelled_import_ends_with_keep_and_a_receipt(rig: Rig, paused: bool) -> None:
    photos(rig.source / "DCIM")
    size = videos(rig) + 400 * 20_000
    name = await rig.begun()
    await middle(rig, size)
    if paused:
        await rig.engine.imports.pause_import(name)
    await rig.engine.imports.cancel_import(name)
    with pytest.raises(UsageError):
        await rig.engine.imports.pause_import(name)
    view = await rig.ended(name)
    assert (view.state, view.verdict) == (State.CANCELLED, Verdict.KEEP)
    assert view.verdict_reason == "the import was cancelled"
    assert view.todo.files + view.archived.files == view.seen.files
    assert rig.staged() == []
    assert "cancelled" in rig.receipts()[0].read_text()
    # What was published is on the receipt.
    archived = {row.payload for row in (await rig.rows(name)).values() if row.outcome is Outcome.ARCHIVED}
    assert archived == set(rig.payload())
    with pytest.raises(UsageError, match="has ended"):
        await rig.engine.imports.resume_import(name)
    view = await rig.imported()
    assert view.verdict is Verdict.SAFE
    assert rig.contents() == expected(rig.source)


async def test_cancel_right_after_something_was_published(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker has given the names, but the catalog does not know yet."""
    photos(rig.source, 20)
    published = asyncio.Event()

    async def hang(*_: object) -> None:
        published.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Transfer, "commit", hang)
    name = await rig.begun()
    await published.wait()
    task = asyncio.create_task(rig.engine.imports.wait([name]))
    # to_the_end waits for a commit; this one never ends, so it is ended from outside.
    await rig.engine.imports.cancel_import(name)
    await asyncio.sleep(0.05)
    for one in asyncio.all_tasks():
        if one.get_coro().__qualname__.endswith("hang"):  # type: ignore[union-attr]
            one.cancel()
    await task
    view = await rig.ended(name)
    assert (view.state, view.archived.files) == (State.CANCELLED, 20)
    assert len(rig.contents()) == 20
    monkeypatch.undo()


async def test_a_pause_outlives_the_engine(rig: Rig) -> None:
    videos(rig)
    name = await rig.begun()
    await rig.engine.imports.pause_import(name, "for the night")
    await rig.restarted()
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.reason) == ("paused", "for the night")
    assert (await rig.resumed(name)).verdict is Verdict.SAFE


async def test_resume_while_it_is_being_halted(rig: Rig) -> None:
    videos(rig)
    name = await rig.begun()
    rig.engine.imports.under_way[name].halt("a test")
    await rig.engine.imports.resume_import(name)
    view = await rig.ended(name)
    assert (view.state, view.verdict) == (State.DONE, Verdict.SAFE)


async def test_resumed_twice_at_once_it_runs_once(rig: Rig) -> None:
    photos(rig.source)
    name = await rig.begun()
    await rig.restarted()
    await asyncio.gather(*(rig.engine.imports.resume_import(name) for _ in range(3)))
    assert len(rig.engine.imports.under_way) == 1
    view = await rig.ended(name)
    assert (view.verdict, view.seen.files) == (Verdict.SAFE, 400)
    assert (await rig.engine.catalog.imports())[0].runs == 2


async def test_one_after_the_other_without_a_breath(rig: Rig) -> None:
    """An import begins while the one before gives the archive's lock back."""
    write(rig.source / "a.jpg", b"a")
    for _ in range(5):
        name = await rig.begun()
        while name in rig.engine.imports.under_way:  # noqa: ASYNC110 - the very next moment is wanted
            await asyncio.sleep(0)
    await rig.ended(name)


async def test_two_into_a_new_archive_at_once(rig: Rig) -> None:
    for card in ("one", "two", "three"):
        photos(rig.root / card, 50)
        write(rig.root / card / f"{card}.jpg", card.encode())
    names = await asyncio.gather(*(rig.begun(rig.root / card) for card in ("one", "two", "three")))
    for name in names:
        assert (await rig.ended(name)).verdict is Verdict.SAFE
    assert len(list((rig.archive / "locations").iterdir())) == 1
    assert len(await rig.engine.database.read("SELECT id FROM archive")) == 1
    assert len(rig.contents()) == 53


async def test_unknown_imports(rig: Rig) -> None:
    for call in (
        rig.engine.imports.resume_import,
        rig.engine.imports.pause_import,
        rig.engine.imports.cancel_import,
    ):
        with pytest.raises(UsageError):
            await call("nothing")
    await rig.engine.imports.wait(["nothing"])


@pytest.fixture
def late_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Event]:
    """What follows the first end of a run waits until this is set, and is not known to have begun before."""
    gate, ended, ends = asyncio.Event(), rig.engine.jobs.ended, 0

    async def late() -> None:
        nonlocal ends
        ends += 1
        if ends == 1:
            await gate.wait()
        await ended()

    monkeypatch.setattr(rig.engine.jobs, "ended", late)
    yield gate
    gate.set()


async def _halted(rig: Rig) -> str:
    """An import that has lost its source, and of which only what follows the end of its run is still to come."""
    photos(rig.source, 600)
    with holding(rig.archive, 1) as gate:
        name = await rig.begun()
        await rig.until(lambda: rig.view(name).archived.files > 0)
        os.rename(rig.source, rig.root / "away")
        gate.set()
        await rig.until(lambda: rig.view(name).state is State.PAUSED and name not in rig.engine.imports.under_way)
    os.rename(rig.root / "away", rig.source)
    return name


async def test_a_run_begins_after_all_that_follows_the_last_one(rig: Rig, late_end: asyncio.Event) -> None:
    """The end of the last run would take the archive from the next one, and have it wait for its source."""
    name = await _halted(rig)
    with holding(rig.archive) as gate:
        resumed = asyncio.create_task(rig.engine.imports.resume_import(name))
        await asyncio.sleep(0.3)
        late_end.set()
        await resumed
        await asyncio.sleep(0.3)
        assert any(name in archive.active for archive, _ in rig.engine.archives.opened.values())
        assert name not in rig.engine.imports.waiting
        gate.set()
        assert (await rig.ended(name)).verdict is Verdict.SAFE


@pytest.mark.parametrize("what", ["cancel", "pause"])
async def test_what_a_person_does_at_the_end_of_a_run_holds(rig: Rig, late_end: asyncio.Event, what: str) -> None:
    name = await _halted(rig)
    imports = rig.engine.imports
    done = asyncio.create_task(imports.cancel_import(name) if what == "cancel" else imports.pause_import(name))
    await asyncio.sleep(0.3)
    late_end.set()
    await done
    await asyncio.sleep(0.3)
    view = await rig.ended(name)
    assert view.state is (State.CANCELLED if what == "cancel" else State.PAUSED)
    assert name not in imports.waiting
    assert not imports.running


async def test_a_pause_while_the_source_is_compared_holds(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person resumes the import, and pauses it again before its source has proved to be the same."""
    photos(rig.source, 600)
    check, reached, go = same_source.check, asyncio.Event(), asyncio.Event()

    async def late(run: Run, *, paused: bool = False) -> None:
        reached.set()
        await go.wait()
        await check(run, paused=paused)

    with holding(rig.archive, 1) as gate:
        name = await rig.begun()
        await rig.until(lambda: rig.view(name).archived.files > 0)
        await rig.engine.imports.pause_import(name)
        monkeypatch.setattr(same_source, "check", late)
        resumed = asyncio.create_task(rig.engine.imports.resume_import(name))
        await reached.wait()
        await rig.engine.imports.pause_import(name)
        go.set()
        await resumed
        assert rig.view(name).state is State.PAUSED
        assert not rig.engine.imports.running
        await rig.engine.imports.resume_import(name)
        gate.set()
        assert (await rig.ended(name)).verdict is Verdict.SAFE


async def test_a_pause_of_an_import_that_is_about_to_go_on_by_itself_holds(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next run is recorded already, but has not begun."""
    photos(rig.source, 600)
    reopen, reached = ImportFactory._reopen, asyncio.Event()

    async def late(*given: Any) -> None:
        await reopen(*given)
        reached.set()
        await asyncio.Event().wait()

    with holding(rig.archive, 1) as gate, monkeypatch.context() as patch:
        name = await rig.begun()
        await rig.until(lambda: rig.view(name).archived.files > 0)
        patch.setattr(ImportFactory, "_reopen", late)
        os.rename(rig.source, rig.root / "away")
        gate.set()
        await rig.ended(name)
        os.rename(rig.root / "away", rig.source)
        await reached.wait()
        await rig.engine.imports.pause_import(name)
    row = await rig.engine.catalog.import_named(name)
    assert row is not None
    assert (row.state, row.reason) == (State.PAUSED, "by the user")
    assert (rig.engine.imports.running, len(rig.engine.imports.waiting)) == (0, 0)
    assert (await rig.resumed(name)).verdict is Verdict.SAFE
