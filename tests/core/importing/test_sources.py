"""What can be a source, beside the archive and beside other sources."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.archives import archive as opening
from core.errors import SourceError, UsageError, VolumeError
from core.models import Verdict
from core.volumes import volume
from core.volumes.disks import Disk
from core.volumes.filesystems import UNFLUSHED, filesystem
from tests.core.importing.rig import Rig, state, write
from tests.rigs import disks, machines

pytestmark = pytest.mark.process


async def test_the_archive_itself_is_refused(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    before = state(rig.source)
    for archive in (rig.source, rig.source / "."):
        with pytest.raises(SourceError, match="is the archive itself"):
            await rig.begun(archive=str(archive))
    # A source is never written to, not even to make an archive that is refused.
    assert state(rig.source) == before
    assert not rig.dedups()
    assert await rig.engine.catalog.imports() == []


async def test_a_folder_of_the_archive_is_refused(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    await rig.imported()
    for path in (rig.archive, rig.archive / "locations", next(rig.archive.glob("locations/*/data"))):
        with pytest.raises(SourceError, match="or lies in it"):
            await rig.begun(path)
    os.symlink(rig.archive, rig.root / "link")
    with pytest.raises(SourceError, match="or lies in it"):
        await rig.begun(rig.root / "link/locations")
    # Nothing is held: another engine may use the archive.
    assert not (rig.archive / ".lading/lock").exists()


async def test_none_begins_when_one_is_refused(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    requests = [rig.request(), rig.request(rig.root / "nowhere")]
    with pytest.raises(SourceError, match="nowhere"):
        await rig.engine.imports.start_imports(requests)
    assert not rig.archive.exists()
    assert not rig.engine.imports.under_way
    with pytest.raises(UsageError):
        await rig.begun(location=" ")
    with pytest.raises(UsageError):
        await rig.engine.imports.start_imports([])


@pytest.mark.parametrize("below", ["archive", "not there/yet/archive"])
async def test_a_source_that_holds_the_archive(rig: Rig, below: str) -> None:
    """It is refused before anything is written, a dry run says so; a file beside it may be imported."""
    photo = write(rig.source / "a.jpg", b"a")
    rig.archive = rig.source / below
    before = sorted(rig.source.rglob("*"))
    with pytest.raises(SourceError, match="a source is only read"):
        await rig.begun()
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert "a source is only read" in survey.refused
    assert survey.refused in survey.warnings[0]
    assert sorted(rig.source.rglob("*")) == before
    (survey,) = await rig.engine.imports.survey([rig.request(photo)])
    assert (survey.refused, survey.one_volume) == ("", True)
    assert (await rig.imported(photo)).archived.files == 1
    with pytest.raises(SourceError, match="a source is only read"):
        await rig.begun()


async def test_sources_that_overlap_are_seen_once(rig: Rig) -> None:
    inner = write(rig.source / "DCIM/a.jpg", b"a")
    write(rig.source / "b.jpg", b"b")
    os.symlink(rig.source, rig.root / "again")
    sources = [inner, inner.parent, rig.source, rig.source, rig.root / "again"]
    names = await rig.engine.imports.start_imports([rig.request(source) for source in sources])
    assert len(names) == 1
    view = await rig.ended(names[0])
    assert (view.seen.files, view.archived.files, view.verdict) == (2, 2, Verdict.SAFE)


@contextmanager
def mounted(*argv: str, path: Path) -> Iterator[Path]:
    path.mkdir()
    disks.run("mount", *argv, str(path))
    try:
        yield path
    finally:
        disks.unmount(path)


@machines.root
@pytest.mark.promise(36)
async def test_one_folder_by_two_mount_points_is_one_source(rig: Rig) -> None:
    write(rig.source / "DCIM/a.jpg", b"a")
    with mounted("--bind", str(rig.source), path=rig.root / "alias") as alias:
        pairs = [
            (rig.source, alias),
            (alias, rig.source),
            (rig.source / "DCIM", alias),
            (alias / "DCIM", rig.source),
        ]
        for pair in pairs:
            requests = [rig.request(source) for source in pair]
            assert len(await rig.engine.imports.survey(requests)) == 1
            (name,) = await rig.engine.imports.start_imports(requests)
            view = await rig.ended(name)
            assert (view.seen.files, view.verdict) == (1, Verdict.SAFE)
            assert len(await rig.engine.restore_check.distinct([str(path) for path in pair])) == 1
        # Each of the two lies inside the other one: one of them is kept.
        (rig.source / "loop").mkdir()
        with mounted("--bind", str(rig.root), path=rig.source / "loop/root") as inner:
            assert len(await rig.engine.restore_check.distinct([str(rig.source), str(inner)])) == 1


@machines.root
@pytest.mark.promise(36)
async def test_one_device_mounted_twice_is_one_source(rig: Rig, tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk, mounted(disk.device, path=tmp_path / "again") as again:
        file = write(disk.path / "a.jpg", b"a")
        sources = [disk.path, again, again / "a.jpg", file]
        (name,) = await rig.engine.imports.start_imports([rig.request(source) for source in sources])
        assert (await rig.ended(name)).archived.files == 1
        # One file of it is one source, too.
        assert await rig.engine.restore_check.distinct([str(again / "a.jpg"), str(file)]) == [str(again / "a.jpg")]


@pytest.mark.control(36)
async def test_two_folders_with_the_same_content_are_two_sources(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "b.jpg", b"b")
    write(rig.root / "copy/a.jpg", b"a")
    sources = [rig.source, rig.root / "copy"]
    names = await rig.engine.imports.start_imports([rig.request(source) for source in sources])
    assert sorted([(await rig.ended(name)).seen.files for name in names]) == [1, 2]
    files = [str(rig.source / name) for name in ("a.jpg", "b.jpg")]
    assert await rig.engine.restore_check.distinct(files) == files


async def test_a_source_that_is_imported_already_is_told_of(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.root / "other/b.jpg", b"b")
    requests = [rig.request(), rig.request(location="Bern"), rig.request(rig.root / "other")]
    names = await rig.engine.imports.start_imports(requests)
    views = [await rig.ended(name) for name in names]
    (told,) = [view for view in views if any("read twice" in warning for warning in view.warnings)]
    (other,) = [view for view in views if view.source == told.source and view is not told]
    assert told.source == str(rig.source)
    assert any(other.id in warning for warning in told.warnings)


async def test_sources_that_overlap_but_go_elsewhere(rig: Rig) -> None:
    inner = write(rig.source / "DCIM/a.jpg", b"a").parent
    requests = [rig.request(), rig.request(inner, location="Bern", duplicates="location")]
    views = [await rig.ended(name) for name in await rig.engine.imports.start_imports(requests)]
    # The one that is later finds the other's copy; that counts for the whole archive, but not for a location.
    assert [view.archived.files + view.duplicate.files for view in views] == [1, 1]
    assert views[1].archived.files == 1


async def test_a_survey_writes_nothing(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    write(rig.source / "a.cr3", b"raw")
    before = state(rig.source)
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert (survey.new.files, survey.duplicate.files, survey.pairs, survey.free) == (2, 0, 1, None)
    assert not rig.archive.exists()
    await rig.imported()
    (survey,) = await rig.engine.imports.survey([rig.request()])
    assert (survey.new.files, survey.duplicate.files, survey.needed) == (0, 2, 0)
    assert survey.free
    (survey,) = await rig.engine.imports.survey([rig.request(archive=str(rig.root / "other"))])
    assert (survey.new.files, survey.duplicate.files) == (2, 0)
    assert state(rig.source) == before


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a bind mount needs root on Linux")
async def test_before_an_archive_is_chosen_nothing_lies_in_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the folder that the engine happens to run in, which is the root of all."""
    write(rig.source / "photo.jpg", b"1")
    monkeypatch.chdir("/")
    (survey,) = await rig.engine.imports.survey([rig.request(archive="")])
    assert (survey.refused, survey.new.files, survey.free, survey.one_volume) == ("", 1, None, False)
    for archives in ({"archive": ""}, {"also": (" ",)}):
        with pytest.raises(UsageError, match="no archive was given"):
            await rig.engine.imports.start_imports([rig.request(**archives)])


async def test_one_folder_under_two_paths_is_seen_once(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    again = rig.root / "again"
    again.mkdir()
    subprocess.run(["mount", "--bind", str(rig.source), str(again)], check=True)  # noqa: ASYNC221
    try:
        names = await rig.engine.imports.start_imports([rig.request(), rig.request(again)])
        assert len(names) == 1
        assert (await rig.ended(names[0])).archived.files == 1
    finally:
        subprocess.run(["umount", "-l", str(again)], check=True)  # noqa: ASYNC221


async def test_none_begins_while_the_system_does_not_say_what_a_volume_is(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under another identity it would not know what it knows, and would speak of a folder, not of a card."""
    write(rig.source / "a.jpg", b"a")

    def late(device: str, timeout: float = 1.0) -> Disk:
        raise VolumeError("the system does not say what /dev/disk4s1 is (diskutil).", "Try again in a minute.")

    monkeypatch.setattr(volume, "disk", late)
    with pytest.raises(SourceError, match="does not say what /dev/disk4s1 is") as caught:
        await rig.begun()
    assert caught.value.advice == "Try again in a minute."
    assert not rig.archive.exists()
    monkeypatch.undo()
    assert (await rig.imported()).archived.files == 1


async def test_an_archive_whose_drive_cannot_be_flushed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """exFAT on macOS: it is said at once, and the receipt does not speak of the medium."""
    write(rig.source / "a.jpg", b"a")
    monkeypatch.setattr(opening, "filesystem_of", lambda point: filesystem("exfat", platform="darwin"))
    view = await rig.imported()
    assert view.warnings == (f"The archive: {UNFLUSHED}",)
    assert "read back, but perhaps from memory" in rig.receipts()[0].read_text()


async def test_the_volume_has_a_capacity(rig: Rig) -> None:
    await rig.imported()
    ((capacity,),) = await rig.engine.database.read("SELECT capacity FROM volume")
    found = os.statvfs(rig.source)
    assert capacity == found.f_blocks * found.f_frsize
