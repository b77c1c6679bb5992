"""An archive that belongs to a group: each of its members fills it, where the umask lets them."""

import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from core.engine.engine import Engine
from core.errors import ArchiveError, ArchiveReadOnlyError
from core.models import Verdict
from tests.core.archives.test_copies import checked, filled, silent
from tests.core.importing.rig import Rig
from tests.rigs import machines
from tests.rigs.engines import card, lading, swept

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("numbered")]

FIRST = 5001
"""The user who made the archive; the second member of the group is who runs the tests."""


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """What is started in this block has this umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@asynccontextmanager
async def second_member(rig: Rig, mask: int) -> AsyncIterator[None]:
    """The archive of somebody else of one's own group, made with this umask; an engine that knows nothing yet."""
    await rig.engine.stop()
    rig.engine = Engine(rig.config("first"), mask)
    await rig.engine.start()
    await filled(rig)
    await rig.restarted("second")
    for folder, _, files in os.walk(rig.archive):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(path, FIRST, os.getgid())
    yield


def below(archive: Path) -> dict[str, int]:
    """Modes and times of all in an archive."""
    return {str(path): path.lstat().st_mtime_ns for path in archive.rglob("*")}


async def fills_it(rig: Rig, mask: int) -> bool:
    """Whether the second member of the group can use an archive that was made with this umask."""
    async with second_member(rig, mask):
        try:
            await filled(rig, 4, 2)
        except ArchiveError:
            return False
        well = (await rig.engine.maintenance.audit(str(rig.archive), silent)).well.files
        return well == 6 and (await checked(rig, rig.archive)).verdict is Verdict.SAFE


@machines.root
@pytest.mark.promise(41)
async def test_the_second_member_of_a_group(rig: Rig, bound: None) -> None:
    assert await fills_it(rig, 0o002)


@machines.root
@pytest.mark.control(41)
@pytest.mark.parametrize("mask", [0o022, 0o077])
async def test_an_umask_that_keeps_it_to_oneself(rig: Rig, bound: None, mask: int) -> None:
    assert not await fills_it(rig, mask)


@machines.root
@pytest.mark.promise(41)
async def test_what_may_only_be_read_is_only_read(rig: Rig, bound: None) -> None:
    async with second_member(rig, 0o022):
        before = below(rig.archive)
        with pytest.raises(ArchiveReadOnlyError, match="umask 002"):
            await rig.begun()
        assert (await rig.engine.maintenance.audit(str(rig.archive), silent)).well.files == 4
        assert (await checked(rig, rig.archive)).verdict is Verdict.SAFE
        found = await rig.engine.maintenance.rebuild(str(rig.archive))
        assert (found.imports, found.items, found.damaged, found.problems) == (1, 4, 0, ())
        assert below(rig.archive) == before


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o002, 0o664, 0o2775), (0o077, 0o600, 0o2700)])
def test_the_umask_of_the_user_and_the_group_of_the_folder(
    tmp_path: Path, mask: int, file: int, folder: int
) -> None:
    """Also of what is made in the background; the state folder stays private."""
    archive = tmp_path / "archive"
    archive.mkdir()
    archive.chmod(0o2775)
    with swept(tmp_path / "home") as home, umask(mask):
        done = lading(home, "import", str(card(tmp_path / "card")), "--archive", str(archive), "--location", "L")
        assert done.returncode == 0, done.stderr
        lading(home, "engine", "stop")
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in archive.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {folder}
    assert {mode for path, mode in modes.items() if path.is_file()} == {file}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
