"""SAFE takes as many verified copies, on devices of their own, as a person wants."""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.archives import copy_count
from core.archives.archive import Archive
from core.catalog import ImportRow
from core.catalog.failures import REOPENED
from core.engine.copied_verdicts import CopiedVerdicts
from core.errors import ArchiveError
from core.importing import finish
from core.importing.import_run import Run
from core.maintenance import check
from core.models import Count, Verdict
from core.queue.archive_leases import ArchiveLeases
from core.results import CheckResult
from core.volumes.devices import UNKNOWN_SERVER
from core.workers import text_messages
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, at_work, random_bytes, write
from tests.core.maintenance.mirroring import tree

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("numbered")]


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


def placed(monkeypatch: pytest.MonkeyPatch, *disks: tuple[str, str]) -> None:
    """Have copies, by the last part of their paths, lie on these disks; others lie nobody knows where."""
    placed_at(monkeypatch, {name: frozenset({disk}) for name, disk in disks})


def placed_at(monkeypatch: pytest.MonkeyPatch, devices: dict[str, frozenset[str]]) -> None:
    """As `placed`, on any number of devices each."""
    real = copy_count.standing

    async def standing(*given: Any) -> copy_count.Standing:
        found = await real(*given)
        return msgspec.structs.replace(
            found, devices=devices.get(Path(found.path.decode()).name, frozenset[str]())
        )

    monkeypatch.setattr(copy_count, "standing", standing)


async def checked(rig: Rig, copies: int = 2, *, read: bool = False) -> CheckResult:
    """The card, which is to be in so many copies."""
    return await rig.engine.restore_check.check(
        str(rig.source), str(rig.archive), silent, read=read, copies=copies
    )


async def filled(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three files in the archive, and their mirror."""
    monkeypatch.setattr(check, "SAMPLES", 0)
    for number in range(3):
        write(rig.source / f"{number}.jpg", random_bytes(3000, number))
    await rig.imported()
    copy = rig.root / "backup"
    await mirrored(rig, copy)
    return copy


async def mirrored(rig: Rig, copy: Path) -> None:
    """Mirror to the end."""
    name = await rig.engine.mirrors.start(str(rig.archive), str(copy), both=False)
    await rig.engine.mirrors.wait(name)
    await rig.engine.mirrors.results(name)


def why(found: CheckResult) -> str:
    """The one reason for KEEP."""
    assert found.verdict is Verdict.KEEP
    ((reason, _),) = found.reasons
    return reason


@pytest.mark.promise(48)
async def test_two_copies_on_two_disks(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = await filled(rig, monkeypatch)
    placed(monkeypatch, ("archive", "sda"), ("backup", "sdb"))
    for read in (False, True):
        found = await checked(rig, read=read)
        assert (found.verdict, found.safe.files, found.copies) == (Verdict.SAFE, 3, 2)
    assert "1 of 3" not in why(await checked(rig, 3))
    assert why(await checked(rig, 3)) == "are in 2 of 3 copies"
    copy.rename(rig.root / "unplugged")
    assert why(await checked(rig)) == f"are in 1 of 2 copies; {copy} is away"
    (rig.root / "unplugged").rename(copy)
    assert (await checked(rig)).verdict is Verdict.SAFE


async def counted_twice(rig: Rig, monkeypatch: pytest.MonkeyPatch, *disks: tuple[str, str]) -> str:
    """Why two copies that lie so are not two."""
    await filled(rig, monkeypatch)
    placed(monkeypatch, *disks)
    return why(await checked(rig))


@pytest.mark.promise(48)
async def test_two_copies_on_one_disk_are_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    said = await counted_twice(rig, monkeypatch, ("archive", "sda"), ("backup", "sda"))
    assert said == f"are in 1 of 2 copies; {rig.archive} and {rig.root}/backup lie on one disk"


@pytest.mark.promise(48)
async def test_a_disk_that_nobody_knows_is_said(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    said = await counted_twice(rig, monkeypatch, ("archive", "sda"))
    assert said == f"are in 1 of 2 copies; on which disk {rig.root}/backup lies is not known"


@pytest.mark.promise(48)
async def test_servers_that_may_be_one_are_said(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(rig, monkeypatch)
    nas, alias = frozenset({"server nas", "address 192.0.2.5"}), frozenset({"server alias", UNKNOWN_SERVER})
    placed_at(monkeypatch, {"archive": nas, "backup": alias})
    assert why(await checked(rig)) == (
        f"are in 1 of 2 copies; whether {rig.archive} and {rig.root}/backup lie on one server is not known"
    )


@pytest.mark.control(48)
async def test_control_one_disk_would_be_counted_twice(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_count, "distinct", len)
    with pytest.raises(AssertionError):
        await counted_twice(rig, monkeypatch, ("archive", "sda"), ("backup", "sda"))


@pytest.mark.promise(48)
@pytest.mark.parametrize("what", ["gone", "damaged", "new", "never read"])
async def test_a_copy_that_lacks_something_is_no_second_one(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    copy = await filled(rig, monkeypatch)
    placed(monkeypatch, ("archive", "sda"), ("backup", "sdb"), ("rsync", "sdc"))
    (victim, *_) = sorted(copy.glob("locations/*/data/*/*/*"))
    wanted = 2
    if what == "gone":
        victim.unlink()
    elif what == "damaged":
        victim.write_bytes(random_bytes(3000, 99))
        await rig.engine.maintenance.audit(str(copy), silent)
    elif what == "new":
        write(rig.source / "new.jpg", random_bytes(3000, 50))
        await rig.imported()
    else:
        shutil.copytree(rig.archive, rig.root / "rsync")
        await rig.engine.restore_check.check(str(rig.source), str(rig.root / "rsync"), silent, read=False)
        wanted = 3
    found = await checked(rig, wanted)
    ((reason, count),) = found.reasons
    lacks = rig.root / "rsync" if what == "never read" else copy
    assert reason == (
        f"are in {wanted - 1} of {wanted} copies; not all was read back in {lacks}: lading mirror brings it"
    )
    assert count == (3 if what == "never read" else 1)
    if what != "damaged":
        await mirrored(rig, lacks)
        assert (await checked(rig, wanted)).verdict is Verdict.SAFE


async def test_no_other_copy(rig: Rig) -> None:
    write(rig.source / "1.jpg", random_bytes(3000, 1))
    await rig.imported()
    assert "no other copy is known: lading mirror" in why(await checked(rig))
    assert (await checked(rig, 1)).verdict is Verdict.SAFE


# The verdict of an import


async def waited_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> str:
    """An import that is to be in two copies, of which there is none yet; its id."""
    placed(monkeypatch, ("archive", "sda"), ("backup", "sdb"))
    for number in range(3):
        write(rig.source / f"{number}.jpg", random_bytes(3000, number))
    view = await rig.imported(copies=2)
    assert view.verdict is Verdict.KEEP
    assert view.verdict_reason.startswith("3 are in 1 of 2 copies; no other copy is known")
    return view.id


@pytest.mark.promise(48)
async def test_a_verdict_waits_for_the_mirror(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await waited_for(rig, monkeypatch)
    await mirrored(rig, rig.root / "backup")
    view = rig.view(name)
    assert (view.verdict, view.verdict_reason) == (Verdict.SAFE, "")
    (said,) = rig.archive.glob(f"locations/*/lading/{name}.added-*.txt")
    assert "2 verified copies" in said.read_text()
    # Again it is safe at once; and the journal says it to a new catalog.
    again = await rig.imported(copies=2)
    assert (again.verdict, again.duplicate.files) == (Verdict.SAFE, 3)
    await rig.restarted("new home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    row = await rig.engine.catalog.import_named(name)
    assert row is not None
    assert row.verdict == "SAFE"


async def test_a_copy_gets_the_receipt_of_the_verdict_that_it_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was away at the import's end. When it is back, the import becomes SAFE, and its receipt says so."""
    placed(monkeypatch, ("archive", "sda"), ("backup", "sdb"))
    async with at_work(tmp_path) as rig:
        copy, unplugged = tmp_path / "backup", tmp_path / "unplugged"
        write(rig.source / "a.jpg", random_bytes(3000, 1))
        await rig.imported()
        await mirrored(rig, copy)
        rig.engine.config = msgspec.structs.replace(rig.engine.config, mirror=(str(copy),))
        shutil.move(copy, unplugged)
        write(rig.source / "b.jpg", random_bytes(3000, 2))
        name = (await rig.imported(copies=2)).id
        assert rig.view(name).verdict is Verdict.KEEP
        await rig.still()
        # What was asked for at the import's end is over; only the mirror itself waits for the copy.
        await rig.until(lambda: rig.engine.mirrors.running == 1)
        shutil.move(unplugged, copy)
        await rig.until(lambda: rig.view(name).verdict is Verdict.SAFE)
        await rig.still()
        assert list(rig.archive.glob(f"locations/*/lading/{name}.added-*.txt"))
        await rig.until(lambda: tree(copy) == tree(rig.archive))


@pytest.mark.parametrize("resumed", [False, True])
async def test_a_verdict_that_changes_while_the_copies_are_counted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, resumed: bool
) -> None:
    """Another mirror has ended at the same moment, or the import is resumed: nothing is said, or said twice."""
    name, meanwhile = await waited_for(rig, monkeypatch), 0
    fewer = CopiedVerdicts._fewer

    async def late(self: CopiedVerdicts, row: ImportRow, counts: copy_count.CopyCount) -> Counter[int]:
        nonlocal meanwhile
        found, meanwhile = await fewer(self, row, counts), meanwhile + 1
        if meanwhile == 1 and resumed:
            await rig.engine.catalog.set_import(row.id, **REOPENED)
        elif meanwhile == 1:
            ((archive, _),) = [one for one in rig.engine.archives.opened.values() if not one[0].copy.number]
            await self.judge(archive)
        return found

    monkeypatch.setattr(CopiedVerdicts, "_fewer", late)
    await mirrored(rig, rig.root / "backup")
    assert len(list(rig.archive.glob(f"locations/*/lading/{name}.added-*.txt"))) == (0 if resumed else 1)
    (journal,) = rig.journals()
    assert journal.read_bytes().count(b'"copied"') == (0 if resumed else 1)


@pytest.mark.parametrize("in_copy", [False, True], ids=["archive", "copy"])
async def test_damage_that_is_found_while_the_copies_are_counted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, in_copy: bool
) -> None:
    """An audit records it after the file was counted: the import is not SAFE."""
    name, catalog, damaged = await waited_for(rig, monkeypatch), rig.engine.catalog, list[int]()
    fewer = CopiedVerdicts._fewer

    async def late(self: CopiedVerdicts, row: ImportRow, counts: copy_count.CopyCount) -> Counter[int]:
        found = await fewer(self, row, counts)
        if not damaged:
            damaged.extend(await catalog.card_items(row.id, 0, 1))
            number = (await catalog.copies_of(row.archive_id))[1].number if in_copy else 0
            await catalog.read_again([(damaged[0], "medium", None, "damaged")], number)
        return found

    monkeypatch.setattr(CopiedVerdicts, "_fewer", late)
    await mirrored(rig, rig.root / "backup")
    assert damaged
    row = await catalog.import_named(name)
    assert row is not None
    assert row.verdict == "KEEP"
    assert not list(rig.archive.glob(f"locations/*/lading/{name}.added-*.txt"))


@pytest.mark.promise(48)
async def test_what_is_accepted_is_to_be_in_the_copies_by_then(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """There were enough at the import's end; SAFE is said when a person accepts it, and one is away."""
    placed(monkeypatch, ("archive", "sda"), ("backup", "sdb"))
    copy, file = rig.root / "backup", write(rig.source / "1.jpg", random_bytes(3000, 1))
    await rig.imported()
    facts = file.stat()
    file.write_bytes(random_bytes(3000, 2))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    await rig.imported()
    await mirrored(rig, copy)
    view = await rig.imported(copies=2)
    assert (view.verdict, view.acceptable) == (Verdict.KEEP, True)
    copy.rename(rig.root / "unplugged")
    with pytest.raises(ArchiveError, match=f"1 is in 1 of 2 copies; {copy} is away, so its verdict would not be"):
        await rig.engine.maintenance.accept(view.id, "Ada")
    assert rig.view(view.id).verdict is Verdict.KEEP
    (rig.root / "unplugged").rename(copy)
    await rig.engine.maintenance.accept(view.id, "Ada")
    assert rig.view(view.id).verdict is Verdict.SAFE


@pytest.mark.promise(48)
async def test_two_other_copies_are_not_the_archive(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is to be in the archive, too, however many other copies there are."""
    name = await waited_for(rig, monkeypatch)
    placed(monkeypatch, ("archive", "sda"), ("backup", "sda"), ("second", "sdb"))
    await mirrored(rig, rig.root / "backup")
    assert rig.view(name).verdict_reason.startswith("3 are in 1 of 2 copies"), "both are on one disk"
    (victim, *_) = sorted(rig.archive.glob("locations/*/data/*/*/*"))
    away = victim.rename(rig.root / "away")
    mirror = await rig.engine.mirrors.start(str(rig.root / "backup"), str(rig.root / "second"), both=False)
    await rig.engine.mirrors.wait(mirror)
    await mirrored(rig, rig.root / "second")
    assert rig.view(name).verdict is Verdict.KEEP
    assert rig.view(name).verdict_reason == (
        f"1 is no longer in the archive, or damaged there (such as {victim.relative_to(rig.archive)})"
    )
    away.rename(victim)
    path = str(victim.relative_to(rig.archive))
    await rig.engine.database.run(("UPDATE item SET read_back = NULL WHERE path = ?", [(path,)]))
    await mirrored(rig, rig.root / "second")
    assert rig.view(name).verdict_reason == f"1 was never read back from the archive (such as {path})"
    await rig.engine.maintenance.audit(str(rig.archive), silent)
    await mirrored(rig, rig.root / "second")
    assert (rig.view(name).verdict, rig.view(name).verdict_reason) == (Verdict.SAFE, "")


async def test_staging_is_cleaned_while_a_verdict_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Background jobs end at that moment, and remove what they have staged."""
    name, ask, cleaned = await waited_for(rig, monkeypatch), Worker.ask, list[bool]()

    async def entered(path: str, id: int) -> Archive:
        return next(one for one, _ in rig.engine.archives.opened.values() if one.id == id and not one.copy.number)

    async def left(archive: Archive) -> None:
        """Others hold it open."""

    async def late(self: Worker, request: object, wanted: type) -> object:
        if isinstance(request, text_messages.Put) and ".added-" in request.target and not cleaned:
            (archive,) = [one for one, _ in rig.engine.archives.opened.values() if not one.copy.number]
            # As if it were in the middle: what it has staged lies there already.
            staged = write(Path(archive.path, request.staged), b"half")
            leases = ArchiveLeases(rig.engine.database, rig.engine.pool, entered, left, lambda: None)
            await leases.reachable(archive.id)
            await leases.close()
            cleaned.append(not staged.exists())
            staged.unlink(missing_ok=True)
        return await ask(self, request, wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(Worker, "ask", late)
    await mirrored(rig, rig.root / "backup")
    assert rig.view(name).verdict is Verdict.SAFE
    assert cleaned == [False]


@pytest.mark.parametrize("rebuilt", [False, True], ids=["in place", "rebuilt"])
async def test_what_was_noted_at_the_end_stays_when_the_copies_come(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, rebuilt: bool
) -> None:
    placed(monkeypatch, ("archive", "sda"), ("backup", "sdb"))
    write(rig.source / "PRIVATE/M4ROOT/CLIP/C0001.MP4", random_bytes(3000, 1))
    index = b'<MediaProfile><Contents><Material uri="./CLIP/C0002.MP4"/></Contents></MediaProfile>'
    write(rig.source / "PRIVATE/M4ROOT/MEDIAPRO.XML", index)
    (rig.source / "link").symlink_to("PRIVATE")
    name = (await rig.imported(copies=2, accept=("links",))).id
    assert rig.view(name).verdict is Verdict.KEEP
    if rebuilt:
        await rig.restarted("new home")
        await rig.engine.maintenance.rebuild(str(rig.archive))
    await mirrored(rig, rig.root / "backup")
    row = await rig.engine.catalog.import_named(name)
    assert row is not None
    assert row.verdict == "SAFE"
    assert row.verdict_reason.startswith("1 symbolic link recorded with its target")
    assert "names C0002" in row.verdict_reason


@pytest.mark.promise(48)
async def test_a_verdict_waits_as_long_as_anything_is_lacking(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await waited_for(rig, monkeypatch)
    (victim, *_) = sorted(rig.archive.glob("locations/*/data/*/*/*"))
    victim.write_bytes(random_bytes(3000, 99))
    await mirrored(rig, rig.root / "backup")
    assert rig.view(name).verdict is Verdict.KEEP
    await rig.restarted("new home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    row = await rig.engine.catalog.import_named(name)
    assert row is not None
    assert (row.verdict, row.verdict_reason[:22]) == ("KEEP", "3 are in 1 of 2 copies")


@pytest.mark.control(48)
async def test_control_a_verdict_that_waits_for_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*_: object) -> dict[int, int]:
        return {}

    monkeypatch.setattr(copy_count.CopyCount, "lacking", none)
    with pytest.raises(AssertionError):
        await waited_for(rig, monkeypatch)


async def test_where_something_else_is_wrong_copies_change_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(monkeypatch, ("archive", "sda"), ("backup", "sdb"))
    write(rig.source / "1.jpg", random_bytes(3000, 1))
    (rig.source / "link").symlink_to("1.jpg")
    name = (await rig.imported(copies=2)).id
    await mirrored(rig, rig.root / "backup")
    assert rig.view(name).verdict is Verdict.KEEP


@pytest.mark.promise(48)
@pytest.mark.parametrize("rebuilt", [False, True], ids=["in place", "rebuilt"])
async def test_what_a_later_import_brought_of_the_card_is_to_be_in_the_copies_too(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, rebuilt: bool
) -> None:
    """A file comes onto the card while it is imported, and another import archives it before the first one's end:
    the first one's verdict is about that file, too."""
    placed(monkeypatch, ("archive", "sda"), ("backup", "sdb"))
    write(rig.source / "1.jpg", random_bytes(3000, 1))
    close, later = finish.close, list[str]()

    async def late(run: Run, *given: Any) -> None:
        if run.row.name == name and not later:
            write(rig.source / "2.jpg", random_bytes(3000, 2))
            later.append((await rig.imported()).id)
        await close(run, *given)

    monkeypatch.setattr(finish, "close", late)
    name = await rig.begun(copies=2)
    assert (await rig.ended(name)).verdict_reason.startswith("2 are in 1 of 2 copies")
    payload = (await rig.rows(later[0]))[b"2.jpg"].payload
    if rebuilt:
        await rig.restarted("new home")
        await rig.engine.maintenance.rebuild(str(rig.archive))
    write(rig.root / "backup" / payload, random_bytes(3000, 9))
    shutil.copytree(rig.archive / ".lading", rig.root / "backup/.lading")
    await mirrored(rig, rig.root / "backup")
    row = await rig.engine.catalog.import_named(name)
    assert row is not None
    assert row.verdict == "KEEP", "what has the file's name in the copy is something else"
    (rig.root / "backup" / payload).unlink()
    await mirrored(rig, rig.root / "backup")
    row = await rig.engine.catalog.import_named(name)
    assert row is not None
    assert row.verdict == "SAFE"
