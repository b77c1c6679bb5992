"""A flush or a close that fails: what it was to make sure of is copied again, and else the import waits."""

import errno
from pathlib import Path

import pytest

from core.snapshot import ImportView
from core.workers import shared_memory
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import machines, passthrough, sabotage
from tests.rigs.passthrough import Switch

pytestmark = machines.root

STAGED = "/1/"
"""In the paths of what the first run of an import has in staging."""
FILES, SIZE = 3, 40_000


async def _failing(rig: Rig, through: passthrough.Passthrough, call: str, times: int) -> tuple[ImportView, int]:
    """Import while a call on staged files fails; how often every byte was written."""
    rig.archive.mkdir()
    scene.pictures(rig.source, FILES, SIZE)
    through.set(Switch(call, error=errno.EIO, match=STAGED, times=times))
    view = await scene.imported(rig)
    return view, rig.engine.pool.total(shared_memory.WRITTEN) // (FILES * SIZE)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("fsync", marks=pytest.mark.promise(8)),
        pytest.param("flush", marks=pytest.mark.promise(9)),
    ],
)
async def test_what_could_not_be_flushed_or_closed_is_copied_again(tmp_path: Path, call: str) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            view, copies = await _failing(rig, through, call, 1)
            scene.check_safe(view)
            assert copies == 2
            assert scene.check_final_names(rig.archive) == FILES


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("fsync", marks=pytest.mark.promise(8)),
        pytest.param("flush", marks=pytest.mark.promise(9)),
    ],
)
async def test_an_archive_that_never_flushes_leaves_the_import_paused(tmp_path: Path, call: str) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            view, copies = await _failing(rig, through, call, 0)
            scene.check_paused(view, "cannot be written any more")
            assert copies == 1
            assert scene.check_final_names(rig.archive) == 0
            assert await scene.check_claims(rig) == 0
            through.set()
            scene.check_safe(await scene.resumed(rig, view.id))
            assert scene.check_final_names(rig.archive) == FILES


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        pytest.param("fsync", "ignores sync", marks=pytest.mark.control(8)),
        pytest.param("flush", "ignores close", marks=pytest.mark.control(9)),
    ],
)
async def test_control_without_listening_nothing_is_copied_again(tmp_path: Path, call: str, fault: str) -> None:
    with passthrough.mounted(tmp_path) as through, sabotage.broken(tmp_path / "broken", fault):
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            view, copies = await _failing(rig, through, call, 0)
            scene.check_safe(view)
            assert copies == 1
