"""A check says SAFE only of what is archived, verified and still there; by the record, and by content."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.errors import ArchiveError, SourceError
from core.importing.keep_reasons import NOTHING
from core.maintenance import check
from core.models import Count, Verdict
from core.results import CheckResult
from core.volumes import volume
from tests.core.importing.rig import Rig, random_bytes, write
from tests.tui.console.streams import pipe
from tui.console.checked import tell

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("numbered")]

LARGE = 9 << 20


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def checked(rig: Rig, source: Path | None = None, *, read: bool = False) -> CheckResult:
    found = await rig.engine.restore_check.check(str(source or rig.source), str(rig.archive), silent, read=read)
    assert (found.verdict is Verdict.SAFE) == (found.reasons == ())
    return found


def refill(path: Path, data: bytes) -> None:
    """Other content in a file of the same size and time."""
    facts = path.stat()
    assert facts.st_size == len(data)
    path.write_bytes(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


async def filled(rig: Rig, **options: Any) -> None:
    for name in ("a.jpg", "DCIM/b.jpg", "DCIM/c.jpg", "same as c.jpg"):
        write(rig.source / name, random_bytes(3000, ord(name[-5])))
    write(rig.source / "clip.mov", random_bytes(LARGE, 1))
    write(rig.source / ".DS_Store", b"litter")
    await rig.imported(**options)


@pytest.fixture(params=[False, True], ids=["by the record", "by content"])
def read(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_safe_and_nothing_is_changed(rig: Rig, read: bool) -> None:
    await filled(rig)
    before = {path: path.stat().st_mtime_ns for path in (*rig.source.rglob("*"), *rig.archive.rglob("*"))}
    found = await checked(rig, read=read)
    assert (found.verdict, found.safe, found.junk) == (Verdict.SAFE, Count(files=5, bytes=4 * 3000 + LARGE), 1)
    assert (await checked(rig, rig.source / "DCIM/b.jpg", read=read)).safe.files == 1
    assert before == {path: path.stat().st_mtime_ns for path in (*rig.source.rglob("*"), *rig.archive.rglob("*"))}
    assert not (rig.archive / ".lading/lock").exists()


@pytest.mark.promise(29)
async def test_nothing_is_not_safe(rig: Rig, read: bool) -> None:
    await filled(rig)
    folder = write(rig.root / "other/Thumbs.db", b"litter").parent
    found = await rig.engine.restore_check.check(str(folder), str(rig.archive), silent, read=read)
    assert (found.verdict, found.note, found.junk) == (Verdict.OPEN, NOTHING, 1)
    out, told = pipe()
    tell(found, out)
    assert told.getvalue() == f"EMPTY  {folder}: {NOTHING} (1 junk file)\n"


async def test_one_file_added(rig: Rig, read: bool) -> None:
    await filled(rig)
    write(rig.source / "DCIM/new.jpg", b"new")
    found = await checked(rig, read=read)
    assert (found.verdict, found.safe.files) == (Verdict.KEEP, 5)
    assert found.files == (
        ("DCIM/new.jpg", "not in the archive" if read else "not known by name and time; try --read"),
    )
    assert found.reasons == (
        ("are not in the archive" if read else "are not known by name and time; try --read", 1),
    )
    assert ("--read" in found.advice) is not read


async def test_one_file_changed(rig: Rig, read: bool) -> None:
    await filled(rig)
    write(rig.source / "a.jpg", random_bytes(3000, 7))
    found = await checked(rig, read=read)
    assert (found.verdict, found.files) == (Verdict.KEEP, (("a.jpg", "changed since it was archived"),))


async def test_one_file_changed_whose_time_did_not(rig: Rig) -> None:
    await filled(rig)
    data = bytearray((rig.source / "clip.mov").read_bytes())
    data[LARGE // 2] ^= 1
    refill(rig.source / "clip.mov", bytes(data))
    assert (await checked(rig)).verdict is Verdict.SAFE, "neither the record nor the blocks compared can know"
    found = await checked(rig, read=True)
    assert (found.verdict, found.files) == (Verdict.KEEP, (("clip.mov", "changed since it was archived"),))


@pytest.mark.promise(34)
async def test_a_card_that_was_refilled_with_equal_names_sizes_and_times(rig: Rig) -> None:
    await filled(rig)
    for number, path in enumerate(path for path in rig.source.rglob("*") if path.is_file()):
        refill(path, random_bytes(path.stat().st_size, 50 + number))
    found = await checked(rig)
    assert (found.verdict, found.safe.files) == (Verdict.KEEP, 0)
    assert found.reasons == (("have other content than is archived under their name and time", 5),)
    assert "--read" in found.advice


@pytest.mark.control(34)
async def test_without_a_comparison_it_would_be_called_safe(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(rig)
    for path in (path for path in rig.source.rglob("*") if path.is_file()):
        refill(path, random_bytes(path.stat().st_size, 50))
    monkeypatch.setattr(check, "SAMPLES", 0)
    assert (await checked(rig)).verdict is Verdict.SAFE


@pytest.mark.promise(34)
async def test_a_volume_without_a_number_of_its_own(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "identity", lambda mount, below: "dev:/dev/sdb1:vfat:64000000")
    await filled(rig)
    found = await checked(rig)
    assert (found.verdict, found.safe.files, found.files) == (Verdict.KEEP, 5, ())
    assert "--read" in found.advice
    assert (await checked(rig, read=True)).verdict is Verdict.SAFE


async def test_only_a_few_files_are_compared(rig: Rig) -> None:
    for number in range(40):
        write(rig.source / f"{number}.jpg", random_bytes(3000, number))
    await rig.imported()
    for path in rig.source.iterdir():
        refill(path, random_bytes(3000, 99))
    found = await checked(rig)
    assert (found.verdict, found.safe.files, found.files_count) == (
        Verdict.KEEP,
        40 - check.SAMPLES,
        check.SAMPLES,
    )


async def test_what_differs_from_an_earlier_import(rig: Rig, read: bool) -> None:
    await filled(rig)
    refill(rig.source / "a.jpg", random_bytes(3000, 7))
    await rig.imported()
    found = await checked(rig, read=read)
    told = "differs from what was imported before, although size and time are the same"
    assert (found.verdict, found.files) == (Verdict.KEEP, (("a.jpg", told),))
    (second,) = await rig.engine.database.read("SELECT name FROM import ORDER BY id DESC LIMIT 1")
    await rig.engine.maintenance.accept(second[0], "Ada")
    assert (await checked(rig, read=read)).verdict is Verdict.SAFE


async def test_one_file_deleted_from_the_archive(rig: Rig, read: bool) -> None:
    await filled(rig)
    (name,) = await rig.engine.database.read("SELECT i.name FROM import i")
    os.unlink(rig.archive / (await rig.rows(name[0]))[b"DCIM/c.jpg"].payload)
    found = await checked(rig, read=read)
    assert found.verdict is Verdict.KEEP
    assert {path for path, _ in found.files} == {"DCIM/c.jpg", "same as c.jpg"}


async def test_one_file_damaged_in_the_archive(rig: Rig) -> None:
    await filled(rig)
    (name,) = await rig.engine.database.read("SELECT i.name FROM import i")
    payload = rig.archive / (await rig.rows(name[0]))[b"clip.mov"].payload
    data = bytearray(payload.read_bytes())
    data[LARGE // 2] ^= 1
    payload.write_bytes(data)
    assert (await checked(rig)).verdict is Verdict.SAFE, "the record does not know yet"
    found = await checked(rig, read=True)
    assert found.verdict is Verdict.KEEP
    told = "no longer in the archive, or damaged there: its content is not what was archived"
    assert found.files == (("clip.mov", told),)
    assert (await checked(rig)).verdict is Verdict.KEEP, "it does now"


async def test_one_file_failed(rig: Rig, read: bool) -> None:
    await filled(rig)
    write(rig.source / "bad.jpg", random_bytes(100, 5))
    await rig.imported()
    await rig.engine.database.run(
        ("UPDATE file SET outcome = 5, item_id = NULL WHERE CAST(path AS TEXT) LIKE '%bad.jpg'", [()]),
        ("DELETE FROM item WHERE size = 100", [()]),
    )
    found = await checked(rig, read=read)
    assert (found.verdict, found.files) == (Verdict.KEEP, (("bad.jpg", "could not be archived"),))


async def test_one_file_left_out(rig: Rig, read: bool) -> None:
    write(rig.source / "x.tmp", b"left out")
    (rig.source / "link.jpg").symlink_to("a.jpg")
    await filled(rig, exclude=("*.tmp",))
    found = await checked(rig, read=read)
    assert (found.verdict, found.safe.files) == (Verdict.KEEP, 5)
    assert sorted(found.files) == [
        ("link.jpg", "left out: symbolic link to 'a.jpg'"),
        ("x.tmp", "excluded by your choice"),
    ]


async def test_what_was_never_read_back(rig: Rig) -> None:
    await filled(rig, verify="none")
    assert (await checked(rig)).reasons == (("were never read back from the archive", 5),)
    assert (await checked(rig, read=True)).verdict is Verdict.SAFE
    assert (await checked(rig)).verdict is Verdict.SAFE


async def test_a_copy_of_the_card_is_known_by_its_content_only(rig: Rig, tmp_path: Path) -> None:
    await filled(rig)
    copy = tmp_path / "copy"
    shutil.copytree(rig.source, copy)
    assert (await checked(rig, copy)).reasons == (("are not known by name and time; try --read", 5),)
    assert (await checked(rig, copy, read=True)).verdict is Verdict.SAFE


async def test_what_is_not_there(rig: Rig, tmp_path: Path) -> None:
    await filled(rig)
    with pytest.raises(SourceError):
        await checked(rig, tmp_path / "nothing")
    shutil.move(rig.archive, tmp_path / "away")
    with pytest.raises(ArchiveError):
        await checked(rig)


async def test_an_engine_that_never_saw_the_archive_knows_only_what_it_reads(rig: Rig) -> None:
    await filled(rig)
    await rig.restarted("another home")
    assert (await checked(rig)).reasons == (("were never read back from the archive", 5),)
    assert (await checked(rig, read=True)).safe.files == 5
    assert (await checked(rig)).verdict is Verdict.SAFE


@pytest.mark.usefixtures("bound")
async def test_a_check_takes_no_file_that_may_not_be_read_for_damaged(rig: Rig) -> None:
    await filled(rig)
    payload = sorted(rig.archive.glob("locations/*/data/*/*/*"))
    payload[0].chmod(0)
    found = await checked(rig, read=True)
    assert (found.verdict, found.safe.files) == (Verdict.KEEP, 4)
    why = "may not be read in the archive, so it is not known whether they are whole"
    assert found.reasons == (await checked(rig)).reasons == ((why, 1),)
    assert await rig.engine.database.read("SELECT count(*) FROM item WHERE damage IS NOT NULL") == [(0,)]
    payload[0].chmod(0o644)
    assert (await checked(rig, read=True)).verdict is Verdict.SAFE
