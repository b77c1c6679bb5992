"""Copies of an archive are told apart, audited, checked and restored from; what one is known for stays its own."""

import asyncio
import os
import shutil
import threading
from pathlib import Path

import psutil
import pytest

from core import host
from core.archives import archive, copies, lock
from core.archives.locate import identity_at
from core.archives.lock import Holder
from core.catalog import Catalog
from core.errors import ArchiveCopyError, ArchiveHeldError, UsageError
from core.maintenance import check
from core.models import Count, Verdict
from core.results import AuditResult, AuditScope, CheckResult
from tests.core.importing.rig import PATIENCE, Rig, random_bytes, write

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("numbered")]


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def filled(rig: Rig, first: int = 0, count: int = 4) -> None:
    """So many files more in the archive."""
    for number in range(first, first + count):
        write(rig.source / f"{number:03}.jpg", random_bytes(3000, number))
    await rig.imported()


def copied(rig: Rig, name: str = "backup") -> Path:
    """A copy of the archive as it is now."""
    return Path(shutil.copytree(rig.archive, rig.root / name, copy_function=shutil.copy2))


def damaged(archive: Path) -> str:
    """One payload file with another byte in it; its path below the archive."""
    (path, *_) = sorted(archive.glob("locations/*/data/*/*/*.jpg"))
    whole = path.read_bytes()
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    return str(path.relative_to(archive))


async def checked(rig: Rig, archive: Path, *, read: bool = False) -> CheckResult:
    """The card, compared with one copy of the archive."""
    return await rig.engine.restore_check.check(str(rig.source), str(archive), silent, read=read)


def below(folder: Path) -> dict[str, tuple[int, int]]:
    """All that lies in a folder."""
    found = {}
    for path in folder.rglob("*"):
        facts = path.lstat()
        found[str(path.relative_to(folder))] = facts.st_ino, facts.st_mtime_ns
    return found


async def masked(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether auditing a sound copy hides what the record says of the archive; no blocks are compared."""
    monkeypatch.setattr(check, "SAMPLES", 0)
    await filled(rig)
    backup = copied(rig)
    damaged(rig.archive)
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 1
    assert (await rig.engine.maintenance.audit(str(backup), silent)).damaged_count == 0
    return (await checked(rig, rig.archive)).verdict is not Verdict.KEEP


@pytest.mark.promise(27)
async def test_a_sound_copy_hides_no_damage(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await masked(rig, monkeypatch)
    again = await rig.engine.maintenance.audit(str(rig.root / "backup"), silent)
    assert again.copy_of == str(rig.archive)
    assert again.unread == 0
    view = await rig.imported()
    assert (view.archived.files, view.duplicate.files) == (1, 3)


@pytest.mark.control(27)
async def test_a_copy_taken_for_the_archive_hides_damage(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "at_one_place", lambda one, other: True)
    assert await masked(rig, monkeypatch)


async def test_damage_of_a_copy_is_its_own(rig: Rig) -> None:
    await filled(rig)
    backup = copied(rig)
    path = damaged(backup)
    found = await rig.engine.maintenance.audit(str(backup), silent)
    assert [one for one, _ in found.damaged] == [path]
    assert (await checked(rig, backup)).verdict is Verdict.KEEP
    assert (await checked(rig, rig.archive)).verdict is Verdict.SAFE
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 0
    assert (await rig.engine.maintenance.audit(str(backup), silent, AuditScope(older_than=0.0))).damaged_count == 1


async def test_an_older_copy_takes_nothing_from_the_archive(rig: Rig) -> None:
    await filled(rig)
    backup = copied(rig)
    await filled(rig, 4, 3)
    found = await rig.engine.maintenance.audit(str(backup), silent)
    assert (found.damaged_count, found.well.files) == (3, 4)
    assert (await checked(rig, rig.archive)).verdict is Verdict.SAFE
    (row,) = await rig.engine.database.read("SELECT path FROM archive")
    assert row == (bytes(rig.archive),)
    name = (await rig.imported()).id
    restored = await rig.engine.restore_check.restore(name, str(rig.root / "out"), silent)
    assert (restored.restored.files, restored.copy) == (7, "")


async def test_only_what_was_read_there_is_proven_of_a_copy(rig: Rig) -> None:
    await filled(rig)
    backup = copied(rig)
    before = await checked(rig, backup)
    assert before.verdict is Verdict.KEEP
    assert before.copy_of == str(rig.archive)
    assert "never read back" in before.reasons[0][0]
    assert (await checked(rig, backup, read=True)).verdict is Verdict.SAFE
    assert (await checked(rig, backup)).verdict is Verdict.SAFE


async def test_a_copy_is_never_written_to(rig: Rig) -> None:
    await filled(rig)
    backup = copied(rig)
    before = below(backup)
    await rig.engine.maintenance.audit(str(backup), silent)
    await checked(rig, backup, read=True)
    for work in (
        rig.begun(archive=str(backup)),
        rig.engine.maintenance.derive(str(backup)),
    ):
        with pytest.raises(ArchiveCopyError, match="lading rebuild") as caught:
            await work
        assert str(rig.archive) in caught.value.cause
    assert below(backup) == before


async def test_a_volume_that_cannot_be_told_just_now_stays_known(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(rig)
    backup = copied(rig)
    await rig.engine.maintenance.audit(str(backup), silent)
    known = "SELECT volume, root FROM archive UNION ALL SELECT volume, root FROM copy"
    before = await rig.engine.database.read(known)
    assert all(volume for volume, _ in before)
    with monkeypatch.context() as patch:
        for module in (archive, copies):
            patch.setattr(module, "identity_at", lambda point: "")
        await rig.restarted()
        assert (await rig.imported()).verdict is Verdict.SAFE
        assert (await rig.engine.maintenance.audit(str(backup), silent)).copy_of == str(rig.archive)
        assert await rig.engine.database.read(known) == before


@pytest.mark.promise(27)
@pytest.mark.parametrize("known", ["the archive's", "the copy's"])
async def test_a_copy_is_not_the_archive_because_a_volume_cannot_be_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    """The archive's disk is unplugged, and of one of the two the system did not say which it is."""
    await filled(rig)
    backup = copied(rig)
    rig.archive.rename(rig.root / "unplugged")
    volume = "uuid:unplugged" if known == "the archive's" else ""
    await rig.engine.database.run(("UPDATE archive SET volume = ?", [(volume,)]))
    with monkeypatch.context() as patch:
        if known == "the archive's":
            patch.setattr(copies, "identity_at", lambda point: "")
        found = await checked(rig, backup)
    assert (found.copy_of, found.verdict) == (str(rig.archive), Verdict.KEEP)
    assert "never read back" in found.reasons[0][0]


@pytest.mark.parametrize("how", ["renamed", "copied and removed"])
async def test_a_folder_that_was_moved_is_the_archive(rig: Rig, how: str) -> None:
    await filled(rig)
    moved = rig.root / "elsewhere/archive"
    moved.parent.mkdir()
    if how == "renamed":
        rig.archive.rename(moved)
    else:
        shutil.copytree(rig.archive, moved)
        shutil.rmtree(rig.archive)
    assert (await rig.engine.maintenance.audit(str(moved), silent)).copy_of == ""
    (row,) = await rig.engine.database.read("SELECT path, (SELECT count(*) FROM copy) FROM archive")
    assert row == (bytes(moved), 0)


async def test_rebuild_makes_a_copy_the_one_in_use(rig: Rig) -> None:
    await filled(rig)
    backup = copied(rig)
    damaged(rig.archive)
    await filled(rig, 4, 1)
    assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 1
    found = await rig.engine.maintenance.rebuild(str(backup))
    assert found.instead_of == str(rig.archive)
    assert found.damaged == 1, "what was imported after it was made"
    # Nothing that was read in the other copy is claimed of this one.
    verdict = await checked(rig, backup)
    assert verdict.copy_of == ""
    assert (verdict.verdict, verdict.safe.files) == (Verdict.KEEP, 0)
    audit = await rig.engine.maintenance.audit(str(backup), silent)
    assert (audit.copy_of, audit.well.files, audit.damaged_count) == ("", 4, 1)
    # What is known of the other stays known.
    other = await checked(rig, rig.archive)
    assert other.copy_of == str(backup)
    assert (other.verdict, other.safe.files) == (Verdict.KEEP, 4)
    view = await rig.imported(archive=str(backup))
    assert (view.archived.files, view.duplicate.files) == (1, 4)


async def test_not_while_the_one_in_use_is_imported_into(rig: Rig) -> None:
    await filled(rig)
    backup = copied(rig)
    for number in range(30):
        write(rig.source / f"{number}.mov", random_bytes(1 << 20, number))
    name = await rig.begun()
    await rig.engine.imports.pause_import(name)
    with pytest.raises(UsageError, match="in use"):
        await rig.engine.maintenance.rebuild(str(backup))
    await rig.engine.imports.resume_import(name)
    assert (await rig.ended(name)).verdict is Verdict.SAFE


async def test_restored_from_a_copy(rig: Rig) -> None:
    await filled(rig)
    name = (await rig.imported()).id
    backup = copied(rig)
    damaged(rig.archive)
    restore = rig.engine.restore_check.restore
    chosen = await restore(name, str(rig.root / "one"), silent, archive=str(backup))
    assert (chosen.restored.files, chosen.failed_count, chosen.copy) == (4, 0, str(backup))
    rig.archive.rename(rig.root / "put away")
    # It is found, being known, when the one in use is away.
    away = rig.root / "put away/.lading/archive.toml"
    away.unlink()
    found = await restore(name, str(rig.root / "two"), silent)
    assert (found.restored.files, found.copy) == (4, str(backup))


async def test_no_archive_is_made_where_a_copy_was(rig: Rig) -> None:
    await filled(rig)
    backup = copied(rig)
    await rig.engine.maintenance.audit(str(backup), silent)
    shutil.rmtree(backup)
    backup.mkdir()
    with pytest.raises(Exception, match="there is no archive"):
        await rig.begun(archive=str(backup))
    assert os.listdir(backup) == []


async def opened_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], str]:
    """Two copies of an archive, opened at the same moment by an engine that knows none of them: of which each is
    told to be a copy, and where the one in use is."""
    await filled(rig)
    backup = copied(rig)
    await rig.restarted("another home")
    both = threading.Barrier(2)

    def met(point: bytes) -> str:
        both.wait(PATIENCE)
        return identity_at(point)

    with monkeypatch.context() as patch:
        patch.setattr(archive, "identity_at", met)
        found = await asyncio.gather(
            *(rig.engine.maintenance.audit(str(place), silent) for place in (rig.archive, backup)),
            return_exceptions=True,
        )
    (row,) = await rig.engine.database.read("SELECT path FROM archive")
    return sorted(one.copy_of for one in found if isinstance(one, AuditResult)), os.fsdecode(row[0])


@pytest.mark.promise(27)
async def test_of_two_copies_opened_at_once_one_is_in_use(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    told, in_use = await opened_at_once(rig, monkeypatch)
    assert told == ["", in_use]
    # The other is one that nothing is written to.
    backup = str(rig.root / "backup")
    (other,) = {str(rig.archive), backup} - {in_use}
    with pytest.raises(ArchiveCopyError):
        await rig.begun(archive=other)
    assert (await rig.imported(archive=in_use)).verdict is Verdict.SAFE


@pytest.mark.control(27)
async def test_two_would_both_be_in_use(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Catalog, "first_copy", Catalog.archive)
    told, in_use = await opened_at_once(rig, monkeypatch)
    assert in_use not in told, "none is told to be a copy, and both bring in what their journals say"


# The lock


def left_by(rig: Rig, *, at: tuple[int, int] | None) -> Path:
    """A lock in the archive, of a process of this machine that still runs."""
    holder = Holder("c" * 32, host.machine(), host.host(), "me", 1, psutil.Process(1).create_time(), "then", 7, at)
    path = rig.archive / ".lading/lock"
    path.write_text(holder.text())
    return path


async def test_a_copied_lock_blocks_nobody_for_long(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(rig)
    left_by(rig, at=(1, 2))
    monkeypatch.setattr(lock, "STALE", 13.0)
    assert (await rig.imported()).verdict is Verdict.SAFE


@pytest.mark.parametrize("says", [True, False])
async def test_a_lock_of_this_archive_is_honoured(rig: Rig, says: bool) -> None:
    """Also an old one, that does not say which archive it is for."""
    await filled(rig)
    facts = rig.archive.stat()
    path = left_by(rig, at=(facts.st_dev, facts.st_ino) if says else None)
    with pytest.raises(ArchiveHeldError):
        await rig.begun()
    path.unlink()
