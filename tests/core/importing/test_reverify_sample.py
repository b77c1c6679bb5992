"""What was written first is read again at the end: it may have been destroyed by what came after it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from core.importing import batches, reverify_sample
from core.importing.import_run import Run
from core.models import Outcome, State, Verdict
from core.snapshot import ImportView
from core.workers import archive_messages, messages
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, photos, random_bytes, write

pytestmark = pytest.mark.process

Ruin = Callable[[Callable[[list[Path]], list[Path]]], None]


@pytest.fixture
def ruin(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Ruin:
    """Have payload overwritten in place when the last file has arrived, as a drive that wraps does."""

    def arrange(which: Callable[[list[Path]], list[Path]]) -> None:
        before = Run.settle

        async def settle(self: Run, *args: object) -> None:
            await before(self, *args)  # type: ignore[arg-type]
            if self.listing.complete and not self.counters.counted(Outcome.TODO).files:
                for path in which(await payload(rig)):
                    path.write_bytes(bytes(path.stat().st_size))

        monkeypatch.setattr(Run, "settle", settle)

    return arrange


async def payload(rig: Rig) -> list[Path]:
    """The archived files, in the order of their rows."""
    rows = await rig.engine.database.read(
        "SELECT t.path FROM file f JOIN item t ON t.id = f.item_id WHERE f.outcome = 1 ORDER BY f.id"
    )
    return [rig.archive / path for (path,) in rows]


async def damaged(rig: Rig) -> int:
    """How many files the catalog knows to be damaged."""
    return int((await rig.engine.database.read("SELECT count(*) FROM item WHERE damage IS NOT NULL"))[0][0])


@pytest.mark.promise(31)
async def test_what_was_written_first_and_is_ruined_by_the_end_is_never_safe(rig: Rig, ruin: Ruin) -> None:
    photos(rig.source, 200)
    ruin(lambda paths: paths[:5])
    view = await rig.imported()
    assert (view.state, view.verdict, view.by_choice) == (State.DONE, Verdict.KEEP, False)
    assert view.verdict_reason.startswith(
        f"{reverify_sample.differ(5)}; 5 are no longer in the archive, or damaged there"
    )
    assert await damaged(rig) == 5
    assert "5 files that had been read back well differ now" in rig.receipts()[0].read_text()


@pytest.mark.control(31)
async def test_without_a_sample_safe_is_said_over_ruins(
    rig: Rig, ruin: Ruin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FILES", "BYTES", "SAMPLE_TIME"):
        monkeypatch.setattr(reverify_sample, name, 0)
    photos(rig.source, 200)
    ruin(lambda paths: paths[:5])
    assert (await rig.imported()).verdict is Verdict.SAFE


@pytest.mark.promise(31)
async def test_imported_again_the_ruins_are_replaced(
    rig: Rig, ruin: Ruin, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos(rig.source, 20)
    ruin(lambda paths: paths[:2])
    await rig.imported()
    monkeypatch.undo()
    view = await rig.imported()
    assert (view.verdict, view.archived.files) == (Verdict.SAFE, 2)


@pytest.mark.promise(31)
async def test_at_the_end_everything_is_read_again_where_that_is_asked_for(
    rig: Rig, ruin: Ruin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reverify_sample, "PAGE", 30)
    photos(rig.source, 200)
    ruin(lambda paths: paths[::2])
    view = await rig.imported(verify="end")
    assert view.verdict_reason.startswith(reverify_sample.differ(100))
    assert await damaged(rig) == 100


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The payload that is read again from now on."""
    before = Worker.ask
    read: list[str] = []

    async def ask(self: Worker, request: messages.Request, wanted: type[messages.Done]) -> messages.Done:
        if isinstance(request, archive_messages.Audit):
            read.extend(file[0] for file in request.files)
        return await before(self, request, wanted)

    monkeypatch.setattr(Worker, "ask", ask)
    return read


async def test_a_sample_is_bounded_and_an_import_of_nothing_new_reads_none(
    rig: Rig, audited: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reverify_sample, "SAMPLE_TIME", 0)
    photos(rig.source, 200)
    assert (await rig.imported()).verdict is Verdict.SAFE
    # Also of the archive, that is met for the first time; each once.
    assert reverify_sample.FILES <= len(audited) == len(set(audited)) <= 2 * reverify_sample.FILES
    audited.clear()
    assert (await rig.imported()).verdict is Verdict.SAFE
    assert audited == []


async def test_of_large_files_it_is_bounded_by_their_bytes(
    rig: Rig, audited: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reverify_sample, "SAMPLE_TIME", 0)
    monkeypatch.setattr(reverify_sample, "BYTES", 100_000)
    photos(rig.source, 60)
    await rig.imported()
    assert 5 <= len(audited) <= 11


@pytest.mark.promise(31)
async def test_what_the_archive_holds_longest_is_read_again_when_its_volume_has_doubled(
    rig: Rig, audited: list[str]
) -> None:
    photos(rig.source, 10)
    await rig.imported()
    first = await payload(rig)
    write(rig.source / "new.jpg", random_bytes(1000, 9999))
    audited.clear()
    await rig.imported()
    assert len(audited) == 1, "nothing has doubled"
    await rig.engine.database.run(("UPDATE archive SET sampled = 1", [()]))
    first[0].write_bytes(bytes(first[0].stat().st_size))
    write(rig.source / "newer.jpg", random_bytes(1000, 99999))
    # It is read on the way, too, and looks as it did: only the archive has changed.
    view = await rig.imported(known="record")
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason.startswith(reverify_sample.differ(1))


async def destroyed_on_the_way(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> ImportView:
    """An import into a drive that overwrites the first files while others still arrive."""
    monkeypatch.setattr(reverify_sample, "STEP", 1 << 40)
    monkeypatch.setattr(reverify_sample, "LOOK_INTERVAL", 0.01)
    photos(rig.source, 100)
    before = Run.settle
    ruined = False

    async def settle(self: Run, *args: object) -> None:
        nonlocal ruined
        await before(self, *args)  # type: ignore[arg-type]
        if not ruined and len(paths := await payload(rig)) >= 3:
            ruined = True
            for path in paths[:3]:
                path.write_bytes(bytes(path.stat().st_size))
            monkeypatch.setattr(reverify_sample, "STEP", 0)  # now it looks

    monkeypatch.setattr(Run, "settle", settle)
    monkeypatch.setattr(batches, "FILES_PER_BATCH", 10)
    rig.engine.factory.read_limit = 300_000
    return await rig.ended(await rig.begun())


@pytest.mark.promise(31)
async def test_it_is_seen_while_the_import_runs_and_no_more_is_written(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await destroyed_on_the_way(rig, monkeypatch)
    assert view.state is State.PAUSED
    assert view.reason == reverify_sample.differ(3)
    assert view.todo.files > 0
    assert "another one" in view.advice
    # A person may go on all the same; nothing of it is SAFE.
    rig.engine.factory.read_limit = 0
    view = await rig.resumed(view.id)
    assert (view.state, view.verdict) == (State.DONE, Verdict.KEEP)
    assert "3 are no longer in the archive, or damaged there" in view.verdict_reason


@pytest.mark.control(31)
async def test_without_a_look_on_the_way_all_is_written(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: reverify_sample.Sampling) -> None:
        """Looks."""

    monkeypatch.setattr(reverify_sample.Sampling, "on_the_way", never)
    assert (await destroyed_on_the_way(rig, monkeypatch)).state is State.DONE


async def test_one_that_is_paused_there_goes_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(rig.source, 50)
    before, at = Worker.ask, asyncio.Event()

    async def ask(self: Worker, request: messages.Request, wanted: type[messages.Done]) -> messages.Done:
        if isinstance(request, archive_messages.Audit):
            at.set()
        return await before(self, request, wanted)

    monkeypatch.setattr(Worker, "ask", ask)
    name = await rig.begun()
    await at.wait()
    await rig.engine.imports.pause_import(name)
    await rig.engine.imports.resume_import(name)
    assert (await rig.ended(name)).verdict is Verdict.SAFE
