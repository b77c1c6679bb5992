"""An archive that is full, or can only be read."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ArchiveError, DatabaseError
from core.importing.halt_reasons import HaltError, halt_for
from core.models import Side, State, Verdict
from core.workers.messages import Fault
from tests.core.importing.rig import Rig, digest, random_bytes, write

pytestmark = pytest.mark.process

SIZE = 48 << 20


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A volume of SIZE bytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small volume")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no volume can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_archive(rig: Rig, small: Path) -> None:
    rig.archive = small / "archive"
    foreign = write(small / "not ours.bin", random_bytes(20 << 20, 77))
    for number in range(6):
        write(rig.source / f"{number}.mov", random_bytes(9 << 20, number))
    for number in range(200):
        write(rig.source / f"{number}.jpg", random_bytes(10_000, 100 + number))
    view = await rig.imported()
    assert (view.state, view.verdict, view.failed.files) == (State.PAUSED, Verdict.OPEN, 0)
    assert "the archive is full" in view.reason
    assert "Make room" in view.advice
    assert any("unless many are duplicates" in warning for warning in view.warnings)
    assert foreign.stat().st_size == 20 << 20
    assert rig.staged() == []
    # Nothing half under a final name.
    sources = {digest(path) for path in rig.source.iterdir()}
    assert set(rig.payload().values()) <= sources
    # Room, and less to bring in: what is gone was never archived.
    foreign.unlink()
    (rig.source / "5.mov").unlink()
    (rig.source / "4.mov").unlink()
    if (view := await rig.resumed(view.id)).state is State.PAUSED:
        raise AssertionError(view.reason)
    assert (view.verdict, view.archived.files, view.failed.files) == (Verdict.KEEP, 204, 2)
    assert set(rig.payload().values()) == {digest(path) for path in rig.source.iterdir()} | (
        set(rig.payload().values()) & sources
    )
    assert len(rig.receipts()) == 1


async def test_no_room_for_a_new_archive(rig: Rig, small: Path) -> None:
    write(rig.source / "a.jpg", b"a")
    with pytest.raises(OSError, match="No space"):
        write(small / "full", bytes(SIZE + 1))
    rig.archive = small / "archive"
    with pytest.raises(ArchiveError):
        await rig.begun()
    assert not rig.engine.imports.under_way
    assert await rig.engine.catalog.imports() == []


async def test_an_archive_that_can_only_be_read(rig: Rig, small: Path) -> None:
    write(rig.source / "a.jpg", b"a")
    rig.archive = small / "archive"
    await rig.imported()
    write(rig.source / "b.jpg", b"b")
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)  # noqa: ASYNC221
    with pytest.raises(ArchiveError, match="mounted read-only"):
        await rig.begun()
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)  # noqa: ASYNC221
    assert (await rig.imported()).archived.files == 1


async def test_it_becomes_read_only_in_the_middle(rig: Rig, small: Path) -> None:
    rig.archive = small / "archive"
    for number in range(600):
        write(rig.source / f"{number}.jpg", random_bytes(20_000, number))
    name = await rig.begun()
    await rig.until(lambda: rig.view(name).archived.files > 0)
    # Refused while files are open for writing.
    mount = ["mount", "-o", "remount,ro", str(small)]
    await rig.until(lambda: subprocess.run(mount, capture_output=True, check=False).returncode == 0)
    view = await rig.ended_unchecked(name)
    assert (view.state, view.failed.files) == (State.PAUSED, 0)
    assert "read-only" in view.reason or "Read-only" in view.reason
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)  # noqa: ASYNC221
    view = await rig.resumed(name)
    assert (view.verdict, len(rig.contents())) == (Verdict.SAFE, 600)


@pytest.mark.parametrize(
    ("fault", "halts"),
    [
        (Fault(Side.ARCHIVE, "x", errno.ENOSPC), True),
        (Fault(Side.ARCHIVE, "x", errno.EDQUOT), True),
        (Fault(Side.ARCHIVE, "x", errno.EROFS), True),
        (Fault(Side.SOURCE, "x", errno.ENODEV, lost=True), True),
        (Fault(Side.ARCHIVE, "x", errno.ESTALE, lost=True), True),
        (Fault(Side.SOURCE, "x", errno.EIO), False),
        (Fault(Side.SOURCE, "x", errno.ENOSPC), False),
        (Fault(Side.ARCHIVE, "x", errno.EACCES), False),
        (Fault(Side.PROGRAM, "x"), False),
    ],
)
async def test_what_halts_an_import(rig: Rig, fault: Fault, halts: bool) -> None:
    write(rig.source / "a.jpg", b"a")
    name = await rig.begun()
    run = rig.engine.imports.under_way[name].run
    assert isinstance(halt_for(fault, run), HaltError) is halts
    await rig.ended(name)


async def test_the_state_database_fails(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at home pauses the import, in words."""
    for number in range(300):
        write(rig.source / f"{number}.jpg", random_bytes(1000, number))
    before = rig.engine.catalog.settle

    async def settle(*_: object) -> None:
        raise DatabaseError("a change could not be written: disk I/O error.", "Is the disk full?")

    monkeypatch.setattr(rig.engine.catalog, "settle", settle)
    view = await rig.imported()
    assert (view.state, view.archived.files) == (State.PAUSED, 0)
    assert view.reason == "a change could not be written: disk I/O error."
    monkeypatch.setattr(rig.engine.catalog, "settle", before)
    view = await rig.resumed(view.id)
    assert (view.verdict, len(rig.contents())) == (Verdict.SAFE, 300)
