"""What goes wrong for one reason is told with the advice that fits it, and no other."""

import errno
import os
from pathlib import Path

import pytest

from core.catalog import failures
from core.importing import transfer
from core.importing.halt_reasons import advice
from core.models import State
from core.snapshot import ImportView
from core.workers import batch_messages
from tests.core.importing.rig import random_bytes, write
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines, passthrough
from tests.rigs.passthrough import Switch

pytestmark = machines.root


@pytest.mark.promise(44)
@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
async def test_where_one_may_not_write_one_is_told_so(tmp_path: Path, code: int) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            scene.pictures(rig.source, 3)
            refusing = [Switch(call, error=code, match="/data/") for call in ("rename", "link")]
            with scene.before(batch_messages.Publish, lambda: through.set(*refusing)):
                view = await scene.imported(rig)
            assert (view.state, view.verdict, view.failed.files) == (State.DONE, "KEEP", 3), view
            (group,) = await failures.groups(rig.engine.database.read, view.id, advice)
            assert group.stage == "publish"
            assert "right to write in the archive" in group.advice
            (shown,) = rig.engine.snapshot().errors
            assert shown.advice == group.advice


async def _unflushed(rig: Rig, through: passthrough.Passthrough, code: int) -> ImportView:
    scene.pictures(rig.source, 3)
    with scene.before(batch_messages.Flush, lambda: through.set(Switch("fsync", error=code))):
        view = await scene.imported(rig)
    through.set()
    return view


async def _check_unflushed(rig: Rig, view: ImportView, *words: str) -> None:
    scene.check_paused(view, *words)
    assert rig.contents() == set()
    assert rig.staged() == []


@pytest.mark.promise(44)
@pytest.mark.parametrize("code", [errno.ENOTSUP, errno.EINVAL])
async def test_an_archive_that_cannot_flush_is_told_so_once(tmp_path: Path, code: int) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            view = await _unflushed(rig, through, code)
            await _check_unflushed(rig, view, "cannot flush")
            assert "another file system" in view.advice
            scene.check_safe(await scene.resumed(rig, view.id))


@pytest.mark.promise(44)
async def test_an_archive_whose_disk_fails_is_not_called_unplugged(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            view = await _unflushed(rig, through, errno.EIO)
            await _check_unflushed(rig, view, "cannot be written any more")
            assert "Check its cable and its disk" in view.advice
            assert "Plug it in" not in view.advice


@pytest.mark.control(44)
async def test_control_a_flush_that_is_like_any_error_fails_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "UNSUPPORTED", frozenset())
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            view = await _unflushed(rig, through, errno.EINVAL)
            with pytest.raises(AssertionError):
                await _check_unflushed(rig, view, "cannot flush")


def _fill(folder: Path) -> Path:
    """Leave no room on a disk."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return filler


@pytest.mark.promise(44)
async def test_a_full_disk_below_the_database_pauses_and_is_named(tmp_path: Path) -> None:
    with disks.memory(tmp_path / "memory", "size=16m") as path:
        os.symlink(path, tmp_path / "home")
        async with scene.engine_at(tmp_path) as rig:
            scene.pictures(rig.source, 400)
            write(rig.source / "a.mov", random_bytes(9 << 20, 1))
            fillers: list[Path] = []
            with scene.before(batch_messages.Verify, lambda: fillers.append(_fill(path))):
                view = await scene.imported(rig)
            assert (view.state, view.failed.files) == (State.PAUSED, 0), view
            assert "could not be written" in view.reason
            assert f"Make room on the disk of the state folder {tmp_path / 'home'}" in view.advice
            scene.check_final_names(rig.archive)
            fillers[0].unlink()
            scene.check_safe(await scene.resumed(rig, view.id))
            assert rig.contents() == scene.importing.expected(rig.source)
