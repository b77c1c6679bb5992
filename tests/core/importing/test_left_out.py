"""Entries that cannot be copied or are left out (links, pipes, exclusions), and how they are recorded."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from core.catalog import Catalog, SeenRow
from core.catalog.imports import Imports
from core.files.checksummed_lines import sealed, unsealed
from core.media.left_out import Sort
from core.models import Verdict
from core.schema import MIGRATIONS
from core.sqlite import sqlite3
from tests.core.importing.rig import Rig, middle, videos, write
from tests.core.importing.together import both, ended
from tests.core.maintenance.test_check import checked
from tests.rigs.catalogs import migrate

pytestmark = pytest.mark.process

JOURNAL = Path(__file__).parents[1] / "journal/written/559bbb0.jsonl"
"""A journal of the last version that had no member `sort`."""
TARGET = b"../\xff g'one"


async def never_safe_unless_accepted(rig: Rig) -> None:
    """Exclusions are distinguished from links and pipes. Accepted links do not prevent SAFE as long as they are as
    recorded; a check agrees."""
    write(rig.source / "a.jpg", b"a")
    link = rig.source / "link"
    link.symlink_to(os.fsdecode(TARGET))
    os.mkfifo(rig.source / "pipe")
    view = await rig.imported()
    assert (view.verdict, view.by_choice) == (Verdict.KEEP, False)
    for told in ("1 symbolic link:", "1 neither file"):
        assert told in view.verdict_reason
    view = await rig.imported(accept=("links",))
    assert (view.verdict, view.by_choice) == (Verdict.KEEP, False)
    assert "pipe" in view.verdict_reason
    view = await rig.imported(accept=("links", "special"))
    assert view.verdict is Verdict.SAFE
    assert view.verdict_reason.startswith("1 symbolic link recorded with its target")
    receipt = next(path for path in rig.receipts() if view.id in path.name).read_text()
    assert "accepting links, special" in receipt
    assert "symbolic link to" in receipt
    found = await checked(rig, read=True)
    assert (found.verdict, found.reasons) == (Verdict.SAFE, ())

    link.unlink()
    link.symlink_to("another")
    found = await checked(rig, read=True)
    assert (found.verdict, found.files) == (Verdict.KEEP, (("link", "left out: symbolic link to 'another'"),))


@pytest.mark.promise(49)
async def test_links_and_pipes_are_never_safe_until_they_are_accepted(rig: Rig) -> None:
    await never_safe_unless_accepted(rig)


@pytest.mark.control(49)
async def test_control_whoever_accepts_without_being_asked_is_seen(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_of_them(self: Imports, volume_id: int, archive_id: int) -> dict[int, tuple[str, ...]]:
        rows = await self.database.read("SELECT id FROM import", ())
        return {id: ("links", "special") for (id,) in rows}

    monkeypatch.setattr(Imports, "accepting", all_of_them)
    with pytest.raises(AssertionError, match="SAFE"):
        await never_safe_unless_accepted(rig)


@pytest.mark.control(49)
async def test_control_whoever_forgets_the_target_is_seen(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Catalog.seen

    async def any_target(
        self: Catalog, volume_id: int, paths: Sequence[bytes], archive_id: int | None = None
    ) -> dict[bytes, list[SeenRow]]:
        found = await seen(self, volume_id, paths, archive_id)
        target = os.readlink(os.fsencode(rig.source / "link"))
        return {
            path: [msgspec.structs.replace(row, target=target) if row.target else row for row in rows]
            for path, rows in found.items()
        }

    monkeypatch.setattr(Catalog, "seen", any_target)
    with pytest.raises(AssertionError, match="SAFE"):
        await never_safe_unless_accepted(rig)


@pytest.mark.promise(49)
async def test_the_sort_is_not_read_out_of_words(rig: Rig) -> None:
    """Journals, receipts and the catalog have a member or column for the sort, so that reasons may change."""
    write(rig.source / "a.jpg", b"a")
    (rig.source / "link").symlink_to(os.fsdecode(TARGET))
    (rig.source / "lib.photoslibrary").mkdir()
    view = await rig.imported(accept=("links",))
    before = await left_out(rig, view.id)
    assert before == {b"link": (Sort.LINK, TARGET), b"lib.photoslibrary": (Sort.LIBRARY, None)}
    (rig.source / "lib.photoslibrary").rmdir()
    await rig.engine.database.run(("UPDATE file SET reason = 'lien'", [()]))
    assert (await checked(rig, read=True)).verdict is Verdict.SAFE

    (journal,) = rig.journals()
    lines = [line for line in map(unsealed, journal.read_bytes().splitlines()) if line]
    changed = [line | ({"reason": "lien"} if "entry" in line else {}) for line in lines]
    for line in changed:
        line.pop("check", None)
    journal.write_bytes(b"".join(map(sealed, changed)))
    await rig.restarted("another home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert await left_out(rig, view.id) == before
    assert (await checked(rig, read=True)).verdict is Verdict.SAFE


async def test_receipts_tell_it_when_the_journal_is_gone(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    (rig.source / "link").symlink_to(os.fsdecode(TARGET))
    os.mkfifo(rig.source / "pipe")
    view = await rig.imported(exclude=("*.tmp",))
    before = await left_out(rig, view.id)
    for journal in rig.journals():
        journal.unlink()
    await rig.restarted("another home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert before == {b"link": (Sort.LINK, TARGET), b"pipe": (Sort.PIPE, None)}
    assert await left_out(rig, view.id) == before


SORTS: dict[bytes, tuple[str, bytes | None]] = {
    b"link": (Sort.LINK, TARGET),
    b"pipe": (Sort.PIPE, None),
    b"sock": (Sort.SOCKET, None),
    b"dev": (Sort.DEVICE, None),
    b"left.tmp": (Sort.EXCLUDED, None),
    b"A.photoslibrary": (Sort.LIBRARY, None),
    b"known.jpg": (Sort.RECORD, None),
    b"x.jpg": (Sort.RECORD, None),
}


async def left_out(rig: Rig, name: str) -> dict[bytes, tuple[str, bytes | None]]:
    rows = await rig.engine.database.read(
        "SELECT substr(f.path, length(i.root) + 2), f.sort, f.target FROM file f "
        "JOIN import i ON i.id = f.import_id WHERE i.name = ? AND f.sort != ''",
        (name,),
    )
    return {path: (sort, target) for path, sort, target in rows}


def test_the_fixture_was_written_without_sorts() -> None:
    assert b'"sort"' not in JOURNAL.read_bytes()


async def test_journals_of_older_releases_are_read_as_ever(rig: Rig) -> None:
    write(rig.source / "x.jpg", b"x")
    write(rig.source / "known.jpg", b"r")
    await rig.imported()
    ((uuid,),) = await rig.engine.database.read("SELECT uuid FROM archive")
    lines = [line for line in map(unsealed, JOURNAL.read_bytes().splitlines()) if line]
    for line in lines:
        line.pop("check", None)
    lines[0]["archive"] = uuid
    write(rig.archive / f".lading/imports/{lines[0]['import']}.jsonl", b"".join(map(sealed, lines)))
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert await left_out(rig, lines[0]["import"]) == SORTS


def test_catalogs_of_older_releases_are_filled(tmp_path: Path) -> None:
    """The sorts of entries are parsed from the reasons in JOURNAL."""
    lines = [line for line in map(unsealed, JOURNAL.read_bytes().splitlines()) if line and "entry" in line]
    outcomes = {"skipped": 3, "duplicate": 2}
    with sqlite3.connect(tmp_path / "old.db") as connection:
        at = next(number for number, sql in enumerate(MIGRATIONS) if "file ADD COLUMN sort" in sql)
        migrate(connection, 0, at)
        connection.executemany(
            "INSERT INTO file (import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, reason) "
            "VALUES (1, 1, ?, x'', 0, 0, '', ?, ?)",
            [(line["entry"].encode(), outcomes[line["outcome"]], line["reason"]) for line in lines],
        )
        # Entries that failed have no sort, whatever their reason; their failures get codes.
        connection.execute(
            "INSERT INTO file (import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, reason) VALUES "
            "(1, 1, x'61', x'', 0, 0, '', 5, 'source: it changed while it was read, twice'), "
            "(1, 1, x'62', x'', 0, 0, '', 5, 'source: its file system gives its size as 0, but more of it')"
        )
        connection.execute(
            "INSERT INTO failure (file_id, stage, attempts, side) SELECT id, 'read', 1, 'source' FROM file "
            "WHERE outcome = 5"
        )
        migrate(connection, at)
        rows = connection.execute("SELECT path, sort, target FROM file WHERE outcome != 5").fetchall()
        codes = connection.execute("SELECT code FROM failure ORDER BY file_id").fetchall()
    assert {path: (sort, target) for path, sort, target in rows} == SORTS
    assert codes == [(26,), (34,)]


async def test_what_is_excluded_is_a_choice_and_no_reason_to_call_it_safe(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "b.tmp", b"b")
    view = await rig.imported(exclude=("*.tmp",), accept=("links", "special", "attributes"))
    assert (view.verdict, view.by_choice) == (Verdict.KEEP, True)
    assert "1 excluded by your choice (--accept excluded) (such as b.tmp)" in view.verdict_reason


@pytest.mark.promise(49)
@pytest.mark.usefixtures("numbered")
async def test_what_is_excluded_is_accepted_if_that_was_chosen(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "b.tmp", b"b")
    write(rig.source / "c.tmp", b"c")
    view = await rig.imported(exclude=("*.tmp",), accept=("excluded",))
    assert (view.verdict, view.verdict_reason) == (Verdict.SAFE, "2 excluded, as you chose")
    receipt = next(path for path in rig.receipts() if view.id in path.name).read_text()
    for told in ("accepting excluded", "2 excluded, as you chose", "excluded by '*.tmp'"):
        assert told in receipt
    for read in (False, True):
        assert (await checked(rig, read=read)).verdict is Verdict.SAFE

    await rig.restarted("another home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    for read in (False, True):
        assert (await checked(rig, read=read)).verdict is Verdict.SAFE
    write(rig.source / "b.tmp", b"other content")
    for read in (False, True):
        assert (await checked(rig, read=read)).files == (("b.tmp", "excluded by your choice"),)


@pytest.mark.parametrize("stopped", [False, True])
async def test_it_may_be_accepted_when_the_import_goes_on(rig: Rig, stopped: bool) -> None:
    """`stopped`: by another engine. The journal has it, too."""
    size = videos(rig)
    write(rig.source / "b.tmp", b"b")
    (rig.source / "link").symlink_to("b.tmp")
    name = await rig.begun(exclude=("*.tmp",), accept=("links",))
    await middle(rig, size)
    await rig.engine.imports.pause_import(name)
    if stopped:
        await rig.restarted()
    await rig.engine.imports.resume_import(name, ("links", "excluded"))
    view = await rig.ended(name)
    assert view.verdict is Verdict.SAFE
    assert "1 excluded, as you chose" in view.verdict_reason
    assert "accepting links, excluded" in rig.receipts()[0].read_text()
    for receipt in rig.receipts():
        receipt.unlink()
    await rig.restarted("another home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    (row,) = await rig.engine.catalog.imports()
    assert (row.verdict, row.request().accept) == ("SAFE", ("links", "excluded"))
    assert (await checked(rig, read=True)).verdict is Verdict.SAFE


async def test_accepting_more_is_told_to_all_of_a_group(rig: Rig) -> None:
    size = videos(rig)
    write(rig.source / "b.tmp", b"b")
    names = await both(rig, exclude=("*.tmp",))
    await middle(rig, size)
    await rig.engine.imports.pause_import(names[0])
    await rig.engine.imports.resume_import(names[1], ("excluded",))
    for view in await ended(rig, *names):
        assert (view.verdict, view.verdict_reason) == (Verdict.SAFE, "1 excluded, as you chose")


async def test_nothing_but_what_is_excluded_is_not_safe(rig: Rig) -> None:
    """A pattern may match more than was meant."""
    write(rig.source / "a.tmp", b"a")
    write(rig.source / "b.tmp", b"b")
    view = await rig.imported(exclude=("*",), accept=("excluded",))
    assert (view.verdict, view.by_choice) == (Verdict.KEEP, True)
    assert view.verdict_reason == "2 excluded by your choice, and nothing is archived (such as a.tmp)"
    for read in (False, True):
        found = await checked(rig, read=read)
        assert (found.verdict, found.reasons) == (
            Verdict.KEEP,
            (("excluded by your choice, and nothing is archived", 2),),
        )


async def test_a_folder_that_is_excluded_is_not_vouched_for_by_a_check(rig: Rig) -> None:
    """Nothing was recorded of what is in it."""
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "Cache/1.jpg", b"1")
    view = await rig.imported(exclude=("Cache",), accept=("excluded",))
    assert (view.verdict, view.verdict_reason) == (Verdict.SAFE, "1 excluded, as you chose")
    found = await checked(rig, read=True)
    assert (found.verdict, [path for path, _ in found.files]) == (Verdict.KEEP, ["Cache/1.jpg"])


async def test_accepting_what_one_import_excluded_is_not_accepting_it_ever_after(rig: Rig) -> None:
    """A card that was filled again has other files under the names that an earlier import excluded."""
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "b.tmp", b"b")
    assert (await rig.imported(exclude=("*.tmp",), accept=("excluded",))).verdict is Verdict.SAFE
    view = await rig.imported(exclude=("*.tmp",))
    assert (view.verdict, view.by_choice) == (Verdict.KEEP, True), "this one was not asked to accept it"
    assert (await rig.imported(exclude=("*.tmp",), accept=("excluded",))).verdict is Verdict.SAFE
    write(rig.source / "b.tmp", b"another one")
    view = await rig.imported(exclude=("*.tmp",))
    assert (view.verdict, view.by_choice) == (Verdict.KEEP, True)
    view = await rig.imported()
    assert (view.verdict, view.archived.files) == (Verdict.SAFE, 1)


@pytest.mark.control(49)
@pytest.mark.usefixtures("bound")
async def test_what_failed_is_not_accepted_with_what_was_excluded(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "b.tmp", b"b")
    (rig.source / "link").symlink_to("a.jpg")
    write(rig.source / "bad.jpg", b"bad").chmod(0)
    view = await rig.imported(exclude=("*.tmp",), accept=("links", "special", "excluded", "attributes"))
    assert (view.verdict, view.by_choice, view.failed.files) == (Verdict.KEEP, False, 1)
    assert view.verdict_reason == "1 could not be archived (such as bad.jpg)"


async def test_copies_that_are_lacking_are_no_choice(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "b.tmp", b"b")
    view = await rig.imported(exclude=("*.tmp",), copies=2)
    assert (view.verdict, view.by_choice) == (Verdict.KEEP, False)
    assert "1 is in 1 of 2 copies" in view.verdict_reason
