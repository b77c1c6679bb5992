"""Sources that are not what they seem: files that change while they are read, and bad sectors."""

import os
from pathlib import Path

import pytest

from core.models import ImportView, State
from tests.core.importing.rig import digest, random_bytes, write
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines, passthrough, sabotage
from tests.rigs.passthrough import Switch

pytestmark = machines.root

SIZES = (40_000, 9 << 20)
TWICE = "source: it changed while it was read, twice"


async def _changing(rig: Rig, through: passthrough.Passthrough, size: int, times: int) -> ImportView:
    """Import a file that is changed after so many of its reads (0: all), and one that is not."""
    write(rig.source / "a.jpg", random_bytes(size, 1))
    write(rig.source / "b.jpg", random_bytes(size, 2))
    through.set(Switch("read", spoil="change", match="/a.jpg", times=times))
    return await scene.imported(rig)


@pytest.mark.promise(15)
@pytest.mark.parametrize("size", SIZES)
async def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path, size: int) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            scene.safe(await _changing(rig, through, size, 1))
            assert rig.contents() == scene.importing.expected(through.below / "card")


@pytest.mark.promise(15)
@pytest.mark.parametrize("size", SIZES)
async def test_a_file_that_never_rests_is_read_twice_and_reported(tmp_path: Path, size: int) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            view = await _changing(rig, through, size, 0)
            assert (view.state, view.verdict, view.failed.files, view.archived.files) == (State.DONE, "KEEP", 1, 1)
            assert await scene.reasons(rig, view.id) == {b"a.jpg": TWICE}
            assert rig.contents() == {digest(through.below / "card/b.jpg")}
            assert TWICE in rig.receipts()[0].read_text()


@pytest.mark.control(15)
async def test_control_a_change_that_is_ignored_is_archived_half(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through, sabotage.broken(tmp_path / "broken", "ignores changes"):
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            assert (await _changing(rig, through, SIZES[0], 1)).archived.files == 2
            assert rig.contents() != scene.importing.expected(through.below / "card")


# Bad sectors

BIG = 2 << 20
BAD = 1 << 20
"""The byte of the damaged file from which on nothing can be read."""


def _damaged(disk: disks.Disk, card: Path) -> tuple[bytes, int]:
    """Fill a card, and lose its last part in the middle of its last file; that file, and the size before."""
    for number in range(8):
        write(card / f"{number}.jpg", random_bytes(40_000, number))
    for number in range(4):
        write(card / f"{number}.mov", random_bytes(BIG, 100 + number))
    disk.flush()
    disk.remount(read_only=True)
    marks = {number: random_bytes(BIG, 100 + number)[BAD : BAD + 64] for number in range(4)}
    last = max(marks, key=lambda number: disk.place(marks[number]))
    return f"{last}.mov".encode(), disk.lose_from(disk.place(marks[last]))


async def _check_damaged(rig: Rig, view: ImportView, name: bytes, slack: int) -> None:
    """One file has failed, with the place, at most `slack` bytes before the sector; all others have arrived."""
    assert (view.state, view.verdict, view.failed.files, view.archived.files) == (State.DONE, "KEEP", 1, 11)
    failed = await scene.reasons(rig, view.id)
    assert list(failed) == [name]
    said, at = failed[name].rsplit(" ", 1)
    assert said == "source: Input/output error at byte"
    assert BAD - slack <= int(at.replace(",", "")) <= BAD
    assert failed[name] in rig.receipts()[0].read_text()
    assert len(rig.contents()) == 11
    assert scene.complete(rig.archive) == 11


@pytest.mark.promise(16)
@pytest.mark.parametrize(("kind", "slack"), [("ext4", 0), ("exfat", 1 << 19)])
async def test_a_bad_sector_fails_one_file_and_says_where(tmp_path: Path, kind: str, slack: int) -> None:
    """Behind exfat-fuse the kernel reads the device in pieces as large as it likes, and fails them whole."""
    with disks.disk(tmp_path, kind) as disk:
        async with scene.engine_at(tmp_path, source=disk.path / "card") as rig:
            name, size = _damaged(disk, rig.source)
            await _check_damaged(rig, await scene.imported(rig), name, slack)
            # The card is read elsewhere, and all of it this time.
            os.truncate(disk.image, size)


@pytest.mark.control(16)
async def test_control_a_bad_sector_taken_for_zeros_is_archived(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk, sabotage.broken(tmp_path / "broken", "reads zeros"):
        async with scene.engine_at(tmp_path, source=disk.path / "card") as rig:
            name, size = _damaged(disk, rig.source)
            view = await scene.imported(rig)
            with pytest.raises(AssertionError):
                await _check_damaged(rig, view, name, 0)
            os.truncate(disk.image, size)
