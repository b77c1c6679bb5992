"""Nothing is ever overwritten: foreign files under the name, and two importers at one archive."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import xxhash

from core.archives.lock import Lock
from core.config import Config
from core.engine.engine import Engine
from core.errors import ArchiveHeldError
from core.files import noreplace
from core.workers import batch_messages
from tests.core.importing.rig import random_bytes, write
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines, passthrough, sabotage

pytestmark = machines.root

FOREIGN = b"somebody's own"
DATA = random_bytes(50_000, 5)
SAYS = {
    noreplace.RENAME: "the file system itself refuses to replace a name.",
    noreplace.LINK: "the file system itself refuses to replace a name.",
    noreplace.LOOK: "this file system cannot refuse that to a program that writes there at the same moment.",
}
"""What a receipt says of publishing, by the way that was found."""


@pytest.fixture(params=["ext4", "xfs", "exfat", "fuse.passthrough"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder on each kind of file system, and the way of publishing there."""
    with ExitStack() as stack:
        if request.param.startswith("fuse."):
            yield stack.enter_context(passthrough.mounted(tmp_path)).path / "archive", noreplace.LINK
        else:
            way = noreplace.LOOK if request.param == "exfat" else noreplace.RENAME
            yield stack.enter_context(disks.disk(tmp_path, request.param)).path / "archive", way


async def _met(rig: Rig, foreign: bytes) -> Path:
    """Import a file whose name in the archive is a foreign file's already; that one."""
    write(rig.source / "first.jpg", random_bytes(1000, 6))
    await scene.imported(rig)
    name = xxhash.xxh3_128(DATA).hexdigest()
    data = next(rig.archive.glob("locations/*/data"))
    path = write(data / f"images/{name[:2]}/{name}.jpg", foreign)
    write(rig.source / "second.jpg", DATA)
    await scene.imported(rig)
    return path


@pytest.mark.promise(5)
@pytest.mark.promise(25)
async def test_a_foreign_file_under_the_name_stays(tmp_path: Path, place: tuple[Path, str]) -> None:
    archive, way = place
    async with scene.engine_at(tmp_path / "here", archive=archive) as rig:
        path = await _met(rig, FOREIGN)
        assert path.read_bytes() == FOREIGN
        assert path.with_name(f"{path.stem}-2.jpg").read_bytes() == DATA
        assert await scene.check_claims(rig) == 2
        text = rig.receipts()[-1].read_text()
        assert [words for words in set(SAYS.values()) if words in text] == [SAYS[way]]


@pytest.mark.promise(5)
async def test_an_equal_file_under_the_name_is_taken_over(tmp_path: Path, place: tuple[Path, str]) -> None:
    async with scene.engine_at(tmp_path / "here", archive=place[0]) as rig:
        path = await _met(rig, DATA)
        assert path.read_bytes() == DATA
        assert [found.name for found in path.parent.iterdir()] == [path.name]
        assert await scene.check_claims(rig) == 2


@pytest.mark.control(5)
@pytest.mark.parametrize("kind", ["ext4", "exfat"])
async def test_control_a_rename_that_replaces_destroys_it(tmp_path: Path, kind: str) -> None:
    with disks.disk(tmp_path, kind) as disk, sabotage.broken(tmp_path / "broken", "replaces"):
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            assert (await _met(rig, FOREIGN)).read_bytes() != FOREIGN


@pytest.mark.control(5)
async def test_control_adopting_without_reading_claims_a_foreign_file(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk, sabotage.broken(tmp_path / "broken", "adopts unread"):
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            await _met(rig, FOREIGN)
            with pytest.raises(AssertionError, match="is not what was archived"):
                await scene.check_claims(rig)


# Two importers


async def _second(rig: Rig) -> list[str]:
    """While one engine writes into the archive, another one with its own catalog imports into it."""
    scene.pictures(rig.source)
    tried = threading.Event()
    other = Engine(Config(home=str(rig.root / "other"), workers=rig.config().workers))
    await other.start()
    try:
        with scene.before(batch_messages.Flush, lambda: tried.wait(120)) as asked:
            name = await rig.begun()
            await rig.until(lambda: bool(asked))
            try:
                names = await other.imports.start_imports([rig.request()])
            finally:
                tried.set()
            await other.imports.wait(names)
            return names
    finally:
        await other.stop()
        await scene.ended(rig, name)


@pytest.mark.promise(5)
async def test_a_second_importer_is_told_who_holds_the_archive(tmp_path: Path, place: tuple[Path, str]) -> None:
    async with scene.engine_at(tmp_path / "here", archive=place[0]) as rig:
        with pytest.raises(ArchiveHeldError, match="it is being written by"):
            await _second(rig)
        contents = scene.importing.expected(rig.source)
        assert rig.contents() == contents
        assert await scene.check_claims(rig) == len(contents)


@pytest.mark.control(5)
async def test_control_without_the_lock_both_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def take(self: Lock, stale: float | None = None) -> None:
        """Held already, who cares."""

    monkeypatch.setattr(Lock, "take", take)
    with disks.disk(tmp_path, "exfat") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            assert await _second(rig)
