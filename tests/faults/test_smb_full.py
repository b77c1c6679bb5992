"""A real SMB server whose disk fills up: through rclone only close(2) tells."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.models import State
from core.snapshot import ImportView
from tests.core.importing.rig import Rig, random_bytes, write
from tests.faults import scene, share
from tests.faults.share import Share
from tests.rigs import disks, sabotage, samba

pytestmark = samba.needed

SIZE = 24 << 20
"""Bytes of the disk behind the share."""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Share]:
    with share.on_disk(tmp_path, SIZE) as made:
        yield made


def too_much(source: Path) -> set[str]:
    """30 MiB in files of 3."""
    for number in range(10):
        write(source / f"{number}.mov", random_bytes(3 << 20, 300 + number))
    return share.card(source, 2, 0)


def foreign(below: Path) -> list[Path]:
    """Files of somebody else in the archive's folder."""
    names = ("notes.txt", "locations/mine.txt", ".lading/mine.txt")
    return [write(below / name, name.encode()) for name in names]


def check_full(small: Share, view: ImportView, mine: list[Path]) -> None:
    """It waits because the archive is full; all that has a name is complete, and what is not ours is there."""
    assert (view.state, view.failed.files) == (State.PAUSED, 0), view
    assert "full" in view.reason, view.reason
    share.payload(small.below)
    for path in mine:
        assert path.read_bytes() == str(path.relative_to(small.below)).encode()


async def filled(small: Share, rig: Rig) -> tuple[ImportView, list[Path]]:
    """Import until it does not go on."""
    async with rig.engine.archives.used(str(rig.archive), create=True):
        mine = foreign(small.below)
    view = await scene.imported(rig)
    return view, mine


@pytest.mark.promise(9)
@pytest.mark.promise(14)
async def test_a_full_server_pauses_with_the_reason_and_goes_on(small: Share, tmp_path: Path) -> None:
    async with scene.engine_at(tmp_path, archive=small.archive) as rig:
        contents = too_much(rig.source)
        view, mine = await filled(small, rig)
        check_full(small, view, mine)
        disks.run("mount", "-o", "remount,size=256m", str(small.server.folder))
        await rig.engine.imports.resume_import(view.id)
        scene.check_safe(await rig.ended_unchecked(view.id))
        assert set(share.payload(small.below)) == contents
        assert list((small.below / ".lading/staging").rglob("*")) == []
        await scene.check_claims(rig, small.below)


@pytest.mark.control(9)
@pytest.mark.control(14)
async def test_control_a_close_that_nobody_listens_to_is_seen(small: Share, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "ignores close", "ignores sync", "trusts writes"):
        async with scene.engine_at(tmp_path, archive=small.archive) as rig:
            # One file: of several at once, another one's journal may be the first to find no room.
            write(rig.source / "film.mov", random_bytes(30 << 20, 300))
            view, mine = await filled(small, rig)
            with pytest.raises(AssertionError):
                check_full(small, view, mine)
