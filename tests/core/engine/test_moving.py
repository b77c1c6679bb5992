"""An import moved to another location: both bags valid, nothing lost, whatever happens in the middle."""

import asyncio
import errno
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core import archive_layout
from core.archives.archive import BACKGROUND
from core.bagit.bag import Bag
from core.catalog import ImportRow
from core.database import Statement
from core.engine.ended_imports import EndedImports
from core.errors import ArchiveError, UsageError
from core.files.checksummed_lines import sealed
from core.journal.end_import import ReceiptWriter
from core.maintenance import move_import
from core.maintenance.move_import import Mover
from core.models import Count, Outcome, Side, Verdict
from core.queue import archive_leases
from core.queue.enqueue import counting
from core.results import Moved
from core.workers import archive_messages
from core.workers.messages import Fault
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, at_work, digest, write
from tests.core.maintenance.test_rebuild import rows
from tests.faults import dying
from tests.faults.dying import card, sound

pytestmark = pytest.mark.process


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine with all its background."""
    async with at_work(tmp_path) as rig:
        yield rig


@pytest.mark.parametrize("rebuilt", [False, True], ids=["move", "rebuild"])
async def test_what_needs_the_archive_to_itself_waits_for_a_report(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, rebuilt: bool
) -> None:
    """The engine writes it by itself, at the end of an import or soon after its own start."""
    view = await rig.imported(card(rig.root / "one", 0), location="Bern")
    await rig.still()
    shutil.copytree(rig.archive, rig.root / "copy")
    engine, began, waited, go = rig.engine, asyncio.Event(), asyncio.Event(), asyncio.Event()
    page, still = EndedImports._page, EndedImports.no_reports

    async def late(self: EndedImports, receipt: ReceiptWriter, row: ImportRow) -> None:
        began.set()
        await go.wait()
        await page(self, receipt, row)

    @asynccontextmanager
    async def noted(self: EndedImports) -> AsyncIterator[None]:
        waited.set()
        async with still(self):
            yield

    monkeypatch.setattr(EndedImports, "_page", late)
    monkeypatch.setattr(EndedImports, "no_reports", noted)
    (row,) = await engine.catalog.imports()
    await engine.catalog.set_import(row.id, watched=1)
    engine.ended_imports.ended(row.id)
    await began.wait()
    copy = str(rig.root / "copy")
    doing = asyncio.create_task(
        engine.maintenance.rebuild(copy) if rebuilt else engine.maintenance.move(view.id, "Basel")
    )
    waiting = asyncio.create_task(waited.wait())
    await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    go.set()
    await doing
    await waiting


async def test_no_bag_is_made_while_files_are_moved(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog does not say yet where they are: they would be missing."""
    view = await rig.imported(card(rig.root / "one", 0), location="Bern")
    await rig.still()
    ask, make = Worker.ask, Bag.make
    made: list[str] = []

    async def late(self: Worker, request: object, wanted: type) -> object:
        answer: object = await ask(self, request, wanted)  # type: ignore[arg-type]
        if isinstance(request, archive_messages.Carry):
            await asyncio.sleep(1.5)  # for a job to begin
        return answer

    async def noted(self: Bag) -> list[Statement]:
        made.append(next((archive.alone for archive, _ in rig.engine.archives.opened.values()), ""))
        return await make(self)

    monkeypatch.setattr(Worker, "ask", late)
    monkeypatch.setattr(Bag, "make", noted)
    await rig.engine.maintenance.move(view.id, "Basel")
    await sound(rig)
    assert set(made) == {""}


async def test_moved_and_moved_back(rig: Rig) -> None:
    first = card(rig.root / "one", 0)
    one = await rig.imported(first, location="Bern")
    two = await rig.imported(card(rig.root / "two", 2), location="bern")
    assert (two.archived.files, two.duplicate.files) == (2, 2)
    await rig.still()
    contents = rig.contents()
    moved = await rig.engine.maintenance.move(one.id[:-1], "Basel")
    # Two of its files are duplicates of the other import there, and stay.
    assert (moved.id, moved.files, moved.copied, moved.kept, moved.problems) == (one.id, 2, 0, 2, ())
    await sound(rig)
    assert rig.contents() == contents
    assert {path: row.outcome for path, row in (await rig.rows(one.id)).items()} == dict.fromkeys(
        [b"0.txt", b"1.txt", b"2.txt", b"3.txt"], Outcome.ARCHIVED
    )
    head = (await rig.engine.catalog.imports())[0]
    assert (head.location_name, head.verdict) == ("Basel", "SAFE")
    # All that the other one needs goes with it now.
    assert (await rig.engine.maintenance.move(two.id, "Basel")).files == 4
    await sound(rig)
    assert (await rig.engine.maintenance.move(one.id, "Bern")).files == 2
    await sound(rig)
    again = await rig.imported(first, location="Bern")
    assert (again.archived.files, again.verdict) == (0, Verdict.SAFE)
    # The chain of receipts can still be followed.
    kept = {digest(path) for path in rig.archive.glob("locations/*/lading/*.txt")}
    assert all(row.previous in {"", *kept} for row in await rig.engine.catalog.imports())
    await sound(rig)


async def test_the_progress_of_a_move_is_told_page_by_page(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(move_import, "PAGE", 3)
    one = await rig.imported(card(rig.root / "one", 0), location="Bern")
    told: list[tuple[Count, Count]] = []
    moved = await rig.engine.maintenance.move(one.id, "Basel", lambda done, total: told.append((done, total)))
    whole = Count(files=4, bytes=moved.bytes)
    assert [done.files for done, _ in told] == [3, 4]
    assert (told[-1], {total for _, total in told}) == ((whole, whole), {whole})


async def test_an_import_with_a_location_of_its_own_gets_copies(rig: Rig) -> None:
    first = card(rig.root / "one", 0)
    one = await rig.imported(first, location="Bern", duplicates="location")
    await rig.imported(card(rig.root / "two", 2), location="Bern", duplicates="location")
    await rig.imported(card(rig.root / "three", 0, 1), location="Basel", duplicates="location")
    moved = await rig.engine.maintenance.move(one.id, "Basel")
    # One was there already, one goes, two are copied.
    assert (moved.files, moved.copied, moved.kept) == (2, 2, 0)
    await sound(rig)
    rows_of = await rig.rows(one.id)
    assert len({row.payload.split("/")[1] for row in rows_of.values()}) == 1
    assert len(rig.payload()) == 8
    inodes = [os.stat(rig.archive / path).st_ino for path in rig.payload()]
    assert len(set(inodes)) == 8
    again = await rig.imported(first, location="Basel", duplicates="location")
    assert again.archived.files == 0


@pytest.mark.parametrize("step", ["some files", "old receipt"])
async def test_an_engine_that_dies_in_the_middle(rig: Rig, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    await dying.finished(rig, monkeypatch, step)


async def test_background_work_begins_as_soon_as_it_has_ended(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await rig.imported(card(rig.root / "one", 0), location="Bern")
    await rig.still()
    await rig.restarted()
    monkeypatch.setattr(archive_leases, "AWAY_POLL_INTERVAL", 3600.0)
    move = Mover.move

    async def moved(mover: Mover, row: ImportRow, number: int, folder: str, name: str) -> Moved:
        await rig.engine.database.run(counting(row.archive_id, [row.location_id]))
        rig.engine.jobs.wake()
        await rig.until(lambda: any("is moved" in queue.reason for queue in rig.engine.jobs.views()))
        return await move(mover, row, number, folder, name)

    monkeypatch.setattr(Mover, "move", moved)
    await rig.engine.maintenance.move(one.id, "Basel")
    await rig.still()
    assert not any(queue.reason for queue in rig.engine.jobs.views() if queue.name == "location_stats")


async def test_other_engines_learn_of_it(rig: Rig) -> None:
    one = await rig.imported(card(rig.root / "one", 0), location="Bern")
    await rig.still()
    await rig.restarted("second home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    for location in ("Basel", "Chur"):
        await rig.engine.maintenance.move(one.id, location)
        await sound(rig)
    after = await rows(rig)
    assert [row[1] for row in after["location"]].count("Chur") == 1
    for home in ("home", "third home"):
        await rig.restarted(home)
        await rig.engine.maintenance.rebuild(str(rig.archive))
        await sound(rig)
        assert {name: found for name, found in (await rows(rig)).items() if name != "import"} == {
            name: found for name, found in after.items() if name != "import"
        }
        (row,) = await rig.engine.catalog.imports()
        assert (row.location_name, row.verdict) == ("Chur", "SAFE")
    # Its journal is lost, too.
    rig.journals()[0].unlink()
    await rig.restarted("fourth home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    await sound(rig)
    assert (await rows(rig, "file"))["file"] == after["file"]


async def test_what_cannot_be_moved(rig: Rig) -> None:
    first = card(rig.root / "one", 0)
    one = await rig.imported(first, location="Bern")
    with pytest.raises(UsageError, match="is there already"):
        await rig.engine.maintenance.move(one.id, " BERN ")
    with pytest.raises(UsageError, match="no location was given"):
        await rig.engine.maintenance.move(one.id, " ")
    with pytest.raises(UsageError, match="There is no import"):
        await rig.engine.maintenance.move("nothing", "Basel")
    write(rig.root / "long/x.txt", bytes(80 << 20))
    name = await rig.begun(rig.root / "long", location="Chur")
    await rig.engine.imports.pause_import(name)
    with pytest.raises(UsageError, match="has not ended"):
        await rig.engine.maintenance.move(name, "Basel")
    with pytest.raises(UsageError, match=f"is in use: {name}"):
        await rig.engine.maintenance.move(one.id, "Basel")
    await rig.engine.imports.resume_import(name)
    await rig.ended(name)
    archive = rig.engine.archives
    async with archive.used(str(rig.archive), create=False) as (held, _):
        # The import lets it go just after its end.
        await rig.until(lambda: len(held.active - {BACKGROUND}) == 1)
        with held.to_itself("something is done"), pytest.raises(ArchiveError, match="something is done"):
            await rig.begun(first, location="Bern")
    assert (await rig.engine.maintenance.move(one.id, "Basel")).files == 4
    await sound(rig)


async def test_another_file_has_the_name(rig: Rig) -> None:
    one = await rig.imported(card(rig.root / "one", 0), location="Bern")
    await rig.imported(card(rig.root / "two", 9, 1), location="Basel")
    await rig.still()
    paths = sorted(row.payload for row in (await rig.rows(one.id)).values())
    basel = next(row.location_folder for row in await rig.engine.catalog.imports() if row.location_name == "Basel")
    taken = paths[0].replace(paths[0].split("/")[1], basel)
    size = sum((rig.archive / path).stat().st_size for path in paths)
    write(rig.archive / taken, b"somebody else's")
    moved = await rig.engine.maintenance.move(one.id, "Basel")
    assert moved.problems == (f"{paths[0]}: something else has its name there",)
    assert (moved.files, moved.bytes) == (len(paths) - 1, size - (rig.archive / paths[0]).stat().st_size)
    assert (rig.archive / taken).read_bytes() == b"somebody else's"
    assert (rig.archive / paths[0]).exists()
    await rig.still()
    assert rig.invalid() == []


async def test_a_server_that_is_gone_for_a_moment(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be moved then is moved when the archive is opened next, not left behind for ever."""
    one = await rig.imported(card(rig.root / "one", 0), location="Bern")
    await rig.still()
    ask = Worker.ask

    async def asked(worker: Worker, request: Any, wanted: type[Any]) -> Any:
        if not isinstance(request, archive_messages.Carry):
            return await ask(worker, request, wanted)
        rest = await ask(worker, msgspec.structs.replace(request, files=request.files[1:]), wanted)
        return archive_messages.Carried([Fault(Side.ARCHIVE, "Input/output error", errno.EIO), *rest.faults])

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "ask", asked)
        with pytest.raises(ArchiveError, match="could not be finished: Input/output error"):
            await rig.engine.maintenance.move(one.id, "Basel")
    with pytest.raises(UsageError, match="is there already"):
        await rig.engine.maintenance.move(one.id, "Basel")
    basel = next(row.location_folder for row in await rig.engine.catalog.imports() if row.location_name == "Basel")
    payload = [row.payload for row in (await rig.rows(one.id)).values()]
    assert payload
    assert all(path.startswith(f"locations/{basel}/") for path in payload)
    await sound(rig)


async def test_damaged_and_strange_files_of_moves(rig: Rig) -> None:
    one = await rig.imported(card(rig.root / "one", 0), location="Bern")
    await rig.still()
    before = rig.payload()
    folder = rig.archive / archive_layout.MOVES
    write(folder / "rubbish.jsonl", b"\xff\x00 rubbish\n")
    write(folder / "note.txt", b"not ours")
    item = {"item": next(iter(before)), "to": "../../outside.txt", "copy": False, "size": 1}
    lines: list[dict[str, object]] = [
        {
            "move": one.id,
            "from": {"folder": "bern", "name": "x"},
            "to": {"folder": "../x", "name": "y"},
            "at": 1.0,
        },
        {**item, "kind": "other", "xxh128": "00" * 16, "sha256": "00" * 32},
        {"go": 1},
    ]
    write(folder / "hostile.jsonl", b"".join(sealed(line) for line in lines))
    write(folder / "unsealed.jsonl", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    await rig.restarted()
    await rig.engine.maintenance.derive(str(rig.archive))
    await sound(rig)
    assert rig.payload() == before
