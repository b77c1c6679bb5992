"""A check says SAFE only of what is archived, verified and still there; by the record, and by content."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.errors import ArchiveError, SourceError
from core.models import Count, Verdict
from core.results import CheckResult
from tests.core.importing.rig import Rig, random_bytes, write

LARGE = 9 << 20


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def checked(rig: Rig, source: Path | None = None, *, read: bool = False) -> CheckResult:
    found = await rig.engine.outward.check(str(source or rig.source), str(rig.archive), silent, read=read)
    assert (found.verdict is Verdict.SAFE) == (found.reasons == ())
    return found


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
    assert (found.verdict, found.safe, found.litter) == (Verdict.SAFE, Count(files=5, bytes=4 * 3000 + LARGE), 1)
    assert (await checked(rig, rig.source / "DCIM/b.jpg", read=read)).safe.files == 1
    assert before == {path: path.stat().st_mtime_ns for path in (*rig.source.rglob("*"), *rig.archive.rglob("*"))}
    assert not (rig.archive / ".lading/lock").exists()


async def test_one_file_added(rig: Rig, read: bool) -> None:
    await filled(rig)
    write(rig.source / "DCIM/new.jpg", b"new")
    found = await checked(rig, read=read)
    assert (found.verdict, found.safe.files) == (Verdict.KEEP, 5)
    assert found.files == (("DCIM/new.jpg", "not in the archive"),)
    assert found.reasons == (("are not in the archive", 1),)


async def test_one_file_changed(rig: Rig, read: bool) -> None:
    await filled(rig)
    write(rig.source / "a.jpg", random_bytes(3000, 7))
    found = await checked(rig, read=read)
    assert (found.verdict, found.files) == (Verdict.KEEP, (("a.jpg", "changed since it was archived"),))


async def test_one_file_changed_whose_time_did_not(rig: Rig) -> None:
    await filled(rig)
    facts = (rig.source / "a.jpg").stat()
    write(rig.source / "a.jpg", random_bytes(3000, 7))
    os.utime(rig.source / "a.jpg", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (await checked(rig)).verdict is Verdict.SAFE, "the record cannot know"
    found = await checked(rig, read=True)
    assert (found.verdict, found.files) == (Verdict.KEEP, (("a.jpg", "changed since it was archived"),))


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
    payload.write_bytes(random_bytes(LARGE, 1)[:-7] + b"bit rot")
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
        ("x.tmp", "left out"),
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
    assert (await checked(rig, copy)).reasons == (("are not in the archive", 5),)
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
