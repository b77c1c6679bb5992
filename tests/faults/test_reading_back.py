"""What reaches the medium is read back from there; what is not what was written is never archived."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.archives import archive as opening
from core.models import State
from core.snapshot import ImportView
from core.volumes.filesystems import filesystem
from core.workers import batch_messages, shared_memory
from tests.core.importing.rig import random_bytes, write
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines, passthrough, sabotage
from tests.rigs.passthrough import Switch

pytestmark = machines.root

DATA = random_bytes(300_000, 1)
MARK = DATA[8192:8256]
STAGED = "/1/"
"""In the paths of what the first run of an import has in staging."""
SIZES = (len(DATA), 9 << 20)


async def _flipped(rig: Rig, disk: disks.Disk, times: int) -> tuple[ImportView, bool]:
    """Import with a bit of every copy flipping before it is read back; whether the medium agrees in the end."""
    write(rig.source / "a.jpg", DATA)
    with scene.before(batch_messages.Verify, lambda: disk.flip(MARK), times) as asked:
        view = await scene.imported(rig)
    assert asked
    disk.remount()
    try:
        return view, bool(await scene.check_claims(rig))
    except AssertionError:
        return view, False


@pytest.mark.promise(6)
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
async def test_a_bit_that_flips_on_the_medium_is_found_and_the_file_copied_again(
    tmp_path: Path, kind: str
) -> None:
    with disks.disk(tmp_path, kind) as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            view, well = await _flipped(rig, disk, 1)
            scene.check_safe(view)
            assert well
            assert await scene.levels(rig) == {"medium"}


@pytest.mark.promise(6)
async def test_a_medium_that_always_flips_a_bit_holds_nothing_under_a_final_name(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            view, well = await _flipped(rig, disk, 99)
            assert (view.state, view.verdict, view.failed.files) == (State.DONE, "KEEP", 1)
            assert not well
            assert scene.check_final_names(rig.archive) == 0
            assert "what was read back is not what was written" in (await scene.reasons(rig, view.id))[b"a.jpg"]


@pytest.mark.control(6)
async def test_control_reading_from_memory_does_not_find_it(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk, sabotage.broken(tmp_path / "broken", "forgets the cache"):
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            _, well = await _flipped(rig, disk, 1)
            assert not well


@pytest.fixture(params=["ext4", "xfs", "exfat", "tmpfs", "fuse.sshfs", "fuse.passthrough"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder on each kind of file system, and the verification level that can be reached there."""
    kind = request.param
    with ExitStack() as stack:
        if kind.startswith("fuse."):
            path = stack.enter_context(passthrough.mounted(tmp_path, kind.removeprefix("fuse."))).path
        elif kind == "tmpfs":
            path = stack.enter_context(disks.memory(tmp_path / "memory", "size=64m"))
        else:
            path = stack.enter_context(disks.disk(tmp_path, kind)).path
        level = {"ext4": "medium", "xfs": "medium", "fuse.sshfs": "server"}.get(kind, "cache not excluded")
        yield path / "archive", level


@pytest.mark.promise(6)
@pytest.mark.promise(25)
async def test_a_receipt_names_the_level_that_was_reached(tmp_path: Path, place: tuple[Path, str]) -> None:
    archive, level = place
    async with scene.engine_at(tmp_path / "here", archive=archive) as rig:
        contents = scene.pictures(rig.source)
        scene.check_safe(await scene.imported(rig))
        assert await scene.levels(rig) == {level}
        assert rig.contents() == contents
        meaning = {
            "medium": "read back from the medium.",
            "server": "read back from the server.",
            "cache not excluded": "read back, but perhaps from memory.",
        }
        text = rig.receipts()[0].read_text()
        assert f"12 archived files, 480,000 bytes: {meaning[level]}" in text
        assert [word for word in meaning.values() if word in text] == [meaning[level]]


@pytest.mark.control(6)
@pytest.mark.control(25)
async def test_control_exfat_called_a_medium_would_claim_what_was_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "filesystem_of", lambda root: filesystem("exfat"))
    with disks.disk(tmp_path, "exfat") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            _, well = await _flipped(rig, disk, 1)
            assert await scene.levels(rig) == {"medium"}
            assert not well


# Writes that go wrong


async def _spoiled(rig: Rig, through: passthrough.Passthrough, spoil: str, size: int, times: int) -> ImportView:
    write(rig.source / "a.mov", random_bytes(size, 2))
    through.set(Switch("write", spoil=spoil, match=STAGED, times=times))
    return await scene.imported(rig)


@pytest.mark.promise(7)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("spoil", ["corrupt", "lose"])
@pytest.mark.parametrize("subtype", ["passthrough", "sshfs"])
async def test_a_write_that_goes_wrong_is_never_archived(
    tmp_path: Path, subtype: str, spoil: str, size: int
) -> None:
    with passthrough.mounted(tmp_path, subtype) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            rig.archive.mkdir()
            view = await _spoiled(rig, through, spoil, size, 0)
            assert (view.state, view.verdict, view.failed.files) == (State.DONE, "KEEP", 1)
            assert scene.check_final_names(rig.archive) == 0
            assert rig.receipts()[0].read_text().count("what was read back is not what was written") == 2


@pytest.mark.promise(7)
@pytest.mark.parametrize("size", SIZES)
async def test_a_write_that_went_wrong_once_is_done_again(tmp_path: Path, size: int) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            rig.archive.mkdir()
            scene.check_safe(await _spoiled(rig, through, "corrupt", size, 1))
            assert scene.check_final_names(rig.archive) == 1
            assert rig.engine.pool.total(shared_memory.WRITTEN) == 2 * size


@pytest.mark.control(7)
async def test_control_writes_that_are_trusted_are_archived_wrong(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through, sabotage.broken(tmp_path / "broken", "trusts writes"):
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            rig.archive.mkdir()
            scene.check_safe(await _spoiled(rig, through, "corrupt", SIZES[0], 1))
            with pytest.raises(AssertionError, match="is not whole"):
                scene.check_final_names(rig.archive)


@pytest.mark.control(7)
async def test_control_what_is_read_from_memory_by_the_descriptor_that_wrote_it_is_archived_wrong(
    tmp_path: Path,
) -> None:
    with (
        passthrough.mounted(tmp_path, "sshfs") as through,
        sabotage.broken(tmp_path / "broken", "forgets the cache"),
    ):
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            rig.archive.mkdir()
            assert (await _spoiled(rig, through, "corrupt", SIZES[0], 1)).archived.files == 1
            with pytest.raises(AssertionError, match="is not whole"):
                scene.check_final_names(rig.archive)


@pytest.mark.promise(9)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("subtype", ["passthrough", "sshfs"])
async def test_a_short_file_is_seen(tmp_path: Path, subtype: str, size: int) -> None:
    with passthrough.mounted(tmp_path, subtype) as through:
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            rig.archive.mkdir()
            view = await _spoiled(rig, through, "short", size, 0)
            assert (view.state, view.verdict, view.failed.files) == (State.DONE, "KEEP", 1)
            assert scene.check_final_names(rig.archive) == 0


@pytest.mark.control(9)
async def test_control_a_short_file_is_archived_where_nobody_reads_it(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through, sabotage.broken(tmp_path / "broken", "trusts writes"):
        async with scene.engine_at(tmp_path, archive=through.path / "archive") as rig:
            rig.archive.mkdir()
            assert (await _spoiled(rig, through, "short", SIZES[0], 0)).archived.files == 1
            with pytest.raises(AssertionError, match="is not whole"):
                scene.check_final_names(rig.archive)
