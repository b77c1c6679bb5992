"""Two cards with one UUID, in two readers at once: an import stays with the one that it began with. Real disks."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.importing import same_source
from core.importing.import_run import Run
from core.models import State, Verdict, Waits
from core.snapshot import ImportView
from core.volumes import disks as known
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines
from tests.rigs.disks import Disk

pytestmark = machines.root

COUNT, SIZE = 8, 9 << 20
"""Each too large for a batch with others."""
ROOM = 112 << 20
SLOW = 12_000_000
"""Bytes read in a second, so that an import is met in the middle."""


@pytest.fixture
def udev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of links as udev(7) keeps it in /dev/disk/by-uuid, which tests may not have: of two disks with one
    UUID it has the one that came last."""
    links = tmp_path / "dev/disk/by-uuid"
    links.mkdir(parents=True)
    before = known.linux_disk
    monkeypatch.setattr(known, "linux_disk", lambda device: before(device, str(tmp_path / "dev")))
    return links


def came(links: Path, disk: Disk) -> None:
    """A disk was plugged in."""
    uuid = disks.run("blkid", "-p", "-s", "UUID", "-o", "value", disk.device).strip()
    (links / uuid).unlink(missing_ok=True)
    (links / uuid).symlink_to(disk.device)


@contextlib.contextmanager
def cards(tmp_path: Path) -> Iterator[tuple[Disk, Disk, set[str]]]:
    """A card, and its clone down to the UUID, with equal names but other content; and what the first holds."""
    with (
        disks.disk(tmp_path / "one", "ext4", ROOM, mount=False) as one,
        disks.disk(tmp_path / "two", "ext4", ROOM, mount=False) as two,
    ):
        one.mount()
        contents = scene.pictures(one.path / "DCIM", COUNT, SIZE, seed=1)
        one.unmount()
        shutil.copyfile(one.image, two.image)
        two.mount()
        scene.pictures(two.path / "DCIM", COUNT, SIZE + 1, seed=2)
        two.unmount()
        yield one, two, contents


async def middle(rig: Rig) -> str:
    """An import of the card that has settled something, and has more to do."""
    rig.engine.factory.read_limit = SLOW
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).archived.files > 0)
    return name


async def pulled(rig: Rig, name: str, card: Disk) -> ImportView:
    """The card is pulled out in the middle of an import, which is left paused by itself."""
    image = card.image.read_bytes()
    card.lose_from(0)
    disks.run("blockdev", "--flushbufs", card.device)
    view = await scene.ended(rig, name)
    assert view.state is State.PAUSED
    assert view.todo.files > 0
    rig.engine.factory.read_limit = 0
    card.unmount(lazy=True)
    card.image.write_bytes(image)
    return view


@pytest.mark.promise(26)
async def test_the_clone_in_another_reader_is_not_taken_for_it(tmp_path: Path, udev: Path) -> None:
    with cards(tmp_path) as (one, two, contents):
        one.mount(read_only=True)
        came(udev, one)
        async with scene.engine_at(tmp_path, source=one.path) as rig:
            name = await middle(rig)
            row = await rig.engine.catalog.import_named(name)
            assert row is not None
            assert row.volume_identity.startswith("uuid:")
            # The clone is mounted, too: udev knows only that one from now on.
            two.mount(read_only=True)
            came(udev, two)
            await rig.engine.imports.pause_import(name)
            await rig.restarted()
            assert (await scene.resumed(rig, name)).verdict is Verdict.SAFE
            assert rig.contents() == contents, "it went on with the place that was used, which still answers"
        two.unmount()
        one.unmount()


@pytest.mark.promise(26)
async def test_the_clone_alone_is_not_taken_for_it(tmp_path: Path, udev: Path) -> None:
    with cards(tmp_path) as (one, two, contents):
        one.mount(read_only=True)
        came(udev, one)
        async with scene.engine_at(tmp_path, source=one.path) as rig:
            name = await middle(rig)
            assert (await pulled(rig, name, one)).waits is Waits.SOURCE
            two.mount(read_only=True)
            came(udev, two)
            await rig.until(lambda: "began with" in rig.view(name).reason)
            view = rig.view(name)
            assert (view.state, view.waits) == (State.PAUSED, Waits.NOTHING)
            two.unmount()
            one.mount(read_only=True)
            came(udev, one)
            assert (await scene.resumed(rig, name)).verdict is Verdict.SAFE
            assert rig.contents() == contents
        one.unmount()


@pytest.mark.control(26)
async def test_control_the_clone_alone(tmp_path: Path, udev: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(run: Run, *, paused: bool = False) -> None:
        """Looks."""

    monkeypatch.setattr(same_source, "check", nobody)
    with cards(tmp_path) as (one, two, contents):
        one.mount(read_only=True)
        came(udev, one)
        async with scene.engine_at(tmp_path, source=one.path) as rig:
            name = await middle(rig)
            await pulled(rig, name, one)
            two.mount(read_only=True)
            came(udev, two)
            await rig.until(lambda: rig.view(name).state is State.DONE)
            await scene.ended(rig, name)
            assert not contents <= rig.contents()
        two.unmount()
