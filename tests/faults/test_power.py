"""Power loss: what the catalog calls archived is there, whole, after the power of its disk was cut."""

import asyncio
from pathlib import Path

import pytest

from core.models import State
from core.workers import batch_messages, messages
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines, sabotage
from tests.rigs.disks import Disk

pytestmark = machines.root

MOMENTS = (
    batch_messages.StageBatch,
    batch_messages.Flush,
    batch_messages.Verify,
    batch_messages.Publish,
    batch_messages.Drop,
)
"""Steps of a batch before which the power goes."""


async def _cut(rig: Rig, disk: Disk, moment: type[messages.Request], after: int) -> str:
    """Import, and cut the power before a step, once so many batches have taken it; the disk is back afterwards."""
    scene.pictures(rig.source, 300, 100_000)
    seen: list[int] = []

    def cut() -> None:
        seen.append(1)
        if len(seen) == after + 1:
            disk.cut_power()

    with scene.before(moment, cut, after + 1):
        view = await scene.imported(rig)
    assert len(seen) == after + 1
    # In a thread: what the engine has open there it closes itself.
    await asyncio.to_thread(disk.remount)
    return view.id


async def _survives(rig: Rig) -> int:
    """All that the catalog claims, and every final name; how much it claims."""
    scene.check_final_names(rig.archive)
    return await scene.check_claims(rig)


@pytest.mark.promise(3)
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__.lower())
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
async def test_what_is_archived_survives_a_power_cut(
    tmp_path: Path, kind: str, moment: type[messages.Request]
) -> None:
    with disks.disk(tmp_path, kind, 128 << 20) as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            name = await _cut(rig, disk, moment, 2)
            assert rig.view(name).state == State.PAUSED
            await _survives(rig)
            view = await scene.resumed(rig, name)
            scene.check_safe(view)
            contents = scene.importing.expected(rig.source)
            assert rig.contents() == contents
            assert await _survives(rig) == len(contents)


@pytest.mark.promise(3)
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
async def test_all_of_an_import_survives_a_power_cut_right_after_it(tmp_path: Path, kind: str) -> None:
    with disks.disk(tmp_path, kind, 128 << 20) as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            contents = scene.pictures(rig.source, 300, 100_000)
            scene.check_safe(await scene.imported(rig))
            disk.cut_power()
            await asyncio.to_thread(disk.remount)
            assert await _survives(rig) == len(contents)
            assert "SAFE" in rig.receipts()[0].read_text()


@pytest.mark.promise(4)
@pytest.mark.control(3)
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
async def test_control_without_flushing_it_does_not(tmp_path: Path, kind: str) -> None:
    """eatmydata makes every flush do nothing and say that all went well."""
    with disks.disk(tmp_path, kind, 128 << 20) as disk, sabotage.eatmydata():
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            scene.pictures(rig.source, 300, 100_000)
            scene.check_safe(await scene.imported(rig))
            disk.cut_power()
            await asyncio.to_thread(disk.remount)
            with pytest.raises((AssertionError, FileNotFoundError)):
                await _survives(rig)


@pytest.mark.control(4)
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
async def test_control_where_the_disk_is_flushed_by_others_eatmydata_shows_nothing(
    tmp_path: Path, kind: str
) -> None:
    """What the test for eatmydata sees is the missing flush, and not the power cut alone."""
    with disks.disk(tmp_path, kind, 128 << 20) as disk, sabotage.eatmydata():
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            contents = scene.pictures(rig.source, 50, 100_000)
            scene.check_safe(await scene.imported(rig))
            disk.flush()
            disk.cut_power()
            await asyncio.to_thread(disk.remount)
            assert await _survives(rig) == len(contents)
