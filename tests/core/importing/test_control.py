"""Pause, resume, cancel, halt, and going on in another engine."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ArchiveError, SourceError, UsageError, WorkerDiedError
from core.importing.run import Run
from core.importing.transfer import Transfer
from core.models import Outcome, State, Verdict
from core.workers import control
from tests.core.importing.rig import Rig, digest, random_bytes, write
from tests.rigs.trees import write_random

VIDEO = 64 << 20


def videos(rig: Rig, count: int = 4) -> int:
    """Files large enough to be met in the middle; their bytes."""
    for number in range(count):
        write_random(os.fsencode(rig.source / f"{number}.mov"), VIDEO, number)
    return count * VIDEO


def photos(folder: Path, count: int = 400) -> None:
    """Many small files."""
    for number in range(count):
        write(folder / f"{number:04}.jpg", random_bytes(20_000, number))


def read(rig: Rig) -> int:
    """Bytes read from sources by all workers so far."""
    return rig.engine.pool.total(control.READ)


async def middle(rig: Rig, size: int) -> None:
    """Wait until a good part was read."""
    await rig.until(lambda: read(rig) > size // 4)


def expected(folder: Path) -> set[str]:
    """The contents of a source."""
    return {digest(path) for path in folder.rglob("*") if path.is_file()}


async def test_pause_and_resume(rig: Rig) -> None:
    size = videos(rig)
    name = await rig.begun()
    await middle(rig, size)
    await rig.engine.pause_import(name)
    await rig.until(lambda: all(w.slot.get(control.STATE) != control.BUSY for w in rig.engine.pool.busy()))
    before = read(rig), rig.view(name).written
    await asyncio.sleep(0.3)
    assert (read(rig), rig.view(name).written) == before
    assert before[0] < size
    view = rig.view(name)
    assert (view.state, view.reason) == (State.PAUSED, "by the user")
    assert all(limit.busy == 0 for limit in rig.engine.limits.all())
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.reason) == ("paused", "by the user")
    await rig.engine.resume_import(name)
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
            await rig.engine.pause_import(name)
            await asyncio.sleep(0.02)
            await rig.engine.resume_import(name)
        except UsageError:
            break
        await asyncio.sleep(0.03)
    view = await rig.ended(name)
    assert (view.state, view.verdict, view.archived.files) == (State.DONE, Verdict.SAFE, 400)
    assert all(limit.busy == 0 for limit in rig.engine.limits.all())
    assert (await rig.engine.catalog.imports())[0].state == "done"


@pytest.mark.parametrize("paused", [False, True])
async def test_cancel(rig: Rig, paused: bool) -> None:
    photos(rig.source / "DCIM")
    size = videos(rig) + 400 * 20_000
    name = await rig.begun()
    await middle(rig, size)
    if paused:
        await rig.engine.pause_import(name)
    await rig.engine.cancel_import(name)
    with pytest.raises(UsageError):
        await rig.engine.pause_import(name)
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
        await rig.engine.resume_import(name)
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

    monkeypatch.setattr(Transfer, "_commit", hang)
    name = await rig.begun()
    await published.wait()
    task = asyncio.create_task(rig.engine.wait([name]))
    # to_the_end waits for a commit; this one never ends, so it is ended from outside.
    await rig.engine.cancel_import(name)
    await asyncio.sleep(0.05)
    for one in asyncio.all_tasks():
        if one.get_coro().__qualname__.endswith("hang"):  # type: ignore[union-attr]
            one.cancel()
    await task
    view = await rig.ended(name)
    assert (view.state, view.archived.files) == (State.CANCELLED, 20)
    assert len(rig.contents()) == 20
    monkeypatch.undo()


async def test_halt_and_go_on_in_another_engine(rig: Rig) -> None:
    photos(rig.source / "DCIM")
    size = videos(rig) + 400 * 20_000
    name = await rig.begun()
    await middle(rig, size)
    await rig.restarted()
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.reason, row.receipt) == ("paused", "Lading was stopped", "")
    assert rig.staged() == []
    view = await rig.resumed(name)
    assert (view.state, view.verdict) == (State.DONE, Verdict.SAFE)
    assert (view.seen.files, view.todo.files) == (404, 0)
    assert rig.contents() == expected(rig.source)
    # As if it had never been interrupted.
    name = await rig.begun(archive=str(rig.root / "whole"))
    whole = await rig.ended(name)
    assert (whole.seen, whole.archived, whole.duplicate) == (view.seen, view.archived, view.duplicate)
    ((size_read,), _) = await rig.engine.database.read("SELECT bytes_read FROM import ORDER BY id")
    assert size_read >= view.seen.bytes


async def test_many_interruptions(rig: Rig) -> None:
    photos(rig.source, 600)
    for number in range(3):
        write(rig.source / f"clip {number}.mov", random_bytes(9 << 20, number % 2))
    name = await rig.begun()
    for number in range(6):
        await asyncio.sleep(0.05 * number)
        await rig.restarted()
        (row,) = await rig.engine.catalog.imports()
        if row.state == State.DONE:
            break
        await rig.engine.resume_import(name)
    else:
        await rig.ended(name)
    await rig.restarted()
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.verdict) == ("done", "SAFE")
    assert rig.contents() == expected(rig.source)
    rows = await rig.rows(name)
    assert len(rows) == 603
    assert sum(row.outcome is Outcome.DUPLICATE for row in rows.values()) >= 1
    items = await rig.engine.database.read("SELECT path FROM item")
    assert sorted(path for (path,) in items) == sorted(rig.payload())


async def test_the_source_changes_between_two_runs(rig: Rig) -> None:
    photos(rig.source, 200)
    size = videos(rig, 2) + 200 * 20_000
    name = await rig.begun()
    await middle(rig, size)
    await rig.restarted()
    rows = await rig.rows(name)
    for number in range(0, 200, 3):
        (rig.source / f"{number:04}.jpg").write_bytes(random_bytes(30_000, 1000 + number))
    for number in range(1, 200, 50):
        (rig.source / f"{number:04}.jpg").unlink()
    write(rig.source / "new.jpg", b"new")
    view = await rig.resumed(name)
    assert view.state is State.DONE
    assert expected(rig.source) <= set(rig.payload().values())
    gone = [path for path in rows if not (rig.source / os.fsdecode(path)).exists()]
    after = await rig.rows(name)
    failed = {path for path, row in after.items() if row.outcome is Outcome.FAILED}
    assert failed == {path for path in gone if rows[path].outcome is not Outcome.ARCHIVED}
    assert view.verdict is (Verdict.KEEP if failed else Verdict.SAFE)


async def test_a_pause_outlives_the_engine(rig: Rig) -> None:
    videos(rig)
    name = await rig.begun()
    await rig.engine.pause_import(name, "for the night")
    await rig.restarted()
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.reason) == ("paused", "for the night")
    assert (await rig.resumed(name)).verdict is Verdict.SAFE


async def test_resume_while_it_is_being_halted(rig: Rig) -> None:
    videos(rig)
    name = await rig.begun()
    rig.engine.under_way[name].halt("a test")
    await rig.engine.resume_import(name)
    view = await rig.ended(name)
    assert (view.state, view.verdict) == (State.DONE, Verdict.SAFE)


async def test_resumed_twice_at_once_it_runs_once(rig: Rig) -> None:
    photos(rig.source)
    name = await rig.begun()
    await rig.restarted()
    await asyncio.gather(*(rig.engine.resume_import(name) for _ in range(3)))
    assert len(rig.engine.under_way) == 1
    view = await rig.ended(name)
    assert (view.verdict, view.seen.files) == (Verdict.SAFE, 400)
    assert (await rig.engine.catalog.imports())[0].runs == 2


async def test_one_after_the_other_without_a_breath(rig: Rig) -> None:
    """An import begins while the one before gives the archive's lock back."""
    write(rig.source / "a.jpg", b"a")
    for _ in range(5):
        name = await rig.begun()
        while name in rig.engine.under_way:  # noqa: ASYNC110 - the very next moment is wanted
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


async def test_a_fault_of_the_program_pauses_its_import_alone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(rig.source, 100)
    photos(rig.root / "other", 100)
    before = Transfer._write

    async def write_or_fail(self: Transfer, *args: object) -> object:
        if self._run.row.source.endswith(b"card"):
            raise ZeroDivisionError("by a test")
        return await before(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Transfer, "_write", write_or_fail)
    names = await rig.engine.start_imports([rig.request(), rig.request(rig.root / "other")])
    with pytest.raises(ZeroDivisionError):
        await rig.engine.wait(names)
    views = [rig.view(name) for name in names]
    assert [view.state for view in views] == [State.PAUSED, State.DONE]
    assert views[0].reason == "a fault of the program: ZeroDivisionError: by a test"
    assert (await rig.engine.catalog.imports())[0].state == "paused"
    assert rig.staged() == []
    monkeypatch.undo()
    assert (await rig.resumed(names[0])).verdict is Verdict.SAFE


async def test_workers_that_die_are_replaced(rig: Rig) -> None:
    photos(rig.source, 600)
    name = await rig.begun()
    killed = 0
    while name in rig.engine.under_way and killed < 3:
        for worker in rig.engine.pool.busy():
            if worker.task == name and rig.view(name).archived.files and worker.process.returncode is None:
                worker.process.kill()
                killed += 1
                break
        await asyncio.sleep(0.02)
    view = await rig.ended(name)
    if view.state is State.PAUSED:
        # It was the listing for the third time, or the closing.
        view = await rig.resumed(name)
    assert (view.verdict, view.seen.files, view.failed.files) == (Verdict.SAFE, 600, 0)
    assert rig.contents() == expected(rig.source)


async def test_a_batch_that_kills_its_worker_is_tried_file_by_file(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos(rig.source, 10)
    before = Transfer._read

    async def read_or_die(self: Transfer, batch: list[object], worker: object) -> object:
        if any(todo.path == b"0003.jpg" for todo in batch):  # type: ignore[attr-defined]
            raise WorkerDiedError("killed by a test")
        return await before(self, batch, worker)  # type: ignore[arg-type]

    monkeypatch.setattr(Transfer, "_read", read_or_die)
    view = await rig.imported()
    assert (view.archived.files, view.failed.files, view.verdict) == (9, 1, Verdict.KEEP)
    assert (await rig.rows(view.id))[b"0003.jpg"].reason == "program: killed by a test"


@pytest.fixture
def halting(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Halt the import at its n-th commit."""

    def arrange(number: int) -> None:
        before, left = Run.settle, [number]

        async def settle(self: Run, *args: object) -> None:
            left[0] -= 1
            if left[0] == 0:
                rig.engine.under_way[self.row.name].halt("a test")
            await before(self, *args)  # type: ignore[arg-type]

        monkeypatch.setattr(Run, "settle", settle)

    return arrange


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_halted_in_the_middle_of_a_commit(rig: Rig, halting: Callable[[int], None], number: int) -> None:
    """What is committed counts, its followers are told, and nothing is done twice."""
    for copy in range(3):
        photos(rig.source / str(copy), 300)
    photos(rig.root / "other", 300)
    halting(number)
    names = await rig.engine.start_imports([rig.request(), rig.request(rig.root / "other")])
    views = [await rig.ended(name) for name in names]
    assert sorted(view.state for view in views) == [State.DONE, State.PAUSED]
    for view in views:
        if view.state is State.PAUSED:
            assert (await rig.resumed(view.id)).verdict is Verdict.SAFE
    assert rig.contents() == expected(rig.source)
    items = await rig.engine.database.read("SELECT path FROM item")
    assert len(items) == len(set(items)) == 300


async def test_another_card_in_its_place(rig: Rig) -> None:
    photos(rig.source)
    name = await rig.begun()
    await rig.restarted()
    os.rename(rig.source, rig.root / "away")
    with pytest.raises(SourceError):
        await rig.engine.resume_import(name)
    os.symlink(rig.root / "away", rig.source)
    with pytest.raises(SourceError, match="not what this import began with"):
        await rig.engine.resume_import(name)
    os.unlink(rig.source)
    os.rename(rig.root / "away", rig.source)
    assert (await rig.resumed(name)).verdict is Verdict.SAFE


async def test_the_archive_has_moved(rig: Rig) -> None:
    photos(rig.source)
    name = await rig.begun()
    await rig.restarted()
    old, new = rig.archive, rig.root / "moved"
    os.rename(old, new)
    with pytest.raises(ArchiveError, match="there is no archive"):
        await rig.engine.resume_import(name)
    assert not old.exists()
    # Another one in its place is not taken for it.
    rig.archive = rig.root / "second"
    await rig.imported(write(rig.root / "x/x.jpg", b"x").parent)
    os.rename(rig.archive, old)
    with pytest.raises(ArchiveError, match="not the archive that this import began with"):
        await rig.engine.resume_import(name)
    assert len(list(old.glob("locations/*/data/*/*/*"))) == 1
    # Seen once at its new place it goes on there.
    rig.archive = new
    await rig.imported(rig.root / "x")
    assert (await rig.resumed(name)).verdict is Verdict.SAFE
    assert expected(rig.source) <= rig.contents()


async def test_the_archive_is_replaced_in_the_middle(rig: Rig) -> None:
    size = videos(rig)
    name = await rig.begun()
    await middle(rig, size)
    os.rename(rig.archive, rig.root / "unmounted")
    rig.archive.mkdir()
    view = await rig.ended_unchecked(name)
    assert (view.state, view.verdict) == (State.PAUSED, Verdict.OPEN)
    assert "does not answer any more" in view.reason
    assert list(rig.archive.iterdir()) == []
    rig.archive.rmdir()
    os.rename(rig.root / "unmounted", rig.archive)
    view = await rig.resumed(name)
    assert view.verdict is Verdict.SAFE
    assert rig.contents() == expected(rig.source)


async def test_the_source_goes_away_in_the_middle(rig: Rig) -> None:
    size = videos(rig)
    name = await rig.begun()
    await middle(rig, size)
    os.rename(rig.source, rig.root / "unplugged")
    view = await rig.ended(name)
    assert (view.state, view.failed.files) == (State.PAUSED, 0)
    assert str(rig.source) in view.reason
    os.rename(rig.root / "unplugged", rig.source)
    assert (await rig.resumed(name)).verdict is Verdict.SAFE


async def test_unknown_imports(rig: Rig) -> None:
    for call in (rig.engine.resume_import, rig.engine.pause_import, rig.engine.cancel_import):
        with pytest.raises(UsageError):
            await call("nothing")
    await rig.engine.wait(["nothing"])
