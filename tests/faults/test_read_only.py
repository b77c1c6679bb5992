"""An archive on a volume that is mounted read-only: everything is done that writes nothing there."""

from pathlib import Path

import pytest

from core.engine.engine import Engine
from core.errors import ArchiveReadOnlyError
from core.models import Count, Verdict
from core.results import AuditScope
from tests.core.importing.conftest import numbered
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines

__all__ = ["numbered"]

pytestmark = machines.root


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def used(rig: Rig, name: str, out: Path) -> None:
    """Audited, checked and restored from."""
    archive = str(rig.archive)
    assert (await rig.engine.maintenance.audit(archive, silent)).well.files == 12
    for read in (False, True):
        found = await rig.engine.restore_check.check(str(rig.source), archive, silent, read=read)
        assert found.verdict is Verdict.SAFE
    restored = await rig.engine.restore_check.restore(name, str(out), silent)
    assert (restored.restored.files, restored.failed_count) == (12, 0)


@pytest.mark.promise(41)
@pytest.mark.parametrize("kind", ["ext4", "exfat"])
async def test_a_read_only_archive(tmp_path: Path, kind: str, numbered: None) -> None:
    with disks.disk(tmp_path, kind) as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            scene.pictures(rig.source)
            name = (await scene.imported(rig)).id
            await rig.engine.stop()
            disk.remount(read_only=True)
            rig.engine = Engine(rig.config())
            await rig.engine.start()
            await used(rig, name, tmp_path / "out")
            with pytest.raises(ArchiveReadOnlyError, match="read-only"):
                await rig.begun()
            with pytest.raises(ArchiveReadOnlyError, match="read-only"):
                await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(heal=(str(rig.source),)))
            # An engine that knows nothing of it yet.
            await rig.restarted("fresh home")
            found = await rig.engine.maintenance.rebuild(str(rig.archive))
            assert (found.imports, found.items, found.damaged, found.problems) == (1, 12, 0, ())
            await used(rig, name, tmp_path / "again")
