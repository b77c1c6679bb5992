"""Files that failed are tried again: while their import runs, when it is paused, and after its end."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from core.catalog import Catalog, Selection, failures, file_list
from core.errors import UsageError
from core.importing import finish
from core.importing.halt_reasons import advice
from core.importing.import_files import Todo
from core.importing.import_run import Run
from core.importing.transfer import Transfer
from core.listings import Failure, FailureGroup
from core.models import Outcome, State, Verdict
from tests.core.importing.rig import Rig, digest, expected, random_bytes, videos, write

DENIED = "source: Permission denied"

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("bound")]


def shut(rig: Rig, *names: str) -> list[Path]:
    """Files that cannot be read."""
    files = [write(rig.source / name, random_bytes(3000, number)) for number, name in enumerate(names, 100)]
    for file in files:
        file.chmod(0)
    return files


def chain(rig: Rig) -> dict[str, str]:
    """Receipts in the archive by their SHA-256, each with the one before."""
    previous = {}
    for path in rig.archive.glob("locations/*/lading/*.txt"):
        line = next(line for line in path.read_text().splitlines() if line.startswith("Previous"))
        previous[digest(path)] = line.split()[-1]
    return previous


async def groups(rig: Rig, name: str) -> list[FailureGroup]:
    return await failures.groups(rig.engine.database.read, name, advice)


async def test_a_done_import_is_taken_up_for_what_had_failed(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    shut(rig, "b.jpg", "c.jpg")
    first = await rig.imported()
    assert (first.failed.files, first.verdict) == (2, Verdict.KEEP)
    other = await rig.imported(write(rig.root / "other/o.jpg", b"o").parent)
    before = {path.name: path.read_bytes() for path in rig.archive.glob("locations/*/lading/*")}
    for name in ("b.jpg", "c.jpg"):
        (rig.source / name).chmod(0o644)
    assert await rig.engine.imports.retry_import(first.id, Selection()) == 2
    assert rig.view(first.id).ended is None
    view = await rig.ended(first.id)
    assert (view.state, view.verdict, view.archived.files, view.failed.files) == (State.DONE, Verdict.SAFE, 3, 0)
    assert rig.contents() >= expected(rig.source)
    assert await groups(rig, first.id) == []
    # The receipt that it had is kept, and the chain of all of them is whole.
    kept = {path.name: path.read_bytes() for path in rig.archive.glob("locations/*/lading/*")}
    for ending in ("txt", "tsv", "json"):
        assert kept[f"{first.id}.1.{ending}"] == before[f"{first.id}.{ending}"]
    assert json.loads(kept[f"{first.id}.1.json"])["verdict"] == "KEEP"
    assert kept[f"{other.id}.txt"] == before[f"{other.id}.txt"]
    assert b"SAFE" in kept[f"{first.id}.txt"]
    named = chain(rig)
    assert {value for value in named.values() if value != "none"} < set(named)
    assert len(set(named.values())) == 3, "no two receipts name the same one"


async def test_one_file_and_one_cause(rig: Rig) -> None:
    shut(rig, "a.jpg", "b.jpg", "c.jpg")
    await rig.ended(name := await rig.begun())
    (group,) = await groups(rig, name)
    assert (group.cause, group.count, group.stage, group.attempts) == (DENIED, 3, "read", 1)
    assert "right to read" in group.advice
    found = await failures.page(rig.engine.database.read, name, DENIED, 0)
    assert [one.path for one in found] == [str(rig.source / f"{letter}.jpg") for letter in "abc"]
    assert isinstance(found[0], Failure)
    for letter in "ab":
        (rig.source / f"{letter}.jpg").chmod(0o644)
    assert await rig.engine.imports.retry_import(name, Selection(ids=(found[1].id,))) == 1
    view = await rig.ended(name)
    rows = await rig.rows(name)
    assert {path: row.outcome for path, row in rows.items()} == {
        b"a.jpg": Outcome.FAILED,
        b"b.jpg": Outcome.ARCHIVED,
        b"c.jpg": Outcome.FAILED,
    }
    assert (view.verdict, rig.engine.snapshot().errors[0].count) == (Verdict.KEEP, 2)
    assert await rig.engine.imports.retry_import(name, Selection(cause=DENIED)) == 2
    view = await rig.ended(name)
    assert (view.archived.files, view.failed.files, view.verdict) == (2, 1, Verdict.KEEP)
    with pytest.raises(UsageError, match="nothing that failed is left in import"):
        await rig.engine.imports.retry_import(name, Selection(cause="source: another"))


async def test_a_folder_that_could_not_be_listed(rig: Rig) -> None:
    deep = write(rig.source / "deep/b.jpg", b"b").parent
    deep.chmod(0)
    view = await rig.imported()
    (group,) = await groups(rig, view.id)
    assert (group.stage, group.attempts) == ("list", 0)
    deep.chmod(0o755)
    await rig.engine.imports.retry_import(view.id, Selection(cause=group.cause))
    view = await rig.ended(view.id)
    assert (view.seen.files, view.archived.files, view.verdict) == (1, 1, Verdict.SAFE)


async def test_a_folder_that_still_cannot_be_listed(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    shut_folder = write(rig.source / "sub/b.jpg", b"b").parent
    shut_folder.chmod(0)
    view = await rig.imported()
    for _ in range(2):
        assert await rig.engine.imports.retry_import(view.id, Selection()) == 1
        view = await rig.ended(view.id)
        assert (view.state, view.verdict, view.failed.files) == (State.DONE, Verdict.KEEP, 1), view.reason
        assert (await rig.rows(view.id))[b"sub"].reason == "cannot be listed: Permission denied"
    shut_folder.chmod(0o755)
    await rig.engine.imports.retry_import(view.id, Selection())
    view = await rig.ended(view.id)
    assert (view.verdict, view.archived.files, view.failed.files) == (Verdict.SAFE, 2, 0)


async def test_while_it_runs(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = shut(rig, "a.jpg")
    # The other worker is free for the file that fails, however long that takes.
    size = videos(rig, 1)
    bring, retried = Transfer.bring, asyncio.Event()

    async def late(self: Transfer, batch: list[Todo]) -> None:
        if batch[0].size == size:
            await retried.wait()
        await bring(self, batch)

    monkeypatch.setattr(Transfer, "bring", late)
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).failed.files == 1)
    await rig.engine.imports.pause_import(name)
    file.chmod(0o644)
    assert await rig.engine.imports.retry_import(name, Selection()) == 1
    view = rig.view(name)
    assert (view.state, view.failed.files) == (State.RUNNING, 0)
    assert rig.engine.snapshot().errors == ()
    retried.set()
    view = await rig.ended(name)
    assert (view.archived.files, view.verdict) == (2, Verdict.SAFE)
    assert view.archived.bytes == size + 3000
    assert len(rig.receipts()) == 1


async def test_while_its_source_is_listed_anew(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing has found the file failed, and is about to set it to be tried again, when a person does that."""
    size = videos(rig)
    shut(rig, "b.jpg")
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).failed.files == 1)
    assert rig.view(name).archived.bytes < size
    rig.engine.imports.under_way[name].halt("by a test")
    await rig.ended(name)
    seen, unkept = Catalog.seen, Catalog.unkept_files
    intake, reached, go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def begins(self: Catalog, volume: int) -> Any:
        intake.set()
        return await unkept(self, volume)

    async def late(self: Catalog, *given: Any) -> Any:
        found = await seen(self, *given)
        if intake.is_set():
            reached.set()
            await go.wait()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "seen", late)
        patch.setattr(Catalog, "unkept_files", begins)
        await rig.engine.imports.resume_import(name)
        await reached.wait()
        retried = asyncio.create_task(rig.engine.imports.retry_import(name, Selection()))
        await asyncio.sleep(0.3)
        go.set()
        # It says how many are tried again, or that there are none any more.
        await asyncio.gather(retried, return_exceptions=True)
    view = await rig.ended(name)
    assert (view.state, view.failed.files, view.todo.files) == (State.DONE, 1, 0)


async def test_a_retry_lets_an_import_end_that_was_paused_at_its_end(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = shut(rig, "a.jpg")
    close, paused = finish.close, asyncio.Event()

    async def late(run: Run, state: State, *whole: Any) -> None:
        if not paused.is_set():
            await rig.engine.imports.pause_import(run.row.name)
            paused.set()
        await close(run, state, *whole)

    monkeypatch.setattr(finish, "close", late)
    name = await rig.begun()
    await paused.wait()
    file.chmod(0o644)
    assert await rig.engine.imports.retry_import(name, Selection()) == 1
    view = await rig.ended(name)
    assert (view.archived.files, view.verdict, len(rig.receipts())) == (1, Verdict.SAFE, 2)


async def test_a_cancelled_import_stays_ended(rig: Rig) -> None:
    shut(rig, "a.jpg", "b.jpg")
    name = (await rig.imported()).id
    videos(rig)
    first = (await failures.page(rig.engine.database.read, name, DENIED, 0))[0]
    await rig.engine.imports.retry_import(name, Selection(ids=(first.id,)))
    await rig.engine.imports.cancel_import(name)
    view = await rig.ended(name)
    assert (view.state, view.failed.files) == (State.CANCELLED, 1)
    with pytest.raises(UsageError, match="has ended"):
        await rig.engine.imports.retry_import(name, Selection())


async def test_an_interrupted_retry_goes_on(rig: Rig) -> None:
    files = shut(rig, *(f"{number}.jpg" for number in range(3)))
    view = await rig.imported()
    for file in files:
        file.chmod(0o644)
    videos(rig)
    await rig.engine.imports.retry_import(view.id, Selection())
    await rig.restarted()
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.verdict) == (State.PAUSED, "")
    view = await rig.resumed(view.id)
    assert (view.archived.files, view.verdict) == (7, Verdict.SAFE), "what is new on the card came in, too"
    assert len(list(rig.archive.glob("locations/*/lading/*.txt"))) == 2


async def _cut(*_: object) -> None:
    raise KeyboardInterrupt


STEPS = {
    "catalog": "core.engine.import_factory.ImportFactory.journal_head",
    "journal": "core.journal.end_import.ReceiptWriter.keep_old_receipt",
    "receipt": "core.engine.import_manager.ImportManager.plan",
}


@pytest.mark.parametrize("step", STEPS)
async def test_cut_off_while_it_is_taken_up(rig: Rig, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = shut(rig, "a.jpg")
    view = await rig.imported()
    file.chmod(0o644)
    with monkeypatch.context() as patch:
        patch.setattr(STEPS[step], _cut)
        with pytest.raises(KeyboardInterrupt):
            await rig.engine.imports.retry_import(view.id, Selection())
    await rig.restarted()
    (row,) = await rig.engine.catalog.imports()
    assert row.state == State.RUNNING
    view = await rig.resumed(view.id)
    assert (view.state, view.verdict, view.failed.files) == (State.DONE, Verdict.SAFE, 0)
    assert len(rig.receipts()) == 2


async def test_cut_off_before_the_archive_knew(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its journal, which the catalog has not read since, says that the import has ended: so it has."""
    (file,) = shut(rig, "a.jpg")
    async with rig.engine.archives.used(str(rig.archive), create=True):
        view = await rig.imported()
        file.chmod(0o644)
        with monkeypatch.context() as patch:
            patch.setattr(STEPS["catalog"], _cut)
            with pytest.raises(KeyboardInterrupt):
                await rig.engine.imports.retry_import(view.id, Selection())
    await rig.restarted()
    view = await rig.resumed(view.id)
    assert (view.state, view.verdict, view.failed.files) == (State.DONE, Verdict.KEEP, 1)
    assert len(rig.receipts()) == 1


async def test_another_engine_learns_of_the_second_end(rig: Rig) -> None:
    (file,) = shut(rig, "a.jpg")
    view = await rig.imported()
    file.chmod(0o644)
    await rig.restarted("second home")
    async with rig.engine.archives.used(str(rig.archive), create=False):
        pass
    await rig.engine.imports.retry_import(view.id, Selection())
    assert (await rig.ended(view.id)).verdict is Verdict.SAFE
    for home in ("home", "third home"):
        await rig.restarted(home)
        for _ in range(2):
            async with rig.engine.archives.used(str(rig.archive), create=False):
                (row,) = await rig.engine.catalog.imports()
        if home == "third home":
            assert (row.state, row.verdict) == (State.DONE, "SAFE")
    (journal,) = rig.journals()
    ends = [line for line in map(json.loads, journal.read_text().splitlines()) if "end" in line]
    assert [line["verdict"] for line in ends] == ["KEEP", "SAFE"]
    assert len(rig.receipts()) == 2


async def test_what_is_known_of_a_failed_file(rig: Rig) -> None:
    shut(rig, "a.jpg")
    view = await rig.imported()
    (failed,) = await failures.page(rig.engine.database.read, view.id, DENIED, 0)
    facts = dict(await file_list.details(rig.engine.database.read, failed.id))
    assert (facts["outcome"], facts["failed at"], facts["attempts"]) == (f"failed: {DENIED}", "read", "1")


async def test_attempts_before_a_retry_are_told_too(rig: Rig) -> None:
    (file,) = shut(rig, "a.jpg")
    view = await rig.imported()
    await rig.engine.imports.retry_import(view.id, Selection())
    assert (await rig.ended(view.id)).failed.files == 1
    (failed,) = await failures.page(rig.engine.database.read, view.id, DENIED, 0)
    assert (failed.stage, failed.attempts) == ("read", 2)
    await rig.restarted()
    await rig.engine.imports.retry_import(view.id, Selection(ids=(failed.id,)))
    await rig.ended(view.id)
    (group,) = await groups(rig, view.id)
    assert group.attempts == 3
    file.chmod(0o644)
    await rig.engine.imports.retry_import(view.id, Selection())
    assert (await rig.ended(view.id)).verdict is Verdict.SAFE
    facts = dict(await file_list.details(rig.engine.database.read, failed.id))
    assert (facts["outcome"], facts.get("attempts")) == ("archived", None)
    assert await rig.engine.database.read("SELECT * FROM failure") == []
