"""Mirrors that are killed, full, unplugged; rotten files, and foreign ones in the way."""

import os
import random
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import ArchiveError, LadingError
from core.maintenance import mirror_payload, mirror_run
from core.models import Count
from core.results import AuditScope, MirrorResult
from core.sqlite import sqlite3
from core.workers import batch_messages
from core.workers.source_messages import ToRead
from tests.core.importing.rig import digest, random_bytes, write
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, importing, machines, mirroring, sabotage, trees

MOMENTS = 3
"""At which a mirror is killed, at random."""


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def mirrored(rig: Rig, target: Path) -> MirrorResult:
    """Mirror the archive to the end; raises what it ended with."""
    name = await rig.engine.mirrors.start(str(rig.archive), str(target), both=False)
    await rig.engine.mirrors.wait(name)
    return (await rig.engine.mirrors.results(name))[0]


def payload(archive: Path) -> dict[str, str]:
    """SHA-256 of all payload, by its path."""
    found = archive.glob("locations/*/data/*/*/*")
    return {str(path.relative_to(archive)): digest(path) for path in found}


# Killed


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a state folder and an archive: small files, and some that are copied alone."""
    root = tmp_path_factory.mktemp("mirrors")
    trees.flat_set(os.fsencode(root / "card/small"), 300, 20_000, 100)
    trees.flat_set(os.fsencode(root / "card/video"), 2, 12_000_000, 100)
    importing.finish(str(root / "home"), str(root / "archive"), str(root / "card"))
    return root


def claims_hold(home: Path, target: Path) -> int:
    """What the catalog of a killed engine claims of the mirror is there, byte for byte; how many files that is."""
    copy = home.parent / "read"
    copy.mkdir()
    for path in home.glob("lading.db*"):
        shutil.copy(path, copy)
    with closing(sqlite3.connect(copy / "lading.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        items = database.execute(
            "SELECT i.path, i.size, i.sha256 FROM copy_item c JOIN item i ON i.id = c.item_id "
            "WHERE c.read_back IS NOT NULL AND c.damage IS NULL"
        ).fetchall()
    shutil.rmtree(copy)
    for path, size, sha256 in items:
        real = target / path
        assert (real.stat().st_size, digest(real)) == (size, sha256.hex()), f"{path} is not what is claimed"
    return len(items)


def killed(filled: Path, folder: Path, after: float, *, everything: bool) -> int:
    """Kill a mirror, look at what it left, then mirror to the end; how many files were claimed before that."""
    home, archive, target = folder / "home", filled / "archive", folder / "backup"
    shutil.copytree(filled / "home", home)
    importing.kill_at(mirroring.child(str(home), str(archive), str(target)), after, everything=everything)
    claimed = claims_hold(home, target)
    scene.check_final_names(target)
    mirroring.finish(str(home), str(archive), str(target))
    assert payload(target) == payload(archive)
    assert claims_hold(home, target) == len(payload(archive))
    assert os.listdir(target / ".lading/staging") == []
    assert not (target / ".lading/lock").exists()
    for journal in (archive / ".lading/imports").iterdir():
        assert (target / ".lading/imports" / journal.name).read_bytes() == journal.read_bytes()
    return claimed


@pytest.mark.promise(45)
@pytest.mark.parametrize("everything", [False, True], ids=["engine", "everything"])
def test_killed_at_any_moment_the_next_one_finishes_it(tmp_path: Path, filled: Path, everything: bool) -> None:
    shutil.copytree(filled / "home", tmp_path / "home")
    began = time.monotonic()
    mirroring.finish(str(tmp_path / "home"), str(filled / "archive"), str(tmp_path / "whole"))
    longest, chance = time.monotonic() - began, random.Random(7 * everything)
    for moment in range(MOMENTS):
        folder = tmp_path / f"{moment}"
        folder.mkdir()
        killed(filled, folder, chance.uniform(longest / 3, longest), everything=everything)


@pytest.mark.control(45)
def test_control_a_catalog_ahead_of_the_mirror_is_seen(tmp_path: Path, filled: Path) -> None:
    shutil.copytree(filled / "home", tmp_path / "home")
    archive, backup = filled / "archive", tmp_path / "backup"
    # A mirror that publishes nothing looks for it, and does not call the copy complete.
    with sabotage.broken(tmp_path / "broken", "publishes nothing"), pytest.raises(subprocess.CalledProcessError):
        mirroring.finish(str(tmp_path / "home"), str(archive), str(backup))
    assert payload(backup) != payload(archive)
    mirroring.finish(str(tmp_path / "home"), str(archive), str(backup))
    assert claims_hold(tmp_path / "home", backup) == len(payload(archive))
    (backup / next(iter(payload(backup)))).unlink()
    with pytest.raises(FileNotFoundError):
        claims_hold(tmp_path / "home", backup)


# Full, unplugged


async def full(rig: Rig, target: Path) -> None:
    """A mirror to a disk that is too small ends with the reason, and leaves whole files only."""
    scene.pictures(rig.source, 100, 20_000)
    for number in range(2):
        write(rig.source / f"{number}.mov", random_bytes(9 << 20, 100 + number))
    await scene.imported(rig)
    with pytest.raises(ArchiveError, match="is full"):
        await mirrored(rig, target)
    assert list((target / ".lading/staging").iterdir()) == []
    scene.check_final_names(target)


@machines.root
@pytest.mark.promise(45)
async def test_a_full_disk(tmp_path: Path) -> None:
    with disks.memory(tmp_path / "memory", "size=12m") as path:
        async with scene.engine_at(tmp_path) as rig:
            await full(rig, path / "backup")
            disks.run("mount", "-o", "remount,size=64m", str(path))
            assert (await mirrored(rig, path / "backup")).lacking_count == 0
            assert payload(path / "backup") == payload(rig.archive)


@machines.root
@pytest.mark.control(45)
async def test_control_a_full_disk_that_is_like_any_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_run, "NO_SPACE", frozenset())
    with disks.memory(tmp_path / "memory", "size=12m") as path:
        async with scene.engine_at(tmp_path) as rig:
            with pytest.raises((AssertionError, LadingError, pytest.fail.Exception)):
                await full(rig, path / "backup")


async def unplugged(rig: Rig, disk: disks.Disk) -> list[str]:
    """The mirror's disk is unmounted in the middle, and once more it is mirrored there; what lies below it."""
    scene.pictures(rig.source, 60, 200_000)
    await scene.imported(rig)
    with scene.before(batch_messages.Flush, lambda: disk.unmount(lazy=True)) as asked:
        for _ in range(2):
            try:
                await mirrored(rig, disk.path / "backup")
            except ArchiveError:
                continue
    assert asked
    return scene.below(disk.path)


@machines.root
@pytest.mark.promise(45)
async def test_unplugged_in_the_middle(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk:
        async with scene.engine_at(tmp_path) as rig:
            assert await unplugged(rig, disk) == [], "nothing lands on the disk below"
            disk.mount()
            assert (await mirrored(rig, disk.path / "backup")).lacking_count == 0
            assert payload(disk.path / "backup") == payload(rig.archive)


@machines.root
@pytest.mark.control(45)
async def test_control_a_folder_of_the_same_path_would_be_filled(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk, sabotage.broken(tmp_path / "broken", "ignores the device"):
        async with scene.engine_at(tmp_path) as rig:
            assert await unplugged(rig, disk) != []


# Rotten and foreign


async def rotten(rig: Rig) -> MirrorResult:
    """One file of the archive has other content at the same size; it is mirrored to an empty folder."""
    scene.pictures(rig.source)
    await scene.imported(rig)
    (path, *_) = sorted(rig.archive.glob("locations/*/data/*/*/*"))
    whole = path.read_bytes()
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    result = await mirrored(rig, rig.root / "backup")
    assert scene.check_final_names(rig.root / "backup") == 11, "all but the rotten one"
    assert [one for one, _ in result.lacking] == [str(path.relative_to(rig.archive))]
    assert (result.lacking_count, result.held.files, result.total.files) == (1, 11, 12)
    return result


@pytest.mark.promise(46)
async def test_what_is_rotten_is_not_mirrored(tmp_path: Path) -> None:
    async with scene.engine_at(tmp_path) as rig:
        await rotten(rig)
        known = await rig.engine.maintenance.audit(str(rig.archive), silent, AuditScope(heal=(str(rig.source),)))
        assert len(known.healed) == 1, "it is known to be damaged now"
        assert (await mirrored(rig, tmp_path / "backup")).lacking_count == 0


@pytest.mark.control(46)
async def test_control_what_is_rotten_would_be_mirrored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(self: mirror_payload.Wanted, number: int) -> ToRead:
        return ToRead(number, os.fsencode(self.path), self.size, "other")

    monkeypatch.setattr(mirror_payload.Wanted, "to_read", unknown)
    async with scene.engine_at(tmp_path) as rig:
        with pytest.raises(AssertionError):
            await rotten(rig)


async def foreign(rig: Rig, target: Path) -> MirrorResult:
    """In the mirror, files of somebody else have the names of two that are to come, one with the right content."""
    scene.pictures(rig.source)
    await mirrored_once(rig, target)
    scene.pictures(rig.source, seed=1)
    await scene.imported(rig)
    new = sorted(payload(rig.archive).keys() - payload(target).keys())
    right = write(target / new[0], (rig.archive / new[0]).read_bytes())
    wrong = write(target / new[1], b"of somebody else")
    before = right.stat().st_ino
    result = await mirrored(rig, target)
    assert wrong.read_bytes() == b"of somebody else", "it is kept"
    assert right.stat().st_ino == before
    assert [one for one, _ in result.lacking] == [new[1]]
    assert (result.held.files, result.total.files) == (23, 24)
    return result


async def mirrored_once(rig: Rig, target: Path) -> None:
    """An archive and its mirror."""
    await scene.imported(rig)
    assert (await mirrored(rig, target)).lacking_count == 0


@pytest.mark.promise(46)
async def test_what_is_in_the_way_is_kept_and_named(tmp_path: Path) -> None:
    async with scene.engine_at(tmp_path) as rig:
        await foreign(rig, tmp_path / "backup")


@pytest.mark.promise(46)
async def test_what_appears_while_a_file_is_on_its_way(tmp_path: Path) -> None:
    """Its name was free when it was listed."""
    target = tmp_path / "backup"
    async with scene.engine_at(tmp_path) as rig:
        await appears(rig, target)


async def appears(rig: Rig, target: Path) -> None:
    """Somebody takes a name just before a file is to get it."""
    scene.pictures(rig.source, 1)
    await scene.imported(rig)
    (name,) = payload(rig.archive)
    taken = target / name
    with scene.before(batch_messages.Publish, lambda: write(taken, b"of somebody else")):
        result = await mirrored(rig, target)
    assert taken.read_bytes() == b"of somebody else"
    assert [one for one, _ in result.lacking] == [name]


@pytest.mark.control(46)
async def test_control_a_name_that_is_taken_would_be_replaced(tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "replaces"):
        async with scene.engine_at(tmp_path) as rig:
            with pytest.raises(AssertionError):
                await appears(rig, tmp_path / "backup")


@pytest.mark.control(46)
async def test_control_what_is_in_the_way_would_be_taken_for_the_file(tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "adopts unread", "trusts writes"):
        async with scene.engine_at(tmp_path) as rig:
            with pytest.raises(AssertionError):
                await foreign(rig, tmp_path / "backup")
