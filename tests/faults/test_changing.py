"""Sources that are not what they seem: files that change while they are read, and bad sectors."""

import errno
import os
from pathlib import Path

import pytest

from core.catalog import Item, Selection, failures
from core.importing.halt_reasons import advice
from core.importing.import_files import Settled
from core.importing.import_run import Run
from core.models import State
from core.snapshot import ImportView
from tests.core.importing.rig import digest, random_bytes, write
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines, passthrough, sabotage
from tests.rigs.passthrough import Switch

pytestmark = machines.root

SIZES = (40_000, 9 << 20)
TWICE = "source: it changed while it was read, twice"


async def _changing(rig: Rig, through: passthrough.Passthrough, size: int, times: int) -> ImportView:
    """Import a file that is changed after so many of its reads (0: all), and one that is not."""
    write(rig.source / "a.jpg", random_bytes(size, 1))
    write(rig.source / "b.jpg", random_bytes(size, 2))
    through.set(Switch("read", spoil="change", match="/a.jpg", times=times))
    return await scene.imported(rig)


@pytest.mark.promise(15)
@pytest.mark.parametrize("size", SIZES)
async def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path, size: int) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            scene.check_safe(await _changing(rig, through, size, 1))
            assert rig.contents() == scene.importing.expected(through.below / "card")


@pytest.mark.promise(15)
@pytest.mark.parametrize("size", SIZES)
async def test_a_file_that_never_rests_is_read_twice_and_reported(tmp_path: Path, size: int) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            view = await _changing(rig, through, size, 0)
            assert (view.state, view.verdict, view.failed.files, view.archived.files) == (State.DONE, "KEEP", 1, 1)
            assert await scene.reasons(rig, view.id) == {b"a.jpg": TWICE}
            assert rig.contents() == {digest(through.below / "card/b.jpg")}
            assert TWICE in rig.receipts()[0].read_text()


async def _cut_off(rig: Rig, through: passthrough.Passthrough) -> ImportView:
    """Import a small and a large file of which the file system says less than it has, and one that is right."""
    for number, (name, size) in enumerate({"a.jpg": SIZES[0], "b.mov": SIZES[1] + 1, "c.jpg": SIZES[0]}.items()):
        write(rig.source / name, random_bytes(size, number))
    through.set(*(Switch("getattr", spoil="cut", match=name) for name in ("/a.jpg", "/b.mov")))
    return await scene.imported(rig)


@pytest.mark.promise(50)
async def test_a_size_that_is_cut_off_is_seen(tmp_path: Path) -> None:
    """read(2) gives no byte behind it; the kernel has them."""
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            view = await _cut_off(rig, through)
            assert (view.verdict, view.failed.files, view.archived.files) == ("KEEP", 2, 1)
            told = "source: its file system gives a wrong size, but more lies behind that end"
            assert await scene.reasons(rig, view.id) == {b"a.jpg": told, b"b.mov": told}


@pytest.mark.control(50)
async def test_control_a_size_that_is_believed_is_archived_cut_off(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through, sabotage.broken(tmp_path / "broken", "believes sizes"):
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            view = await _cut_off(rig, through)
            assert (view.verdict, view.archived.files) == ("SAFE", 3)
            assert not scene.importing.expected(through.below / "card") <= rig.contents()


@pytest.mark.control(15)
async def test_control_a_change_that_is_ignored_is_archived_half(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through, sabotage.broken(tmp_path / "broken", "ignores changes"):
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            assert (await _changing(rig, through, SIZES[0], 1)).archived.files == 2
            assert rig.contents() != scene.importing.expected(through.below / "card")


# Bad sectors

UNREADABLE = "source: Input/output error"
BIG = 2 << 20
BAD = 1 << 20
"""The byte of the damaged file from which on nothing can be read."""


def _damaged(disk: disks.Disk, card: Path) -> tuple[bytes, int]:
    """Fill a card, and lose its last part in the middle of its last file; that file, and the size before."""
    for number in range(8):
        write(card / f"{number}.jpg", random_bytes(40_000, number))
    for number in range(4):
        write(card / f"{number}.mov", random_bytes(BIG, 100 + number))
    disk.flush()
    disk.remount(read_only=True)
    marks = {number: random_bytes(BIG, 100 + number)[BAD : BAD + 64] for number in range(4)}
    last = max(marks, key=lambda number: disk.place(marks[number]))
    return f"{last}.mov".encode(), disk.lose_from(disk.place(marks[last]))


async def _check_damaged(rig: Rig, view: ImportView, name: bytes, slack: int) -> None:
    """One file has failed, with the place, at most `slack` bytes before the sector; all others have arrived."""
    assert (view.state, view.verdict, view.failed.files, view.archived.files) == (State.DONE, "KEEP", 1, 11)
    assert await scene.reasons(rig, view.id) == {name: UNREADABLE}
    (failed,) = await failures.page(rig.engine.database.read, view.id, UNREADABLE, 0)
    said, at = failed.detail.rsplit(" ", 1)
    assert said == "at byte"
    assert BAD - slack <= int(at.replace(",", "")) <= BAD
    assert f"({UNREADABLE} {failed.detail})" in rig.receipts()[0].read_text()
    assert len(rig.contents()) == 11
    assert scene.check_final_names(rig.archive) == 11


@pytest.mark.promise(16)
@pytest.mark.parametrize(("kind", "slack"), [("ext4", 0), ("exfat", 1 << 19)])
async def test_a_bad_sector_fails_one_file_and_says_where(tmp_path: Path, kind: str, slack: int) -> None:
    """Behind exfat-fuse the kernel reads the device in pieces as large as it likes, and fails them whole."""
    with disks.disk(tmp_path, kind) as disk:
        async with scene.engine_at(tmp_path, source=disk.path / "card") as rig:
            name, size = _damaged(disk, rig.source)
            await _check_damaged(rig, await scene.imported(rig), name, slack)
            # The card is read elsewhere, and all of it this time.
            os.truncate(disk.image, size)


@pytest.mark.control(16)
async def test_control_a_bad_sector_taken_for_zeros_is_archived(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk, sabotage.broken(tmp_path / "broken", "reads zeros"):
        async with scene.engine_at(tmp_path, source=disk.path / "card") as rig:
            name, size = _damaged(disk, rig.source)
            view = await scene.imported(rig)
            with pytest.raises(AssertionError):
                await _check_damaged(rig, view, name, 0)
            os.truncate(disk.image, size)


# Bad sectors in many files

MANY = 8


async def _many_damaged(rig: Rig, through: passthrough.Passthrough) -> ImportView:
    """Import films each of which cannot be read from another place on, and one picture that can."""
    write(rig.source / "sound.jpg", random_bytes(40_000, 99))
    for number in range(MANY):
        write(rig.source / f"{number}.mov", random_bytes(BIG, number))
    through.set(
        *(Switch("read", error=errno.EIO, match=f"/{number}.mov", after=2 * number) for number in range(MANY))
    )
    return await scene.imported(rig)


async def _check_one_cause(rig: Rig, view: ImportView) -> None:
    """All that failed is one cause, in the snapshot, the list and the database; each file says where."""
    assert (view.state, view.verdict, view.failed.files, view.archived.files) == (State.DONE, "KEEP", MANY, 1)
    (shown,) = [one for one in rig.engine.snapshot().errors if one.import_id == view.id]
    assert (shown.cause, shown.count) == (UNREADABLE, MANY)
    (group,) = await failures.groups(rig.engine.database.read, view.id, advice)
    assert (group.cause, group.count, group.stage) == (UNREADABLE, MANY, "read")
    assert "card reader" in group.advice
    files = await failures.page(rig.engine.database.read, view.id, UNREADABLE, 0)
    assert len({one.detail for one in files}) > MANY // 2
    text = rig.receipts()[0].read_text()
    assert all(f"({UNREADABLE} {one.detail})" in text for one in files)


@pytest.mark.promise(43)
async def test_files_that_fail_at_different_places_are_one_cause_which_one_retry_takes_up(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            view = await _many_damaged(rig, through)
            await _check_one_cause(rig, view)
            through.set()
            assert await rig.engine.imports.retry_import(view.id, Selection(cause=UNREADABLE)) == MANY
            scene.check_safe(await scene.ended(rig, view.id))


@pytest.mark.promise(43)
@pytest.mark.parametrize("without", [".lading/imports/*", "locations/*/lading/*"])
async def test_why_files_failed_is_rebuilt_from_receipts_and_from_journals(tmp_path: Path, without: str) -> None:
    failed = (
        "SELECT f.path, f.reason, e.stage, e.side, e.code, e.detail FROM failure e JOIN file f ON f.id = file_id"
    )
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            await _many_damaged(rig, through)
            before = sorted(await rig.engine.database.read(failed))
            assert len(before) == MANY
            for path in rig.archive.glob(without):
                path.unlink()
            await rig.restarted("fresh home")
            await rig.engine.maintenance.rebuild(str(rig.archive))
            assert sorted(await rig.engine.database.read(failed)) == before


@pytest.mark.control(43)
async def test_control_a_place_in_the_cause_makes_as_many_causes_as_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settled(files: list[Settled]) -> list[Settled]:
        for file in files:
            if file.failure:
                file.reason = f"{file.reason} {file.failure.detail}"
        return files

    settle = Run.settle

    async def spoilt(self: Run, items: list[Item], files: list[Settled]) -> None:
        await settle(self, items, settled(files))

    monkeypatch.setattr(Run, "settle", spoilt)
    with passthrough.mounted(tmp_path) as through:
        async with scene.engine_at(tmp_path, source=through.path / "card") as rig:
            view = await _many_damaged(rig, through)
            with pytest.raises((AssertionError, ValueError)):
                await _check_one_cause(rig, view)
