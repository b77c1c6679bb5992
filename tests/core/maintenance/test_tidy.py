"""Junk of Finder, Explorer and servers in an archive is never payload and never an item, and it can be removed."""

import os
from pathlib import Path

import pytest

from core.models import Count, Verdict
from core.results import Tidied, junk_sentence
from core.workers import remove_junk
from tests.core.importing.rig import Rig, random_bytes, write
from tests.core.maintenance.test_rebuild import rebuilt
from tests.rigs import junk

pytestmark = pytest.mark.process


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


def tree(top: Path) -> dict[str, bytes | None]:
    """All that lies below a folder: the content of files, None for folders and links."""
    found: dict[str, bytes | None] = {}
    for above, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = Path(above) / name
            found[str(path.relative_to(top))] = (
                path.read_bytes() if path.is_file() and not path.is_symlink() else None
            )
    return found


async def filled(rig: Rig) -> dict[str, bytes | None]:
    """An archive of two locations; all that lies in its bags."""
    for number in range(20):
        write(rig.source / f"{number:03}.jpg", random_bytes(3000, number))
    await rig.imported()
    await rig.imported(location="Other", duplicates="location")
    return tree(rig.archive / "locations")


async def tidied(rig: Rig, *, remove: bool = True) -> Tidied:
    return await rig.engine.maintenance.tidy(str(rig.archive), remove=remove)


async def items(rig: Rig) -> set[str]:
    return {path for (path,) in await rig.engine.database.read("SELECT path FROM item")}


@pytest.mark.promise(38)
async def test_junk_is_no_item_and_goes_and_nothing_else_does(rig: Rig) -> None:
    before, known = await filled(rig), await items(rig)
    left = junk.strew(rig.archive / "locations")
    found = await rebuilt(rig)
    assert (found.items, found.unrecorded_count, found.problems) == (len(known), 0, ())
    assert await items(rig) == known
    seen = await tidied(rig, remove=False)
    files = sum(not path.endswith("/") for path in left)
    assert (seen.dry, seen.files, seen.kept_count) == (True, files, 0)
    assert set(tree(rig.archive / "locations")) > set(before), "nothing was removed yet"
    done = await tidied(rig)
    assert (done.files, done.removed_count, done.kept_count) == (files, seen.removed_count, 0)
    assert tree(rig.archive / "locations") == before
    assert not (rig.archive / ".lading/lock").exists()
    assert (await tidied(rig)).files == 0


@pytest.mark.control(38)
async def test_an_archive_in_which_junk_is_taken_for_files_is_seen(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers know no junk: rebuild takes it in."""
    await filled(rig)
    known = len(await items(rig))
    junk.strew(rig.archive / "locations")
    _blind(rig, monkeypatch)
    found = await rebuilt(rig)
    assert found.items > known
    assert found.unrecorded_count > 0


def _blind(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the next engine on, every worker takes junk for files and folders like others."""
    folder = rig.root / "blind"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(
        "import core.workers.remove_junk as t\nt.what_junk = lambda *_: None\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))


async def test_what_may_be_somebodys_stays(rig: Rig) -> None:
    await filled(rig)
    bag = next((rig.archive / "locations").glob("basel-*"))
    outside = rig.root / "outside"
    write(outside / ".DS_Store", b"mine")
    kept = [
        write(bag / "data/._holiday.jpg", b"\xff\xd8 a picture of that name"),
        write(bag / "data/._empty", b""),
        write(bag / "data/#recycle/deleted by mistake.jpg", b"the only copy"),
        write(bag / "data/@eaDir/put here.jpg", b"by a person"),
        write(bag / "lost+found/#1234", b"found by fsck"),
        write(bag / "data/images/.Trashes", b"a file of that name"),
        write(bag / "data/My Thumbs.db", b"not quite"),
    ]
    (bag / "data/.DS_Store").mkdir()
    (bag / "data/link").symlink_to(outside)
    (bag / "data/@eaDir/link").symlink_to(outside)
    gone = [
        write(bag / "data/#recycle/.DS_Store", b"Bud1"),
        write(bag / "data/@eaDir/x/SYNOINDEX_MEDIA_INFO", b"index"),
        write(bag / "data/images/._x", junk.APPLEDOUBLE),
    ]
    before = {path: path.read_bytes() for path in kept}
    done = await tidied(rig)
    assert {path: path.read_bytes() for path in kept} == before
    assert (bag / "data/.DS_Store").is_dir()
    assert (bag / "data/link").is_symlink()
    assert (outside / ".DS_Store").read_bytes() == b"mine"
    assert not any(path.exists() for path in gone)
    assert sorted((os.path.basename(path), why) for path, why in done.kept) == [
        (name, remove_junk.STAYS) for name in ("#recycle", "@eaDir", "lost+found")
    ]


async def test_items_that_an_earlier_version_made_of_junk_go_with_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(rig)
    known = await items(rig)
    bag = next((rig.archive / "locations").glob("basel-*"))
    picture = next(bag.glob("data/images/??/*"))
    write(picture.with_name(f"._{picture.name}"), junk.APPLEDOUBLE + b"1")
    write(picture.with_name(".DS_Store"), b"Bud1")
    write(bag / "data/desktop.ini", b"")
    with monkeypatch.context() as patch:
        _blind(rig, patch)
        assert (await rebuilt(rig)).unrecorded_count == 3
        # A file of a card with that content is in the archive by it.
        write(rig.source / "empty.txt", b"")
        assert (await rig.imported()).duplicate.files == 21
    await rig.restarted("fresh home")
    # dot_clean(1) was here.
    picture.with_name(f"._{picture.name}").unlink()
    done = await tidied(rig)
    assert [os.path.basename(path) for path, _ in done.removed] == [".DS_Store"]
    assert [os.path.basename(path) for path, _ in done.kept] == ["desktop.ini"]
    assert await items(rig) == {*known, str((bag / "data/desktop.ini").relative_to(rig.archive))}
    assert (await rig.imported()).verdict is Verdict.SAFE
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 0


async def test_junk_beside_journals_is_no_journal(rig: Rig) -> None:
    await filled(rig)
    for journal in rig.journals():
        write(journal.with_name(f"._{journal.name}"), junk.APPLEDOUBLE)
    await rig.restarted("fresh home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    names = await rig.engine.database.read("SELECT name FROM journal")
    assert not any(name.startswith(".") for (name,) in names)


async def test_a_name_that_no_manifest_can_hold_does_not_end_a_rebuild(rig: Rig) -> None:
    await filled(rig)
    bag = next((rig.archive / "locations").glob("basel-*"))
    write(bag / "data" / os.fsdecode(b"latin1-\xe9.jpg"), b"x")
    found = await rebuilt(rig)
    assert [path.endswith("its name is not UTF-8") for path in found.problems] == [True]


async def test_a_bag_with_junk_is_named_as_such_until_it_is_gone(rig: Rig) -> None:
    await filled(rig)
    read = rig.engine.database.read
    await rig.engine.database.run(("INSERT INTO bag (location_id, sealed) SELECT id, 1.0 FROM location", [()]))
    bag = next((rig.archive / "locations").glob("basel-*"))
    write(bag / ".DS_Store", b"Bud1")
    write(bag / "data/.DS_Store", b"Bud1")
    sealed = (
        "SELECT b.sealed IS NOT NULL, b.junk FROM bag b JOIN location l ON l.id = b.location_id ORDER BY l.name"
    )
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).junk == 2
    assert await read(sealed) == [(0, 2), (1, 0)]
    views = {view.name: view for view in await rig.engine.queries.locations(str(rig.archive))}
    told = junk_sentence(2)
    assert (views["Basel"].junk, views["Basel"].note, views["Other"].junk) == (2, told, 0)
    # The screen shows this before an import, too.
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert survey.warnings == (f"The bag of Basel: {told}.",)
    assert (await rig.engine.imports.survey([rig.request(location="Other")]))[0].warnings == ()
    # What is said stays true of a bin whose files it leaves alone.
    kept = write(bag / "data/#recycle/a.jpg", b"the only copy")
    assert (await tidied(rig)).kept == ((str(kept.parent.relative_to(rig.archive)), remove_junk.STAYS),)
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).junk == 1
    assert junk_sentence(1).endswith("removes what certainly is junk, and names what is left to you")
    # Removed by hand: the bag is made anew.
    await rig.engine.database.run(("DELETE FROM job WHERE queue = ?", [("bagit",)]))
    kept.unlink()
    kept.parent.rmdir()
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).junk == 0
    assert await read(sealed) == [(0, 0), (1, 0)]
    assert await read("SELECT state FROM job WHERE queue = 'bagit'") == [("ready",)]
