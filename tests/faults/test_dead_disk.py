"""A disk that answers every read with an error is no damage of the files on it; a bad sector is. Real disks."""

from pathlib import Path

import pytest

from core.archives.dead_disk import ArchiveDisk
from core.errors import ArchiveAwayError, ArchiveError
from core.models import Count
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines

pytestmark = machines.root


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def damaged(rig: Rig) -> int:
    """How many files the catalog knows to be damaged."""
    return int((await rig.engine.database.read("SELECT count(*) FROM item WHERE damage IS NOT NULL"))[0][0])


async def archived(rig: Rig, disk: disks.Disk) -> None:
    """Some files, none in memory any more. From now on the disk is only read: its image would grow."""
    scene.pictures(rig.source)
    scene.check_safe(await scene.imported(rig))
    disk.remount(read_only=True)


@pytest.mark.promise(37)
async def test_nothing_is_damaged_on_a_disk_that_answers_nothing(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            await archived(rig, disk)
            audit, check = rig.engine.maintenance.audit, rig.engine.restore_check.check
            await audit(str(rig.archive), silent)  # its folders are in memory now
            disk.lose_from(0)
            with pytest.raises(ArchiveAwayError, match=r"12 files could not be read .* nor what was well"):
                await audit(str(rig.archive), silent)
            for read in (False, True):
                # Its archive.toml may be in memory, or cannot be read either.
                with pytest.raises(ArchiveError, match="Input/output error"):
                    await check(str(rig.source), str(rig.archive), silent, read=read)
            assert await damaged(rig) == 0
            disk.unmount(lazy=True)


@pytest.mark.promise(37)
async def test_it_dies_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.maintenance.audit.PAGE", 3)
    with disks.disk(tmp_path, "ext4") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            await archived(rig, disk)
            await rig.engine.maintenance.audit(str(rig.archive), silent)

            def die(done: Count, total: Count) -> None:
                if done.files == 6:
                    disk.lose_from(0)

            with pytest.raises(ArchiveAwayError, match="3 files could not be read"):
                await rig.engine.maintenance.audit(str(rig.archive), die)
            assert await damaged(rig) == 0
            disk.unmount(lazy=True)


@pytest.mark.promise(37)
async def test_a_bad_sector_is_damage(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            await archived(rig, disk)
            last = max(rig.archive.glob("locations/*/data/*/*/*"), key=lambda path: disk.place(path.read_bytes()))
            at = disk.place(last.read_bytes())
            disk.remount(read_only=True)
            await rig.engine.maintenance.audit(str(rig.archive), silent)
            disk.lose_from(at)
            found = await rig.engine.maintenance.audit(str(rig.archive), silent)
            assert [path for path, _ in found.damaged] == [str(last.relative_to(rig.archive))]
            assert (found.well.files, await damaged(rig)) == (11, 1)
            disk.unmount(lazy=True)


@pytest.mark.control(37)
async def test_control_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def believed(self: ArchiveDisk, archive_id: int, found: object) -> None:
        """Every error is the file's."""

    monkeypatch.setattr(ArchiveDisk, "answers", believed)
    with disks.disk(tmp_path, "ext4") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            await archived(rig, disk)
            await rig.engine.maintenance.audit(str(rig.archive), silent)
            disk.lose_from(0)
            assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 12
            disk.unmount(lazy=True)
