"""Mirrors that the configuration asks for after imports: a copy once begun gets all that is written later."""

import shutil
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from core.models import State
from tests.core.importing.rig import at_work, random_bytes, write
from tests.core.maintenance.mirroring import mirrored, payload, tree

pytestmark = pytest.mark.process


async def test_after_each_import(tmp_path: Path) -> None:
    """A copy that was begun once is kept up; where none was begun, none is made."""
    async with at_work(tmp_path) as rig:
        write(rig.source / "a.txt", random_bytes(3000, 1))
        await rig.imported()
        copy, never = tmp_path / "backup", tmp_path / "never"
        await mirrored(rig.engine, rig.archive, copy)
        rig.engine.config = msgspec.structs.replace(rig.engine.config, mirror=(str(copy), str(never)))
        write(rig.source / "b.txt", random_bytes(3000, 2))
        await rig.engine.mirrors.wait((await rig.imported()).id)
        # Who waits for the import waits for its mirrors, but not for one that is away.
        assert len(payload(copy)) == 2
        waiting = [view for view in rig.engine.snapshot().mirrors if view.state is State.PAUSED]
        assert [view.target for view in waiting] == [str(never)]
        assert not never.exists()
        await rig.still()
        await rig.until(lambda: tree(copy) == tree(rig.archive))
        # One that was away is brought up when it is there.
        shutil.move(copy, tmp_path / "unplugged")
        write(rig.source / "c.txt", random_bytes(3000, 3))
        await rig.imported()
        shutil.move(tmp_path / "unplugged", copy)
        await rig.until(lambda: len(payload(copy)) == 3)


async def test_a_report_that_is_written_later_is_mirrored_later(tmp_path: Path) -> None:
    """An import whose photo waits for an earlier import's job has its report written after the mirror."""
    async with at_work(tmp_path) as rig:
        copy = tmp_path / "backup"
        await rig.engine.jobs.worker.pause("exiftool")
        rig.source.mkdir()
        Image.new("RGB", (64, 48), "red").save(rig.source / "a.jpg")
        await rig.imported()
        await rig.engine.ended_imports.look()  # its report is written, and will not be again
        await mirrored(rig.engine, rig.archive, copy)
        rig.engine.config = msgspec.structs.replace(rig.engine.config, mirror=(str(copy),))
        shutil.copy(rig.source / "a.jpg", rig.source / "b.jpg")
        await rig.imported()
        await rig.until(lambda: not rig.engine.mirrors.running)
        before = tree(copy)
        await rig.engine.jobs.worker.resume("exiftool")
        await rig.still()
        assert tree(rig.archive) != before
        await rig.until(lambda: tree(copy) == tree(rig.archive))
