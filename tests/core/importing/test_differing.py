"""Changed content behind an unchanged size and time: both are kept, and KEEP is said until a person accepts it."""

import os
import secrets
from pathlib import Path

import pytest

from core.errors import ArchiveError, UsageError
from core.models import Outcome, Verdict
from core.receipts import parse
from tests.core.importing.rig import Rig, digest, random_bytes, write

pytestmark = pytest.mark.process

LARGE = 9 << 20
SAYS = "although size and time are the same"


def rot(path: Path) -> str:
    """Change one byte, and leave size and time; the content's digest before."""
    before, facts = digest(path), path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return before


@pytest.mark.promise(30)
@pytest.mark.parametrize("size", [3000, LARGE])
async def test_both_are_kept_and_it_is_said(rig: Rig, size: int) -> None:
    changed = write(rig.source / "DCIM/a.jpg", random_bytes(size, 1))
    write(rig.source / "DCIM/b.jpg", random_bytes(3000, 2))
    assert (await rig.imported()).verdict is Verdict.SAFE
    before = rot(changed)
    view = await rig.imported()
    assert (view.verdict, view.archived.files, view.duplicate.files) == (Verdict.KEEP, 1, 1)
    assert view.verdict_reason.startswith("1 differs from what was imported on ")
    assert view.verdict_reason.endswith(f"{SAYS}: DCIM/a.jpg")
    assert {before, digest(changed)} <= rig.contents()
    assert SAYS in rig.receipts()[-1].read_text()


@pytest.mark.control(30)
async def test_what_has_another_time_is_another_file(rig: Rig) -> None:
    file = write(rig.source / "a.jpg", random_bytes(3000, 1))
    await rig.imported()
    rot(file)
    os.utime(file, (1, 1))
    assert (await rig.imported()).verdict is Verdict.SAFE


async def test_it_does_not_become_safe_by_importing_again(rig: Rig) -> None:
    file = write(rig.source / "a.jpg", random_bytes(3000, 1))
    await rig.imported()
    rot(file)
    await rig.imported()
    view = await rig.imported()
    assert (view.verdict, view.duplicate.files) == (Verdict.KEEP, 1)
    assert SAYS in view.verdict_reason


async def test_one_path_that_differs_under_two_times(rig: Rig) -> None:
    """Nobody has accepted the first difference, of a file that was replaced since."""
    file = write(rig.source / "a.jpg", random_bytes(3000, 1))
    await rig.imported()
    rot(file)
    assert (await rig.imported()).verdict is Verdict.KEEP
    write(file, random_bytes(3000, 2))
    os.utime(file, (1, 1))
    assert (await rig.imported()).verdict is Verdict.SAFE
    rot(file)
    view = await rig.imported()
    assert (view.verdict, view.archived.files) == (Verdict.KEEP, 1)
    assert SAYS in view.verdict_reason


async def test_a_duplicate_of_something_else(rig: Rig) -> None:
    """What it holds now is in the archive already, as another file's content."""
    file = write(rig.source / "a.jpg", random_bytes(3000, 1))
    other = write(rig.source / "b.jpg", random_bytes(3000, 2))
    await rig.imported()
    facts = file.stat()
    file.write_bytes(other.read_bytes())
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    view = await rig.imported()
    assert (view.verdict, view.archived.files, view.duplicate.files) == (Verdict.KEEP, 0, 2)
    assert view.verdict_reason.endswith(f"{SAYS}: a.jpg")


async def test_an_archived_file_that_is_gone_is_no_difference(rig: Rig) -> None:
    write(rig.source / "a.jpg", random_bytes(3000, 1))
    await rig.imported()
    for path in rig.payload():
        (rig.archive / path).unlink()
    view = await rig.imported()
    assert (view.verdict, view.archived.files) == (Verdict.SAFE, 1)


async def test_rebuilt_from_the_journals(rig: Rig) -> None:
    file = write(rig.source / "a.jpg", random_bytes(3000, 1))
    await rig.imported()
    rot(file)
    second = await rig.imported()
    rows = await rig.engine.database.read("SELECT count(*), max(imported) FROM differing")
    assert rows[0][0] == 1
    await rig.restarted("another home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert await rig.engine.database.read("SELECT count(*), max(imported) FROM differing") == rows
    assert (await rig.imported()).verdict is Verdict.KEEP
    assert (await rig.rows(second.id))[b"a.jpg"].outcome is Outcome.ARCHIVED


async def differing(rig: Rig) -> tuple[str, str, Path]:
    """The ids of two imports, of which the second one read a file otherwise; and the file."""
    file = write(rig.source / "DCIM/a.jpg", random_bytes(3000, 1))
    write(rig.source / "DCIM/b.jpg", random_bytes(3000, 2))
    first = await rig.imported()
    rot(file)
    return first.id, (await rig.imported()).id, file


async def test_accepting_an_import_makes_it_safe_but_no_later_one(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of imports of one second the later one has the lower name.
    falling = iter(range(99, 0, -1))
    monkeypatch.setattr(secrets, "token_hex", lambda _: f"{next(falling):08x}")
    first, second, _ = await differing(rig)
    third = (await rig.imported()).id
    with pytest.raises(UsageError, match="nothing of import"):
        await rig.engine.maintenance.accept(first, "Ada")
    receipts = {path.name: path.read_bytes() for path in rig.receipts()}
    assert await rig.engine.maintenance.accept(second, "Ada") == [second]
    assert (rig.view(second).verdict, rig.view(third).verdict) == (Verdict.SAFE, Verdict.KEEP)
    assert (await rig.imported()).verdict is Verdict.SAFE
    assert await rig.engine.maintenance.accept(third, "Ada") == [third]
    added = {path.name: path.read_text() for path in rig.receipts() if ".added-" in path.name}
    assert sorted(name.partition(".")[0] for name in added) == sorted((second, third))
    assert all("Ada" in text and SAYS in text and "SAFE" in text for text in added.values())
    now = {path.name: path.read_bytes() for path in rig.receipts()}
    assert receipts.items() <= now.items(), "what was written stays as it is"
    with pytest.raises(UsageError):
        await rig.engine.maintenance.accept(second, "Ada")
    await rig.restarted("another home")
    result = await rig.engine.maintenance.rebuild(str(rig.archive))
    assert result.problems == ()
    rows = await rig.engine.catalog.imports("i.name = ?", (second,))
    assert rows[0].verdict == "SAFE"
    assert (await rig.imported()).verdict is Verdict.SAFE


@pytest.mark.promise(30)
async def test_the_same_engine_opens_the_archive_again(rig: Rig) -> None:
    _, second, _ = await differing(rig)
    await rig.restarted("another home")
    async with rig.engine.archives.used(str(rig.archive)):
        pass
    await rig.restarted()
    # What was right at the import's end may be so no more.
    path = next(row.payload for row in (await rig.rows(second)).values())
    os.rename(rig.archive / path, rig.root / "aside")
    with pytest.raises(ArchiveError, match=r"1 archived file of import .* is damaged or not there any more"):
        await rig.engine.maintenance.accept(second, "Ada")
    os.rename(rig.root / "aside", rig.archive / path)
    await rig.engine.database.run(("UPDATE item SET damage = 'rotten' WHERE path = ?", [(path,)]))
    with pytest.raises(ArchiveError, match="damaged"):
        await rig.engine.maintenance.accept(second, "Ada")
    assert await rig.engine.catalog.acceptable((await rig.engine.catalog.imports("i.name = ?", (second,)))[0].id)
    await rig.engine.database.run(("UPDATE item SET damage = NULL", [()]))
    await rig.engine.maintenance.accept(second, "Ada")
    await rig.restarted("another home")
    async with rig.engine.archives.used(str(rig.archive)):
        (row,) = await rig.engine.catalog.imports("i.name = ?", (second,))
    assert row.verdict == "SAFE", "an engine that knew the import learns of it"


@pytest.mark.parametrize("rotten", [False, True])
async def test_what_was_never_read_back_is_read_before_it_is_accepted(rig: Rig, rotten: bool) -> None:
    """As in the catalog of another computer, which knows the import from its journal alone."""
    _, second, _ = await differing(rig)
    path = (await rig.rows(second))[b"DCIM/b.jpg"].payload
    await rig.engine.database.run(("UPDATE item SET level = '', read_back = NULL WHERE path = ?", [(path,)]))
    if rotten:
        payload = rig.archive / path
        payload.write_bytes(bytes(255 - byte for byte in payload.read_bytes()))
        with pytest.raises(ArchiveError, match="is damaged or not there any more, or cannot"):
            await rig.engine.maintenance.accept(second, "Ada")
    else:
        assert await rig.engine.maintenance.accept(second, "Ada") == [second]
    rows = await rig.engine.database.read("SELECT read_back, damage FROM item WHERE path = ?", (path,))
    assert [(read_back is None, damage is None) for read_back, damage in rows] == [(rotten, not rotten)]


async def test_an_earlier_import_that_lacks_a_file_by_now_hinders_no_later_one(rig: Rig) -> None:
    """The card has lost the file, too: nothing could bring it again, and each later import would stay KEEP."""
    _, second, _ = await differing(rig)
    path = (await rig.rows(second))[b"DCIM/b.jpg"].payload
    os.rename(rig.archive / path, rig.root / "aside")
    (rig.source / "DCIM/b.jpg").unlink()
    third = (await rig.imported()).id
    assert await rig.engine.maintenance.accept(third, "Ada") == [third]
    assert (rig.view(second).verdict, rig.view(third).verdict) == (Verdict.KEEP, Verdict.SAFE)
    assert (await rig.imported()).verdict is Verdict.SAFE
    with pytest.raises(ArchiveError, match="damaged or not there any more"):
        await rig.engine.maintenance.accept(second, "Ada")
    os.rename(rig.root / "aside", rig.archive / path)
    assert await rig.engine.maintenance.accept(second, "Ada") == [second]


def forgotten(rig: Rig) -> None:
    """The journals are gone, and with them what they alone say."""
    for journal in rig.journals():
        journal.unlink()


KNOWN = "SELECT count(*), CAST(min(imported) AS INTEGER) FROM differing"


@pytest.mark.promise(30)
async def test_receipts_alone_tell_of_it(rig: Rig) -> None:
    _, second, _ = await differing(rig)
    before = await rig.engine.database.read(KNOWN)
    forgotten(rig)
    await rig.restarted("another home")
    found = await rig.engine.maintenance.rebuild(str(rig.archive))
    assert found.problems == ()
    assert await rig.engine.database.read(KNOWN) == before
    view = await rig.imported()
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason.startswith("1 differs from what was imported on ")
    assert await rig.engine.maintenance.accept(view.id, "Ada") == [second, view.id]
    assert (await rig.imported()).verdict is Verdict.SAFE


@pytest.mark.control(30)
async def test_receipts_that_do_not_tell_of_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await differing(rig)
    forgotten(rig)
    monkeypatch.setattr(parse, "_before", lambda one: {})
    await rig.restarted("another home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert (await rig.engine.database.read(KNOWN))[0][0] == 0, "nothing else tells of it"


@pytest.mark.parametrize("wanted", ["second", "card"])
async def test_the_older_one_gets_the_name(rig: Rig, tmp_path: Path, wanted: str) -> None:
    _, second, file = await differing(rig)
    target = tmp_path / "out"
    name = second if wanted == "second" else "location:Basel"
    result = await rig.engine.restore_check.restore(name, str(target), lambda done, total: None)
    found = {path.name: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert found == {
        "a.jpg": random_bytes(3000, 1),
        "a-2.jpg": file.read_bytes(),
        "b.jpg": random_bytes(3000, 2),
    }
    assert (result.renamed_count, result.failed_count) == (1, 0)
