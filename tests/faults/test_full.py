"""A full archive: the import waits, with the reason, and only Lading's own staging goes."""

import errno
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.importing import halt_reasons
from core.snapshot import ImportView
from core.workers import batch_messages
from tests.core.importing.rig import random_bytes, write
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines, passthrough, sabotage
from tests.rigs.passthrough import Switch

pytestmark = machines.root


def _source(rig: Rig) -> set[str]:
    """Small files and large ones, 20 MB; what they hold."""
    contents = scene.pictures(rig.source, 100, 20_000)
    for number in range(2):
        write(rig.source / f"{number}.mov", random_bytes(9 << 20, 100 + number))
    return contents | scene.importing.expected(rig.source)


def _foreign(rig: Rig) -> list[Path]:
    """Files of somebody else in the archive's folder."""
    names = ("notes.txt", "locations/mine.txt", ".lading/mine.txt")
    return [write(rig.archive / name, name.encode()) for name in names]


async def _check_paused(rig: Rig, view: ImportView, foreign: list[Path]) -> None:
    """It waits because the archive is full; staging is gone, all else is there, and nothing is half there."""
    scene.check_paused(view, "the archive is full")
    assert rig.staged() == []
    for path in foreign:
        assert path.read_bytes() == str(path.relative_to(rig.archive)).encode()
    scene.check_final_names(rig.archive)
    await scene.check_claims(rig)


async def _then_room(rig: Rig, view: ImportView, room: Callable[[], object], contents: set[str]) -> None:
    """Room is made, and all arrives."""
    room()
    scene.check_safe(await scene.resumed(rig, view.id))
    assert rig.contents() == contents
    assert await scene.check_claims(rig) == len(contents)


@pytest.mark.promise(14)
@pytest.mark.parametrize(
    ("small", "large"), [("size=12m", "size=64m"), ("nr_inodes=70", "nr_inodes=10000")], ids=["bytes", "inodes"]
)
async def test_a_full_disk_pauses_and_loses_nothing(tmp_path: Path, small: str, large: str) -> None:
    with disks.memory(tmp_path / "memory", small) as path:
        async with scene.engine_at(tmp_path, archive=path / "archive") as rig:
            contents, foreign = _source(rig), _foreign(rig)
            view = await scene.imported(rig)
            await _check_paused(rig, view, foreign)
            assert ("can hold no more files" in view.reason) == (small == "nr_inodes=70"), view.reason
            assert ("room alone does not help" in view.advice) == (small == "nr_inodes=70")
            grow = ["mount", "-o", f"remount,{large}", str(path)]
            await _then_room(rig, view, lambda: disks.run(*grow), contents)


@pytest.mark.promise(14)
async def test_a_full_ext4_pauses_and_loses_nothing(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4", 32 << 20) as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            contents, foreign = _source(rig), _foreign(rig)
            filler = write(disk.path / "filler", bytes(12 << 20))
            view = await scene.imported(rig)
            await _check_paused(rig, view, foreign)
            await _then_room(rig, view, filler.unlink, contents)


@pytest.mark.promise(14)
@pytest.mark.parametrize("call", ["write", "flush", "mkdir", "rename", "link"])
async def test_a_quota_pauses_whichever_call_tells(tmp_path: Path, call: str) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            contents = scene.pictures(rig.source, 20)
            rig.archive.mkdir()
            foreign = _foreign(rig)
            full = [Switch(call, error=errno.EDQUOT)]
            if call == "rename":
                full.append(Switch("link", error=errno.EDQUOT))
            with scene.before(batch_messages.StageBatch, lambda: through.set(*full)):
                view = await scene.imported(rig)
            through.set()
            await _check_paused(rig, view, foreign)
            await _then_room(rig, view, through.set, contents)


@pytest.mark.control(14)
async def test_control_a_full_disk_that_is_like_any_error_fails_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halt_reasons, "NO_SPACE", frozenset())
    with disks.memory(tmp_path / "memory", "size=12m") as path:
        async with scene.engine_at(tmp_path, archive=path / "archive") as rig:
            _source(rig)
            foreign = _foreign(rig)
            view = await scene.imported(rig)
            with pytest.raises(AssertionError):
                await _check_paused(rig, view, foreign)


@pytest.mark.control(14)
async def test_control_cleaning_too_much_is_seen(tmp_path: Path) -> None:
    with ExitStack() as stack:
        path = stack.enter_context(disks.memory(tmp_path / "memory", "size=12m"))
        stack.enter_context(sabotage.broken(tmp_path / "broken", "cleans all"))
        async with scene.engine_at(tmp_path, archive=path / "archive") as rig:
            _source(rig)
            foreign = _foreign(rig)
            view = await scene.imported(rig)
            with pytest.raises((AssertionError, FileNotFoundError)):
                await _check_paused(rig, view, foreign)
