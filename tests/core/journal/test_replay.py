"""What the archive knows by itself: catalogs that were lost, files without a record, receipts not written."""

import json
import os
import shutil

import pytest

from core.journal import replay, replay_rows
from core.journal.replay import attributes
from core.models import Outcome, State, Verdict
from tests.core.importing.rig import Rig, digest, random_bytes, write
from tests.rigs import machines
from tests.rigs.trees import contents, hostile_tree

pytestmark = pytest.mark.process


async def everything(rig: Rig) -> list[tuple[object, ...]]:
    """What the catalog says, but for its numbers."""
    return await rig.engine.database.read(
        "SELECT i.name, i.state, i.verdict, i.receipt, i.previous, f.path, f.outcome, f.size, f.mtime_ns, f.stem, "
        "f.kind, m.path, m.size FROM file f JOIN import i ON i.id = f.import_id "
        "LEFT JOIN item m ON m.id = f.item_id ORDER BY i.name, f.path"
    )


async def test_a_lost_catalog_is_built_again(rig: Rig) -> None:
    manifest = hostile_tree(os.fsencode(rig.source))
    await rig.imported()
    for number in range(50):
        write(rig.root / f"second/{number}.jpg", random_bytes(2000, number))
        write(rig.root / f"third/{number}.jpg", random_bytes(2000, number + 25))
    requests = [rig.request(rig.root / name, location=name) for name in ("second", "third")]
    for name in await rig.engine.imports.start_imports(requests):
        await rig.ended(name)
    before = await everything(rig)
    payload = rig.payload()
    await rig.restarted("fresh home")
    view = await rig.imported()
    assert view.archived.files == 0
    assert view.duplicate.files == sum(entry.outcome == "regular" for entry in manifest.values())
    after = await everything(rig)
    assert [row for row in after if row[0] != view.id] == before
    assert rig.payload() == payload
    assert contents(manifest) <= rig.contents()
    # The chain of receipts goes on.
    rows = await rig.engine.catalog.imports()
    assert rows[-1].previous == next(row.receipt for row in rows if row.receipt and row.name != view.id) or (
        rows[-1].previous in {row.receipt for row in rows}
    )
    folders = await rig.engine.database.read("SELECT count(*) FROM folder GROUP BY import_id")
    assert folders


@pytest.mark.parametrize("original", [True, False])
async def test_copies_beside_a_journal_are_no_imports(rig: Rig, original: bool) -> None:
    """Finder and synchronised folders put them there."""
    write(rig.source / "x.jpg", b"x")
    await rig.imported()
    before = await everything(rig)
    (journal,) = rig.journals()
    for name in (" 2", ".sync-conflict-20261130-170532-ABCDEFG"):
        shutil.copy(journal, journal.with_name(f"{journal.stem}{name}.jsonl"))
    await rig.restarted()
    write(rig.root / "second/y.jpg", b"y")
    await rig.imported(rig.root / "second", location="second")  # with a catalog that knows the import
    if not original:
        journal.unlink()
    await rig.restarted("fresh home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert [row for row in await everything(rig) if row[5] == before[0][5]] == before
    view = await rig.imported()
    assert (view.duplicate.files, view.verdict) == (1, Verdict.SAFE)


async def test_location_scope_survives_a_lost_catalog(rig: Rig) -> None:
    write(rig.source / "x.jpg", b"x")
    for location in ("Basel", "Bern"):
        await rig.imported(location=location, duplicates="location")
    await rig.restarted("fresh home")
    for location in ("Basel", "Bern"):
        assert (await rig.imported(location=location, duplicates="location")).duplicate.files == 1
    assert len(rig.payload()) == 2


async def test_what_was_archived_again_survives_a_lost_catalog(rig: Rig) -> None:
    data = random_bytes(5000, 1)
    write(rig.source / "x.jpg", data)
    await rig.imported(location="Basel")
    (path,) = rig.payload()
    os.unlink(rig.archive / path)
    await rig.imported(location="Bern")
    (path,) = rig.payload()
    await rig.restarted("fresh home")
    view = await rig.imported()
    assert (view.duplicate.files, view.verdict) == (1, Verdict.SAFE)
    rows = [await rig.rows(row.name) for row in await rig.engine.catalog.imports()]
    assert [row[b"x.jpg"].payload for row in rows] == [path] * 3


async def test_what_is_no_longer_there_is_not_claimed(rig: Rig) -> None:
    write(rig.source / "x.jpg", b"x")
    write(rig.source / "y.jpg", b"y")
    first = await rig.imported()
    gone = (await rig.rows(first.id))[b"x.jpg"].payload
    os.unlink(rig.archive / gone)
    await rig.restarted("fresh home")
    await rig.imported(write(rig.root / "other/z.jpg", b"z").parent)
    rows = await rig.rows(first.id)
    assert {path: row.outcome for path, row in rows.items()} == {
        b"x.jpg": Outcome.ARCHIVED,
        b"y.jpg": Outcome.ARCHIVED,
    }
    damaged = await rig.engine.database.read("SELECT path, damage FROM item WHERE damage IS NOT NULL")
    assert damaged == [(gone, replay_rows.ABSENT)]
    view = await rig.imported(known="record")
    assert (view.archived.files, view.duplicate.files, view.verdict) == (1, 1, Verdict.SAFE)


async def test_published_but_not_recorded(rig: Rig) -> None:
    """The engine died between giving the names and its commit."""
    for number in range(30):
        write(rig.source / f"{number}.jpg", random_bytes(20_000, number))
    view = await rig.imported()
    payload = rig.payload()
    inodes = {path: (rig.archive / path).stat().st_ino for path in payload}
    (path,) = rig.journals()
    kept = [line for line in path.read_bytes().splitlines(keepends=True) if b'{"end"' not in line]
    path.write_bytes(b"".join(kept))
    forget = (
        "UPDATE file SET outcome = 0, item_id = NULL WHERE id > 10",
        "DELETE FROM item WHERE id NOT IN (SELECT item_id FROM file WHERE item_id IS NOT NULL)",
        "UPDATE import SET state = 'running', verdict = '', receipt = '', ended = NULL",
    )
    for statement in forget:
        await rig.engine.database.run((statement, [()]))
    for receipt in rig.receipts():
        receipt.unlink()
    # One of them is not what it was.
    rows = await rig.rows(view.id)
    assert sum(row.outcome is Outcome.TODO for row in rows.values()) == 20
    damaged = rig.archive / sorted(set(payload) - {row.payload for row in rows.values()})[0]
    damaged.write_bytes(bytes(damaged.stat().st_size))
    await rig.restarted()
    view = await rig.resumed(view.id)
    assert (view.state, view.verdict, view.archived.files, view.read) == (
        State.DONE,
        Verdict.SAFE,
        30,
        20_000,
    )
    after = rig.payload()
    assert {path: after[path] for path in payload if rig.archive / path != damaged} == {
        path: sha for path, sha in payload.items() if rig.archive / path != damaged
    }
    assert all((rig.archive / path).stat().st_ino == inode for path, inode in inodes.items())
    assert set(after) - set(payload) == {
        str(damaged.relative_to(rig.archive)).replace(damaged.stem, f"{damaged.stem}-2")
    }
    levels = await rig.engine.database.read("SELECT count(*) FROM item WHERE read_back IS NOT NULL")
    assert levels == [(30,)]


async def test_ended_but_without_a_receipt(rig: Rig) -> None:
    """The engine died between the verdict and the receipt."""
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    (receipt,) = rig.receipts()
    before = receipt.read_text()
    await rig.engine.database.run(("UPDATE import SET receipt = ''", [()]))
    await rig.restarted()
    await rig.imported(write(rig.root / "other/z.jpg", b"z").parent)
    assert (await rig.engine.catalog.imports())[0].receipt == digest(receipt)
    await rig.engine.database.run(("UPDATE import SET receipt = '' WHERE name = ?", [(view.id,)]))
    receipt.unlink()
    receipt.with_suffix(".tsv").unlink()
    await rig.restarted()
    await rig.imported(rig.root / "other")
    assert receipt.read_text() == before
    assert (await rig.engine.catalog.imports())[0].receipt == digest(receipt)
    assert receipt.with_suffix(".tsv").exists()


async def test_ended_in_the_journal_only(rig: Rig) -> None:
    """The engine died between the last line of the journal and its commit."""
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    await rig.engine.database.run(
        ("UPDATE import SET state = 'running', verdict = '', ended = NULL, receipt = ''", [()])
    )
    (receipt,) = rig.receipts()
    receipt.unlink()
    await rig.restarted()
    await rig.engine.imports.resume_import(view.id)
    view = rig.view(view.id)
    assert (view.state, view.verdict, view.archived.files) == (State.DONE, Verdict.SAFE, 1)
    (row,) = await rig.engine.catalog.imports()
    assert (row.state, row.receipt) == ("done", digest(receipt))


async def test_another_engine_goes_on_with_it(rig: Rig) -> None:
    """An import that one machine began is finished by another one, and the first one learns of it."""
    for number in range(300):
        write(rig.source / f"{number}.jpg", random_bytes(20_000, number))
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).archived.files > 0)
    await rig.restarted("second home")
    await rig.imported(write(rig.root / "other/z.jpg", b"z").parent)
    view = await rig.resumed(name)
    assert (view.state, view.verdict, view.seen.files) == (State.DONE, Verdict.SAFE, 300)
    await rig.restarted()
    await rig.imported(rig.root / "other")
    (row,) = await rig.engine.catalog.imports("i.name = ?", (name,))
    assert (row.state, row.verdict, row.receipt) == ("done", "SAFE", digest(rig.receipts()[-2]))
    assert len(await rig.rows(name)) == 300
    assert all(one.payload for one in (await rig.rows(name)).values())


async def test_pieces_of_a_journal(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are cut anywhere between two readings."""
    hostile_tree(os.fsencode(rig.source))
    view = await rig.imported()
    before = await everything(rig)
    monkeypatch.setattr(replay, "PIECE", 10_007)
    await rig.restarted("fresh home")
    async with rig.engine.archives.used(str(rig.archive), create=False):
        assert await everything(rig) == before
    assert view.seen.files == len(before)


@machines.linux
async def test_extended_attributes_are_in_the_journal(rig: Rig) -> None:
    path = write(rig.source / "a.jpg", b"a")
    try:
        os.setxattr(path, "user.color", b"\x00red\xff")
    except OSError:
        pytest.skip("no extended attributes here")
    await rig.imported()
    line = next(json.loads(line) for line in rig.journals()[0].read_text().splitlines() if '"file"' in line)
    assert attributes(line) == {b"user.color": b"\x00red\xff"}
