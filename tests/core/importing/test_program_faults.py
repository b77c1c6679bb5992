"""Faults of the program and of its workers, and halts in the worst moment."""

import asyncio
from collections.abc import Callable

import psutil
import pytest

from core.catalog import failures
from core.engine.recovery import put_down
from core.errors import WorkerDiedError
from core.importing.import_files import Todo
from core.importing.import_run import Run
from core.importing.importer import Importer
from core.importing.transfer import Transfer
from core.models import State, Verdict
from core.workers.pool import Worker
from core.workers.source_messages import Digest
from tests.core.importing.rig import Rig, expected, open_files, photos
from tests.rigs import machines

pytestmark = pytest.mark.process


async def test_a_fault_of_the_program_pauses_its_import_alone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(rig.source, 100)
    photos(rig.root / "other", 100)
    before = Transfer.write

    async def write_or_fail(self: Transfer, *args: object) -> object:
        if self.run.row.source.endswith(b"card"):
            raise ZeroDivisionError("by a test")
        return await before(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Transfer, "write", write_or_fail)
    names = await rig.engine.imports.start_imports([rig.request(), rig.request(rig.root / "other")])
    with pytest.raises(ZeroDivisionError):
        await rig.engine.imports.wait(names)
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
    while name in rig.engine.imports.under_way and killed < 3:
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
    before = Transfer.read

    async def read_or_die(self: Transfer, batch: list[object], worker: object) -> object:
        if any(todo.path == b"0003.jpg" for todo in batch):  # type: ignore[attr-defined]
            raise WorkerDiedError("killed by a test")
        return await before(self, batch, worker)  # type: ignore[arg-type]

    monkeypatch.setattr(Transfer, "read", read_or_die)
    view = await rig.imported()
    assert (view.archived.files, view.failed.files, view.verdict) == (9, 1, Verdict.KEEP)
    assert (await rig.rows(view.id))[b"0003.jpg"].reason == "program: killed by a test"


async def test_files_that_kill_their_workers_are_one_cause(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(rig.source, 6)
    before = Transfer.read

    async def read_and_kill(self: Transfer, batch: list[Todo], worker: Worker) -> list[Digest]:
        if any(todo.path in (b"0003.jpg", b"0004.jpg") for todo in batch):
            worker.process.kill()
        return await before(self, batch, worker)

    monkeypatch.setattr(Transfer, "read", read_and_kill)
    view = await rig.imported()
    assert (view.archived.files, view.failed.files) == (4, 2)
    (shown,) = rig.engine.snapshot().errors
    assert (shown.cause, shown.count) == ("program: a worker is gone", 2)
    details = {one.detail for one in await failures.page(rig.engine.database.read, view.id, shown.cause, 0)}
    assert len(details) == 2


@pytest.fixture
def halting(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Halt the import at its n-th commit."""

    def arrange(number: int) -> None:
        before, left = Run.settle, [number]

        async def settle(self: Run, *args: object) -> None:
            left[0] -= 1
            if left[0] == 0:
                rig.engine.imports.under_way[self.row.name].halt("a test")
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
    names = await rig.engine.imports.start_imports([rig.request(), rig.request(rig.root / "other")])
    views = [await rig.ended(name) for name in names]
    assert sorted(view.state for view in views) == [State.DONE, State.PAUSED]
    for view in views:
        if view.state is State.PAUSED:
            assert (await rig.resumed(view.id)).verdict is Verdict.SAFE
    assert rig.contents() == expected(rig.source)
    items = await rig.engine.database.read("SELECT path FROM item")
    assert len(items) == len(set(items)) == 300


def held_by_workers(rig: Rig) -> list[str]:
    """What workers have open in the archive."""
    found = [path for process in psutil.Process().children() for path in open_files(process.pid)]
    return [path for path in found if path.startswith(f"{rig.archive}/")]


@machines.linux
@pytest.mark.shipped
async def test_halted_between_two_requests_nothing_is_held(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive's volume can be unmounted then."""
    photos(rig.source, 20)
    held: list[str] = []

    async def journal(self: Transfer, worker: object) -> None:
        held.extend(held_by_workers(rig))
        rig.engine.imports.under_way[self.run.row.name].halt("a test")
        await asyncio.Event().wait()

    monkeypatch.setattr(Transfer, "journal", journal)
    assert (await rig.imported()).state is State.PAUSED
    assert len(held) > 20
    await rig.until(lambda: held_by_workers(rig) == [])


async def test_without_time_to_wait_for_the_archive_it_goes_on_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos(rig.source, 20)
    cleaning, answers = asyncio.Event(), asyncio.Event()

    async def clean(self: Importer) -> None:
        cleaning.set()
        await answers.wait()

    monkeypatch.setattr(Importer, "clean_staging", clean)
    name = await rig.begun()
    stopping = asyncio.create_task(put_down(rig.engine.catalog, rig.engine.imports))
    await cleaning.wait()
    assert (await rig.engine.catalog.imports())[0].state == State.PAUSED
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert (await rig.engine.catalog.imports())[0].state == State.RUNNING
    answers.set()
    await rig.engine.imports.wait([name])
