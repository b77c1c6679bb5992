"""What counts as a duplicate, and what is archived once more."""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from core.importing import same_content
from core.importing.import_files import Todo
from core.importing.same_content import Compared, Sample
from core.importing.transfer import Transfer
from core.media.left_out import FROM_RECORD
from core.models import State, Verdict
from core.snapshot import ImportView
from tests.core.importing.rig import Rig, digest, random_bytes, write

pytestmark = pytest.mark.process

LARGE = 9 << 20


async def test_within_a_batch_and_across_batches(rig: Rig) -> None:
    small, large = random_bytes(100_000, 1), random_bytes(LARGE, 2)
    # Batches end at 8 MiB: the fillers lie between the copies.
    for number in range(6):
        write(rig.source / f"{number}/a.jpg", small)
        write(rig.source / f"{number}/b.jpg", small)
        write(rig.source / f"{number}/clip.mov", large)
        write(rig.source / f"{number}/filler.bin", random_bytes(7 << 20, 10 + number))
    view = await rig.imported()
    assert view.archived.files == 1 + 1 + 6
    assert view.duplicate.files == 11 + 5
    assert len(rig.contents()) == 8
    assert view.verdict is Verdict.SAFE
    # Each source byte once: duplicates are told by what was read.
    assert view.read == view.seen.bytes


async def test_same_size_but_other_content(rig: Rig) -> None:
    for number in range(300):
        write(rig.source / f"DSC{number:05}.ARW", random_bytes(5000, number))
    view = await rig.imported()
    assert (view.archived.files, view.duplicate.files) == (300, 0)
    assert view.read == 300 * 5000


async def test_two_imports_at_once_of_the_same_content(rig: Rig) -> None:
    for number in range(200):
        for card in ("one", "two"):
            write(rig.root / card / f"{number}.jpg", random_bytes(20_000, number))
    for card in ("one", "two"):
        write(rig.root / card / "clip.mov", random_bytes(LARGE, 999))
    names = await rig.engine.imports.start_imports([rig.request(rig.root / card) for card in ("one", "two")])
    views = [await rig.ended(name) for name in names]
    assert [view.verdict for view in views] == [Verdict.SAFE, Verdict.SAFE]
    assert sum(view.archived.files for view in views) == 201
    assert sum(view.duplicate.files for view in views) == 201
    assert len(rig.contents()) == 201
    assert len(list((rig.archive / "locations").iterdir())) == 1


async def test_across_imports_wherever_it_lies(rig: Rig) -> None:
    data = random_bytes(5000, 1)
    await rig.imported(write(rig.root / "a/x.jpg", data).parent)
    view = await rig.imported(write(rig.root / "b/y.png", data).parent, location="Bern")
    assert (view.archived.files, view.duplicate.files) == (0, 1)
    assert len(rig.payload()) == 1


async def test_scope_location(rig: Rig) -> None:
    data = random_bytes(5000, 1)
    write(rig.source / "x.jpg", data)
    await rig.imported(location="Basel", duplicates="location")
    view = await rig.imported(location="Bern", duplicates="location")
    assert view.archived.files == 1
    view = await rig.imported(location="bern ", duplicates="location")
    assert (view.archived.files, view.duplicate.files) == (0, 1)
    assert len(rig.payload()) == 2


async def test_two_scopes_at_once_in_one_location(rig: Rig) -> None:
    for card in ("one", "two"):
        for number in range(50):
            write(rig.root / card / f"{number}.jpg", random_bytes(20_000, number))
    requests = [rig.request(rig.root / "one"), rig.request(rig.root / "two", duplicates="location")]
    for name in await rig.engine.imports.start_imports(requests):
        await rig.ended(name)
    items = await rig.engine.database.read("SELECT path FROM item")
    assert len(items) == len(set(items)) == len(rig.contents()) == 50


@pytest.mark.parametrize("size", [5000, LARGE])
@pytest.mark.parametrize("known", ["read", "record"])
async def test_deleted_behind_its_back(rig: Rig, size: int, known: str) -> None:
    write(rig.source / "x.jpg", random_bytes(size, 1))
    await rig.imported()
    (path,) = rig.payload()
    os.unlink(rig.archive / path)
    view = await rig.imported(known=known)
    assert (view.archived.files, view.duplicate.files) == (1, 0)
    assert view.read == size
    assert list(rig.payload()) == [path]
    assert view.verdict is Verdict.SAFE


async def test_truncated_behind_its_back(rig: Rig) -> None:
    data = random_bytes(5000, 1)
    write(rig.source / "x.jpg", data)
    await rig.imported()
    (path,) = rig.payload()
    os.truncate(rig.archive / path, 100)
    view = await rig.imported()
    assert view.archived.files == 1
    assert (await rig.rows(view.id))[b"x.jpg"].payload == path.replace(".jpg", "-2.jpg")
    assert rig.payload() == {
        path: hashlib.sha256(data[:100]).hexdigest(),
        path.replace(".jpg", "-2.jpg"): hashlib.sha256(data).hexdigest(),
    }
    assert (await rig.imported()).duplicate.files == 1


async def test_known_files_are_taken_from_the_record(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "big.mov", random_bytes(LARGE, 1))
    await rig.imported()
    write(rig.source / "new.jpg", b"new")
    view = await rig.imported(known="record")
    assert (view.archived.files, view.duplicate.files) == (1, 2)
    assert view.read == 3
    rows = await rig.rows(view.id)
    assert rows[b"a.jpg"].reason == rows[b"big.mov"].reason == FROM_RECORD.reason
    assert "taken from the record" in rig.receipts()[-1].read_text()
    assert view.verdict is Verdict.SAFE


async def refilled(rig: Rig) -> ImportView:
    """An import by the record of a card that was filled again, with equal names, sizes and times."""
    paths = [write(rig.source / f"{number}.nef", random_bytes(LARGE, number)) for number in range(3)]
    await rig.imported()
    for number, path in enumerate(paths):
        facts = path.stat()
        path.write_bytes(random_bytes(LARGE, 10 + number))
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return await rig.imported(known="record")


@pytest.mark.promise(34)
async def test_a_card_that_was_filled_again_is_not_taken_from_the_record(rig: Rig) -> None:
    view = await refilled(rig)
    assert (view.verdict, view.duplicate.files) == (Verdict.KEEP, 3)
    assert "3 have other content than is archived under their name and time" in view.verdict_reason
    assert (await rig.imported()).archived.files == 3


@pytest.mark.promise(34)
async def test_what_cannot_be_looked_into_is_not_taken_from_the_record(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = Sample.compare
    gone = write(rig.source / "a.nef", random_bytes(LARGE, 1))
    aside = rig.root / "aside"

    async def after(*given: Any, **more: Any) -> Compared:
        os.rename(gone, aside)
        return await compare(*given, **more)

    await rig.imported()
    monkeypatch.setattr(Sample, "compare", after)
    view = await rig.imported(known="record")
    assert (view.verdict, view.verdict_reason) == (Verdict.KEEP, "1 could not be read (such as a.nef)")
    os.rename(aside, gone)
    (path,) = rig.payload()
    gone = rig.archive / path
    view = await rig.imported(known="record")
    assert view.verdict is Verdict.KEEP
    assert "1 may not be read in the archive" in view.verdict_reason


@pytest.mark.control(34)
async def test_it_would_be_if_no_content_was_compared(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_content, "SAMPLES", 0)
    assert (await refilled(rig)).verdict is Verdict.SAFE


async def test_a_large_known_file_is_hashed_only(rig: Rig) -> None:
    write(rig.source / "big.mov", random_bytes(LARGE, 1))
    await rig.imported()
    view = await rig.imported()
    assert view.duplicate.files == 1
    assert (view.read, view.written) == (LARGE, 0)


@pytest.mark.parametrize("size", [5000, LARGE])
async def test_other_content_under_a_known_name_size_and_time(rig: Rig, size: int) -> None:
    path = write(rig.source / "x.jpg", random_bytes(size, 1))
    facts = path.stat()
    await rig.imported()
    path.write_bytes(random_bytes(size, 2))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    view = await rig.imported()
    assert (view.archived.files, view.duplicate.files) == (1, 0)
    assert rig.contents() == {hashlib.sha256(random_bytes(size, seed)).hexdigest() for seed in (1, 2)}


async def test_what_another_archive_holds_is_new_to_this_one(rig: Rig) -> None:
    write(rig.source / "x.jpg", b"x")
    write(rig.source / "big.mov", random_bytes(LARGE, 1))
    await rig.imported()
    rig.archive = rig.root / "second"
    view = await rig.imported()
    assert (view.archived.files, view.duplicate.files) == (2, 0)
    assert view.read == view.seen.bytes
    rig.archive = rig.root / "third"
    assert (await rig.imported(known="record")).archived.files == 2
    # The first one still knows its own.
    rig.archive = rig.root / "archive"
    view = await rig.imported(known="record")
    assert (view.duplicate.files, view.read, view.verdict) == (2, 0, Verdict.SAFE)


async def test_a_foreign_file_of_the_same_content_is_adopted(rig: Rig) -> None:
    data = random_bytes(5000, 1)
    write(rig.source / "first.jpg", b"makes the location")
    await rig.imported()
    path = await _foreign(rig, data, data)
    before = path.stat()
    view = await rig.imported()
    assert view.archived.files == 1
    assert (await rig.rows(view.id))[b"x.jpg"].payload == str(path.relative_to(rig.archive))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(rig.payload()) == 2


@pytest.mark.parametrize("size", [5000, LARGE])
async def test_a_foreign_file_of_other_content_stays(rig: Rig, size: int) -> None:
    data, other = random_bytes(size, 1), random_bytes(size, 2)
    write(rig.source / "first.jpg", b"makes the location")
    await rig.imported()
    path = await _foreign(rig, data, other)
    view = await rig.imported()
    assert view.archived.files == 1
    assert path.read_bytes() == other
    mine = path.with_name(f"{path.stem}-2.jpg")
    assert mine.read_bytes() == data
    assert (await rig.rows(view.id))[b"x.jpg"].payload == str(mine.relative_to(rig.archive))
    payloads = [line for line in rig.journals()[-1].read_text().splitlines() if '"file":"x.jpg"' in line]
    assert mine.name in payloads[-1]
    # Whoever knows only the archive finds it there, too.
    await rig.restarted("fresh home")
    view = await rig.imported()
    assert view.duplicate.files == 2
    assert (await rig.rows(view.id))[b"x.jpg"].payload == str(mine.relative_to(rig.archive))


async def _foreign(rig: Rig, data: bytes, found: bytes) -> Path:
    """Put x.jpg with `data` on the card, and `found` in the archive where it will go."""
    scratch = Rig(rig.root / "scratch")
    write(scratch.source / "x.jpg", data)
    await scratch.engine.start()
    await scratch.imported()
    (path,) = scratch.payload()
    await scratch.engine.stop()
    (location,) = (rig.archive / "locations").iterdir()
    write(rig.source / "x.jpg", data)
    return write(location / "data" / path.partition("/data/")[2], found)


async def test_a_paused_import_does_not_hold_up_one_of_the_same_content(rig: Rig) -> None:
    for card in ("one", "two"):
        for number in range(8):
            write(rig.root / card / f"{number}.mov", random_bytes(LARGE, number))
    one = await rig.begun(rig.root / "one")
    run = rig.engine.imports.under_way[one].run
    await rig.until(lambda: any(dedup.claims for dedup in rig.dedups()))
    await rig.engine.imports.pause_import(one)
    two = await rig.ended(await rig.begun(rig.root / "two"))
    assert (two.state, two.verdict) == (State.DONE, Verdict.SAFE)
    assert run.paused
    await rig.engine.imports.resume_import(one)
    view = await rig.ended(one)
    assert (view.state, view.verdict) == (State.DONE, Verdict.SAFE)
    assert two.archived.files + view.archived.files == 8
    assert len(rig.contents()) == 8
    items = await rig.engine.database.read("SELECT path FROM item")
    assert sorted(path for (path,) in items) == sorted(rig.payload())


async def test_a_follower_goes_its_own_way_when_the_other_import_is_cancelled(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else the first might be through with all of it before the workers of the second have begun.
    before, met = Transfer.write, asyncio.Event()

    async def write_later(self: Transfer, well: object, todos: dict[int, Todo], *args: object) -> object:
        if any(todo.path == b"0.mov" for todo in todos.values()):
            await met.wait()
        return await before(self, well, todos, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Transfer, "write", write_later)
    for card in ("one", "two"):
        for number in range(6):
            write(rig.root / card / f"{number}.mov", random_bytes(LARGE, number))
    names = await rig.engine.imports.start_imports([rig.request(rig.root / card) for card in ("one", "two")])
    await rig.until(lambda: any(run.run.following for run in rig.engine.imports.under_way.values()))
    follower = next(name for name in names if rig.engine.imports.under_way[name].run.following)
    other = next(name for name in names if name != follower)
    met.set()
    await rig.engine.imports.cancel_import(other)
    views = {name: await rig.ended(name) for name in names}
    assert views[follower].verdict is Verdict.SAFE
    assert views[other].state is State.CANCELLED
    assert len(rig.contents()) == len(rig.payload()) == 6
    # What the cancelled one had just published when the follower came with it counts for both.
    assert views[follower].archived.files + views[other].archived.files in (6, 7)


async def test_many_imports_side_by_side_share_what_is_equal(rig: Rig) -> None:
    cards = [f"card {number}" for number in range(4)]
    for card in cards:
        for number in range(60):
            write(rig.root / card / f"{card}-{number}.jpg", random_bytes(3000, number % 40))
    names = await asyncio.gather(*(rig.begun(rig.root / card, location=card) for card in cards))
    views = [await rig.ended(name) for name in names]
    assert all(view.verdict is Verdict.SAFE for view in views)
    assert sum(view.archived.files for view in views) == 40
    assert sorted(rig.payload().values()) == sorted(
        digest(path) for path in (rig.root / cards[0]).iterdir() if int(path.stem.partition("-")[2]) < 40
    )
