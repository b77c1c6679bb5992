"""Several archives at once: the source is read once, and each archive is complete and verified on its own."""

import asyncio
import hashlib
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from core.catalog import Catalog, ImportRow
from core.catalog.in_use import in_use
from core.engine import recovery
from core.engine.import_groups import ImportGroups
from core.importing.import_run import Run
from core.importing.leader import Leader, able_to_lead
from core.models import Outcome, State, Verdict
from core.results import InUse
from tests.core.importing.rig import Rig, at_work, expected, photos, random_bytes, write
from tests.core.importing.test_differing import rot
from tests.core.importing.together import both, counted, ended, held, holding, placed, second

pytestmark = pytest.mark.process

LINUX = sys.platform == "linux"


@pytest.mark.promise(53)
async def test_the_source_is_read_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    placed(monkeypatch, archive="sda", second="sdb")
    photos(rig.source / "small", 40)
    write(rig.source / "film.mov", random_bytes(20 << 20, 9))
    write(rig.source / "again.jpg", (rig.source / "small/0001.jpg").read_bytes())
    os.utime(rig.source / "film.mov", ns=(1, 1_600_000_000_123_456_789))
    os.chmod(rig.source / "film.mov", 0o640)
    if LINUX:  # Python has no os.setxattr elsewhere
        os.setxattr(rig.source / "film.mov", "user.rating", b"5")
    size = sum(path.stat().st_size for path in rig.source.rglob("*") if path.is_file())
    with counted() as read:
        names = await both(rig, copies=2)
        first, other = await ended(rig, *names)
    assert read[os.fsencode(rig.source)] == size
    for view in (first, other):
        assert (view.state, view.verdict, view.verdict_reason) == (State.DONE, Verdict.SAFE, "")
        assert (view.archived.files, view.duplicate.files, view.together) == (41, 1, names[0])
        await rig.check(view)
    assert rig.contents() == held(second(rig)) == expected(rig.source)
    told = [journal(rig, place) for place in (rig.archive, second(rig))]
    assert told[0] == told[1]
    assert told[1]["film.mov"]["xattrs"] or not LINUX
    assert told[1]["film.mov"]["mode"] == 0o640
    assert not await rig.engine.database.read("SELECT 1 FROM handed_on")
    for place in (rig.archive, second(rig)):
        (receipt,) = [one for one in place.glob("locations/*/lading/*.txt") if ".added-" not in one.name]
        assert "film.mov" in receipt.with_suffix(".tsv").read_text()
    # An engine that dies just before it forgets leaves that to the next one.
    await rig.engine.database.run(("INSERT INTO handed_on (import_id, file_id) SELECT id, 1 FROM import", [()]))
    await rig.restarted()
    await recovery.take_up(rig.engine.catalog, rig.engine.imports, resume=True)
    assert not await rig.engine.database.read("SELECT 1 FROM handed_on")


async def test_the_first_one_reads_the_source_however_slowly_it_begins(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others would follow at the pace of an archive that a person has named second."""
    write(rig.source / "a.jpg", random_bytes(3000, 1))
    choose, second_asks, reads = ImportGroups.choose, asyncio.Event(), dict[str, bool]()

    async def late(catalog: Catalog, row: ImportRow) -> list[ImportRow]:
        found = await able_to_lead(catalog, row)
        if row.first:
            await second_asks.wait()
        second_asks.set()
        return found

    async def noted(self: ImportGroups, run: Run, stack: AsyncExitStack) -> Leader | None:
        leader = await choose(self, run, stack)
        reads[run.row.name] = leader is None
        return leader

    monkeypatch.setattr("core.engine.import_groups.able_to_lead", late)
    monkeypatch.setattr(ImportGroups, "choose", noted)
    first, other = await both(rig)
    assert [view.verdict for view in await ended(rig, first, other)] == [Verdict.SAFE, Verdict.SAFE]
    assert reads == {first: True, other: False}


@pytest.mark.control(53)
async def test_control_two_that_read_for_themselves_are_seen(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(self: ImportGroups, run: Run, stack: AsyncExitStack) -> None:
        run.reads_source = True

    monkeypatch.setattr(ImportGroups, "choose", nobody)
    photos(rig.source, 40)
    with counted() as read:
        await ended(rig, *await both(rig))
    assert read[os.fsencode(rig.source)] == 2 * 40 * 20_000


def journal(rig: Rig, archive: Path) -> dict[str, dict[str, object]]:
    """The lines of an archive's journal by file, without check and payload path."""
    (path,) = Path(archive).glob(".lading/imports/*.jsonl")
    lines = [json.loads(line) for line in path.read_bytes().splitlines() if line]
    found = {}
    for line in lines:
        if "file" in line:
            line.pop("check")
            line.pop("payload", None)
            if line["file"] in ("again.jpg", "small/0001.jpg"):
                line.pop("outcome")  # either may be the first
            found[line["file"]] = line
    assert found
    return found


async def test_outcomes_other_than_archived(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a" * 5000)
    write(rig.source / ".DS_Store", b"junk")
    write(rig.source / "left.tmp", b"out")
    (rig.source / "empty").mkdir()
    os.symlink("a.jpg", rig.source / "link.jpg")
    names = await both(rig, exclude=("*.tmp",), accept=("links",))
    first, other = await ended(rig, *names)
    assert first.verdict is other.verdict is Verdict.KEEP
    assert "excluded by your choice" in other.verdict_reason
    rows = [
        {path: (row.outcome, row.size, row.reason) for path, row in (await rig.rows(name)).items()}
        for name in names
    ]
    assert rows[0] == rows[1]
    assert rows[0][b"link.jpg"][0] == Outcome.SKIPPED
    folders = await rig.engine.database.read(
        "SELECT count(DISTINCT import_id), count(*) FROM folder WHERE path = ?", (b"empty",)
    )
    assert folders == [(2, 2)]


@pytest.mark.usefixtures("bound")
async def test_a_folder_that_the_leader_could_not_list_stays_failed_after_a_halt(rig: Rig) -> None:
    write(rig.source / "a.jpg", random_bytes(3000, 1))
    write(rig.source / "shut/b.jpg", random_bytes(3000, 2)).parent.chmod(0)
    with holding(second(rig)) as gate:
        names = await both(rig)
        assert (await rig.ended_unchecked(names[0])).failed.files == 1
        await rig.until(lambda: rig.view(names[1]).failed.files == 1 and rig.view(names[1]).listed)
        rig.engine.imports.under_way[names[1]].halt("a test")
        gate.set()
    assert (await rig.ended_unchecked(names[1])).state is State.PAUSED
    view = await rig.resumed(names[1])
    assert (view.state, view.verdict, view.archived.files, view.failed.files) == (State.DONE, Verdict.KEEP, 1, 1)
    row = (await rig.rows(names[1]))[b"shut"]
    assert (row.outcome, row.reason) == (Outcome.FAILED, "cannot be listed: Permission denied")


async def test_what_is_accepted_is_accepted_in_every_archive(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a" * 5000)
    write(rig.source / "left.tmp", b"out")
    os.symlink("a.jpg", rig.source / "link.jpg")
    names = await both(rig, exclude=("*.tmp",), accept=("links", "excluded"))
    for view in await ended(rig, *names):
        assert view.verdict is Verdict.SAFE
        for told in ("1 excluded, as you chose", "1 symbolic link recorded with its target"):
            assert told in view.verdict_reason


@pytest.mark.promise(30)
@pytest.mark.parametrize("known", ["read", "record"])
async def test_what_differs_from_an_earlier_import_into_the_second_archive_is_said_there(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    """The first archive knows nothing of the card: only the second one can tell that a file has changed. It is not
    taken from the record there, because the first import has read it."""
    placed(monkeypatch, archive="sda", second="sdb")
    changed = write(rig.source / "DCIM/a.jpg", random_bytes(3000, 1))
    write(rig.source / "DCIM/b.jpg", random_bytes(3000, 2))
    assert (await rig.imported(archive=str(second(rig)))).verdict is Verdict.SAFE
    rot(changed)
    names = await both(rig, known=known)
    first, other = await ended(rig, *names)
    assert held(rig.archive) <= held(second(rig))
    assert (first.state, other.state) == (State.DONE, State.DONE)
    assert first.verdict is Verdict.SAFE
    assert other.verdict is Verdict.KEEP
    assert "differs from what was imported on" in other.verdict_reason
    assert await rig.engine.maintenance.accept(other.id, "Ada") == [other.id]
    assert rig.view(other.id).verdict is Verdict.SAFE


@pytest.mark.promise(30)
async def test_what_differs_in_both_archives_is_accepted_in_each_and_the_copies_are_counted_then(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(monkeypatch, archive="sda", second="sdb")
    changed = write(rig.source / "DCIM/a.jpg", random_bytes(3000, 1))
    write(rig.source / "DCIM/b.jpg", random_bytes(3000, 2))
    views = await ended(rig, *await both(rig, copies=2))
    await rig.until(lambda: all(rig.view(view.id).verdict is Verdict.SAFE for view in views))
    rot(changed)
    with holding(second(rig)) as gate:
        names = await both(rig, copies=2)
        first = await rig.ended_unchecked(names[0])
        assert "in 1 of 2 copies" in first.verdict_reason
        gate.set()
        await rig.ended_unchecked(names[1])
    for view in await ended(rig, *names):
        assert view.verdict is Verdict.KEEP
        assert "differs from what was imported on" in view.verdict_reason
    # The copies are all there, which alone is not enough.
    for name in names:
        assert rig.view(name).verdict is Verdict.KEEP
        assert await rig.engine.maintenance.accept(name, "Ada") == [name]
        assert (rig.view(name).verdict, rig.view(name).verdict_reason) == (Verdict.SAFE, "")
    # A rebuild says the same.
    await rig.restarted("another home")
    for place in (rig.archive, second(rig)):
        await rig.engine.maintenance.rebuild(str(place))
    for name in names:
        row = await rig.engine.catalog.import_named(name)
        assert row is not None
        assert row.verdict == Verdict.SAFE


async def test_each_receipt_lists_the_checksum_lists(rig: Rig) -> None:
    """The lists are read on the source by the first import only."""
    wrong = write(rig.source / "DCIM/a.jpg", random_bytes(3000, 1))
    right = write(rig.source / "DCIM/b.jpg", random_bytes(3000, 2))
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.name}\n" for path in (right,)
    ]
    write(
        wrong.parent / "card.md5", "".join([f"{'0' * 32}  {wrong.name}\n", *sums, f"{'1' * 32}  c.jpg\n"]).encode()
    )
    names = await both(rig)
    for view in await ended(rig, *names):
        assert view.verdict is Verdict.KEEP
        assert "1 differs from a checksum list on the source" in view.verdict_reason
    told = []
    for place in (rig.archive, second(rig)):
        (path,) = [one for one in place.glob("locations/*/lading/*.json") if ".added-" not in one.name]
        data = json.loads(path.read_text())
        told.append([data[name] for name in ("checksum_lists", "not_as_listed", "listed_but_missing")])
        assert "DCIM/a.jpg  (DCIM/card.md5 says MD5" in path.with_suffix(".txt").read_text()
    assert told[0] == told[1]
    assert [told[1][0][0][name] for name in ("confirmed", "differ", "missing")] == [1, 1, 1]
    rows = (
        "SELECT path, found, file_id IS NULL FROM listed WHERE import_id = (SELECT id FROM import WHERE name = ?)"
    )
    read = rig.engine.database.read
    assert await read(rows, (names[0],)) == await read(rows, (names[1],))


async def test_a_dry_run_looks_at_each_archive(rig: Rig) -> None:
    write(rig.source / "a.jpg", random_bytes(3000, 1))
    await rig.imported(archive=str(second(rig)))
    write(rig.source / "b.jpg", random_bytes(2000, 2))
    (survey,) = await rig.engine.imports.survey([rig.request(also=(str(second(rig)),))])
    (other,) = survey.also
    assert (survey.new.files, survey.duplicate.files, survey.needed) == (2, 0, 5000)
    assert (other.archive, other.new.files, other.duplicate.files, other.needed) == (str(second(rig)), 1, 1, 2000)
    (survey,) = await rig.engine.imports.survey([rig.request(also=(str(rig.source / "within"),))])
    assert survey.also[0].refused
    assert any(str(rig.source / "within") in warning for warning in survey.warnings)


async def test_the_bags_of_both_archives_are_valid(tmp_path: Path) -> None:
    async with at_work(tmp_path) as rig:
        photos(rig.source, 3)
        await ended(rig, *await both(rig))
        await rig.still()
        assert rig.invalid() == rig.invalid(second(rig)) == []
        victim = next(second(rig).glob("locations/*/data/images/*/*"))
        victim.write_bytes(victim.read_bytes()[:-1])
        assert rig.invalid(second(rig)) != []


async def test_a_card_is_in_use_until_one_archive_holds_all_of_it(rig: Rig) -> None:
    """And not beyond: what the other one lacks it takes from there."""
    photos(rig.source, 10)
    with holding(second(rig)) as gate:
        names = await both(rig)
        read = rig.engine.database.read
        archives = (str(rig.archive), str(second(rig)))
        assert await in_use(read, ["rclone:nas:x"]) == InUse(sources=(str(rig.source),), archives=archives)
        await rig.ended_unchecked(names[0])
        assert await in_use(read, ["/open"]) == InUse(archives=(archives[1], "/open"))
        gate.set()
        await ended(rig, *names)
    assert await in_use(read, []) == InUse()
