"""Volumes that leave in the middle: one pause of one import, and nothing where they were."""

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import LadingError
from core.importing import batches
from core.models import State
from core.workers import batch_messages, source_messages
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines, passthrough, sabotage
from tests.rigs.disks import Disk
from tests.rigs.passthrough import Passthrough, Switch

pytestmark = machines.root

FILES = 300
MANY = 1_400
"""More than two workers have in hand."""


def _contents(rig: Rig) -> set[str]:
    return scene.pictures(rig.source, 60, 200_000)


async def _unmounted(rig: Rig, disk: Disk) -> tuple[str, list[str]]:
    """Unmount the archive in the middle of an import; the import, and what lies where the archive was."""
    with scene.before(batch_messages.Flush, lambda: disk.unmount(lazy=True)) as asked:
        view = await scene.imported(rig)
    assert asked
    for _ in range(2):
        try:
            await rig.engine.imports.resume_import(view.id)
        except LadingError:
            continue
        await scene.ended(rig, view.id)
    return view.id, scene.below(disk.path)


@pytest.mark.promise(10)
async def test_after_the_archive_is_unmounted_nothing_lands_below(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            contents = _contents(rig)
            name, litter = await _unmounted(rig, disk)
            assert litter == []
            assert (await rig.engine.catalog.import_named(name)).state == State.PAUSED  # type: ignore[union-attr]
            with pytest.raises(LadingError, match="there is no archive"):
                await rig.begun()
            assert scene.below(disk.path) == []
            disk.mount()
            scene.check_safe(await scene.resumed(rig, name))
            assert rig.contents() == contents
            assert await scene.check_claims(rig) == len(contents)


@pytest.mark.control(10)
async def test_control_a_folder_of_the_same_path_would_be_filled(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk, sabotage.broken(tmp_path / "broken", "ignores the device"):
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            _contents(rig)
            _, litter = await _unmounted(rig, disk)
            assert litter != []


# Ejection


async def _ejected(rig: Rig, other: Path, act: Callable[[], object]) -> tuple[str, str]:
    """Two imports of three batches each; the source of the first one leaves when it is listed, and not all of it
    read. Both, when they have ended."""
    scene.pictures(rig.source, FILES, 3_000)
    scene.pictures(other, FILES, 3_000, seed=7)
    begun: list[int] = []
    listed = threading.Event()

    def leave() -> None:
        begun.append(1)
        if len(begun) == 3:
            assert listed.wait(120)
            act()

    with pytest.MonkeyPatch.context() as patch, scene.before(source_messages.ReadBatch, leave, 3):
        patch.setattr(batches, "FILES_PER_BATCH", FILES // 3)
        first, second = await rig.begun(), await rig.begun(other)
        await rig.until(lambda: rig.view(first).listed)
        listed.set()
        await scene.ended(rig, first)
        await scene.ended(rig, second)
    assert len(begun) == 3
    return first, second


async def _one_pause(rig: Rig, first: str, second: str) -> None:
    """The first import waits, and nothing of it has failed; the other one is through."""
    scene.check_paused(rig.view(first), "any more")
    scene.check_safe(rig.view(second))
    assert await scene.reasons(rig, first) == {}


@pytest.mark.promise(11)
async def test_a_card_whose_driver_dies_is_one_pause(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            first, second = await _ejected(rig, tmp_path / "other", through.kill)
            await _one_pause(rig, first, second)
            _again(through)
            scene.check_safe(await scene.resumed(rig, first))
            assert scene.check_final_names(rig.archive) == 2 * FILES


def _again(through: Passthrough) -> None:
    through.unmount()
    through.mount()


@pytest.mark.promise(11)
@pytest.mark.parametrize("kind", ["ext4", "exfat"])
async def test_a_card_pulled_out_is_one_pause(tmp_path: Path, kind: str) -> None:
    """Every sector says EIO from then on, as those of a card do that is no longer there."""
    with disks.disk(tmp_path, kind) as disk:
        async with scene.engine_at(tmp_path, source=disk.path / "card") as rig:
            scene.pictures(rig.source, MANY, 3_000)
            disk.remount(read_only=True)
            image = disk.image.read_bytes()

            def pull() -> None:
                disk.lose_from(0)
                disks.run("blockdev", "--flushbufs", disk.device)

            with scene.before(batch_messages.StageBatch, pull):
                view = await scene.imported(rig)
            scene.check_paused(view, "any more")
            disk.image.write_bytes(image)
            disk.remount(read_only=True)
            scene.check_safe(await scene.resumed(rig, view.id))
            assert scene.check_final_names(rig.archive) == MANY


@pytest.mark.promise(11)
async def test_a_card_unmounted_by_force_is_one_pause(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "exfat") as disk:
        async with scene.engine_at(tmp_path, source=disk.path / "card") as rig:
            first, second = await _ejected(rig, tmp_path / "other", lambda: disk.unmount(lazy=True))
            await _one_pause(rig, first, second)
            disk.mount()
            scene.check_safe(await scene.resumed(rig, first))


@pytest.mark.control(11)
async def test_control_without_knowing_a_lost_volume_every_file_fails(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through, sabotage.broken(tmp_path / "broken", "knows no loss"):
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            first, second = await _ejected(rig, tmp_path / "other", through.kill)
            with pytest.raises(AssertionError):
                await _one_pause(rig, first, second)


@pytest.mark.promise(11)
async def test_an_archive_that_says_eio_to_everything_is_one_pause(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            contents = _contents(rig)

            def fail() -> None:
                through.set(*(Switch(call, error=errno.EIO) for call in ("create", "write", "fsync", "rename")))

            with scene.before(batch_messages.StageBatch, fail):
                view = await scene.imported(rig)
            scene.check_paused(view, "cannot be written any more")
            through.set()
            scene.check_safe(await scene.resumed(rig, view.id))
            assert rig.contents() == contents
