"""A backup on another disk, mounted in the archive's place, elsewhere, or alone: real disks."""

import os
from pathlib import Path

import pytest

from core.errors import ArchiveCopyError
from core.models import Count, Verdict
from core.volumes.devices import devices_at
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines

pytestmark = machines.root


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def safe(rig: Rig, archive: Path) -> bool:
    """Whether a check by the record calls the card safe."""
    found = await rig.engine.restore_check.check(str(rig.source), str(archive), silent, read=False)
    return found.verdict is Verdict.SAFE


@pytest.mark.promise(27)
async def test_a_backup_in_the_archives_place(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk, disks.disk(tmp_path / "other", "ext4") as other:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            scene.pictures(rig.source)
            name = (await scene.imported(rig)).id
            disks.run("cp", "-a", str(rig.archive), str(other.path))
            victim = next(rig.archive.glob("locations/*/data/*/*/*.jpg"))
            whole = victim.read_bytes()
            victim.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
            assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).damaged_count == 1
            disk.unmount()
            other.unmount()
            disks.run("mount", other.device, str(disk.path))
            # The backup stands where the archive was.
            found = await rig.engine.maintenance.audit(str(rig.archive), silent)
            assert (found.damaged_count, found.well.files) == (0, 12)
            assert found.copy_of == str(rig.archive)
            with pytest.raises(ArchiveCopyError):
                await rig.begun()
            restored = await rig.engine.restore_check.restore(name, str(tmp_path / "out"), silent)
            assert (restored.restored.files, restored.copy) == (12, str(rig.archive))
            disks.unmount(disk.path)
            # And the archive elsewhere: what is known of it is known still.
            disks.run("mount", disk.device, str(other.path))
            assert not await safe(rig, other.path / "archive")
            assert (await rig.engine.maintenance.audit(str(other.path / "archive"), silent)).copy_of == ""
            disks.unmount(other.path)


@pytest.mark.promise(27)
async def test_the_disk_of_an_archive_under_another_device(tmp_path: Path) -> None:
    """It is the same copy, also where the system has no number of its own for the disk."""
    with disks.disk(tmp_path, "ext4") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            scene.pictures(rig.source)
            await scene.imported(rig)
            disk.unmount()
            device = disks.attach(disk.device)
            try:
                disks.run("mount", device, str(disk.path))
                assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).copy_of == ""
                assert (await scene.imported(rig)).duplicate.files == 12
                disks.unmount(disk.path)
            finally:
                disks.detach(device)
            disk.mount()


@pytest.mark.promise(48)
async def test_images_lie_on_the_disk_below(tmp_path: Path) -> None:
    """Two images of one disk, and an image in one of them, are one device: a card with two copies there is not
    SAFE with two."""
    with disks.disk(tmp_path, "ext4") as disk, disks.disk(tmp_path / "other", "ext4") as other:
        below = devices_at(os.fsencode(disks.run("findmnt", "-n", "-o", "TARGET", "-T", str(tmp_path)).strip()))
        assert below, "nobody knows the disk of the tests' own folder"
        assert devices_at(os.fsencode(disk.path)) == devices_at(os.fsencode(other.path)) == below
        inner = disks.Disk(disk.path, "ext4", 16 * disks.MIB)
        inner.mount()
        assert devices_at(os.fsencode(inner.path)) == below
        inner.unmount()
        disks.detach(inner.device)
        inner.image.unlink()
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            scene.pictures(rig.source)
            await scene.imported(rig)
            mirror = await rig.engine.mirrors.start(str(rig.archive), str(other.path / "backup"), both=False)
            await rig.engine.mirrors.wait(mirror)
            check = rig.engine.restore_check.check
            found = await check(str(rig.source), str(rig.archive), silent, read=True, copies=2)
            ((why, _),) = found.reasons
            assert (found.verdict, why.endswith("lie on one disk")) == (Verdict.KEEP, True), why


@pytest.mark.promise(48)
@pytest.mark.skipif(not disks.ZRAM.exists(), reason="this kernel has no zram, and so no second disk for the test")
async def test_partitions_are_one_disk_and_what_is_not_known_is_said(tmp_path: Path) -> None:
    with disks.partitions(tmp_path / "disk") as (one, other), disks.another_disk(tmp_path) as disk:
        assert devices_at(os.fsencode(one)) == devices_at(os.fsencode(other)) != devices_at(os.fsencode(disk))
        async with scene.engine_at(tmp_path, archive=one / "archive") as rig:
            scene.pictures(rig.source)
            await scene.imported(rig)
            with disks.memory(tmp_path / "memory", "size=16m") as memory:
                verdict, why = await mirrored(rig, memory)
                assert (verdict, f"on which disk {memory}/copy lies is not known" in why) == (Verdict.KEEP, True)
            verdict, why = await mirrored(rig, other)
            assert (verdict, f"{one}/archive and {other}/copy lie on one disk" in why) == (Verdict.KEEP, True)
            assert await mirrored(rig, disk) == (Verdict.SAFE, "")


async def mirrored(rig: Rig, disk: Path) -> tuple[Verdict, str]:
    """Mirror to this disk. The verdict on the card with two copies then, and its reason."""
    mirror = await rig.engine.mirrors.start(str(rig.archive), str(disk / "copy"), both=False)
    await rig.engine.mirrors.wait(mirror)
    check = rig.engine.restore_check.check
    found = await check(str(rig.source), str(rig.archive), silent, read=True, copies=2)
    return found.verdict, "; ".join(why for why, _ in found.reasons)
