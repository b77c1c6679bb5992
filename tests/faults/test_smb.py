"""Archives on a real SMB server, mounted by rclone and by smbnetfs: what is promised, and what receipts say."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import xxhash

from core import archive_layout
from core.archives import archive as opening
from core.archives import dedup
from core.archives.lock import Lock
from core.config import Config, Workers
from core.engine.engine import Engine
from core.errors import ArchiveHeldError
from core.models import Count, Verdict
from core.volumes.filesystems import SENDS_LATER, StorageKind, filesystem
from core.volumes.mounts import volume_of
from tests.core.importing.rig import Rig, digest, random_bytes, write
from tests.faults import scene, share
from tests.rigs import sabotage, samba
from tests.rigs.samba import Mount, Server

pytestmark = samba.needed

FROM_SERVER = "read back from the server."
FOREIGN = b"somebody's own"
DATA = random_bytes(50_000, 5000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with samba.server(tmp_path_factory.mktemp("smb")) as one:
        yield one


@pytest.fixture(scope="module")
def rclone(server: Server) -> Mount:
    return server.rclone()


@pytest.fixture(scope="module")
def smbnetfs(server: Server) -> Mount:
    return server.smbnetfs()


@pytest.fixture(params=["rclone", "smbnetfs"])
def mount(request: pytest.FixtureRequest) -> Mount:
    found: Mount = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An archive of its own for each test, on the one share."""
    return tmp_path.name


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


def proven(rig: Rig) -> str:
    """What the newest receipt says was proven."""
    text = rig.receipts()[-1].read_text()
    return text.partition("What was proven\n")[2].partition("\n")[0].strip()


def check_receipt(rig: Rig, mount: Mount) -> None:
    """It claims what can be known of a server, and no more: rclone does not tell whether it keeps a cache."""
    meaning = "read back, but perhaps from memory." if mount.where.name.startswith("rclone") else FROM_SERVER
    assert proven(rig).endswith(meaning), proven(rig)


@pytest.mark.promise(25)
async def test_what_was_proven_is_what_the_server_gave_back(
    server: Server, mount: Mount, name: str, tmp_path: Path
) -> None:
    found = volume_of(bytes(mount.share))
    assert found
    assert found.kind is StorageKind.NETWORK
    async with scene.engine_at(tmp_path, archive=mount.share / name) as rig:
        contents = share.card(rig.source)
        view = await scene.imported(rig)
        scene.check_safe(view)
        check_receipt(rig, mount)
        assert set(share.payload(server.folder / name)) == contents
        await scene.check_claims(rig, server.folder / name)
        again = await scene.imported(rig)
        scene.check_safe(again)
        assert (again.archived.files, again.duplicate.files) == (0, len(contents))
    # Its journals are whole: a catalog that knows nothing learns all of it from them.
    async with scene.engine_at(tmp_path / "other", archive=mount.share / name) as rig:
        share.card(rig.source, 1, 0)
        assert (await scene.imported(rig)).duplicate.files == 1
        rows = await rig.engine.database.read("SELECT count(*), sum(state = 'done') FROM import")
        assert rows == [(3, 3)]


@pytest.fixture
def sends_later(server: Server) -> Iterator[Mount]:
    """A mount that sends a file to the server an hour after it was closed."""
    found = server.rclone("--vfs-cache-mode", "writes", "--vfs-write-back", "1h")
    yield found
    found.end()


@pytest.mark.promise(25)
async def test_what_the_mount_keeps_is_not_said_to_come_from_the_server(
    server: Server, sends_later: Mount, name: str, tmp_path: Path
) -> None:
    async with scene.engine_at(tmp_path, archive=sends_later.share / name) as rig:
        share.card(rig.source)
        view = await scene.imported(rig)
        assert not share.payload(server.folder / name)
        check_receipt(rig, sends_later)
        assert view.warnings == (f"The archive: {SENDS_LATER}",)


@pytest.mark.control(25)
async def test_control_a_cache_that_is_not_known_would_pass_for_the_server(
    server: Server, sends_later: Mount, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "filesystem_of", lambda point: filesystem("fuse.smbnetfs"))
    async with scene.engine_at(tmp_path, archive=sends_later.share / name) as rig:
        share.card(rig.source)
        await scene.imported(rig)
        assert proven(rig).endswith(FROM_SERVER)
        assert not share.payload(server.folder / name)


async def test_the_bag_of_a_location_is_made_there(
    server: Server, mount: Mount, name: str, tmp_path: Path
) -> None:
    rig = Rig(tmp_path)
    rig.archive = mount.share / name
    share.card(rig.source, 4)
    await rig.engine.start()
    try:
        scene.check_safe(await scene.imported(rig))
        await rig.still()
        assert rig.invalid(server.folder / name) == []
    finally:
        await rig.engine.stop()
    assert list((server.folder / name / archive_layout.STAGING).iterdir()) == []
    assert not (server.folder / name / archive_layout.LOCK).exists()


async def test_the_lock_is_removed_from_the_server(
    server: Server, mount: Mount, name: str, tmp_path: Path
) -> None:
    """rclone closes a file after close(2) has returned, and a server does not remove a file that is open."""
    lock = server.folder / name / archive_layout.LOCK
    async with scene.engine_at(tmp_path, archive=mount.share / name) as rig:
        for _ in range(8):
            async with rig.engine.archives.used(str(rig.archive), create=True):
                assert lock.exists()
            assert not lock.exists()


async def test_a_lock_that_a_dead_process_left_is_replaced(
    server: Server, mount: Mount, name: str, tmp_path: Path
) -> None:
    below = server.folder / name / ".lading"
    ended = await asyncio.create_subprocess_exec("true")
    await ended.wait()
    async with scene.engine_at(tmp_path, archive=mount.share / name) as rig:
        async with rig.engine.archives.used(str(rig.archive), create=True):
            left = json.loads((below / "lock").read_bytes())
        for number in range(8):
            left |= {"engine": f"{number:032}", "pid": ended.pid}
            write(below / "lock", json.dumps(left).encode())
            samba.until((mount.share / name / archive_layout.LOCK).exists, "the client does not show the lock")
            async with rig.engine.archives.used(str(rig.archive)):
                assert json.loads((below / "lock").read_bytes())["pid"] != ended.pid
        assert list((below / "staging").iterdir()) == []


async def test_an_import_is_moved_there(server: Server, mount: Mount, name: str, tmp_path: Path) -> None:
    below = server.folder / name
    async with scene.engine_at(tmp_path, archive=mount.share / name) as rig:
        contents = share.card(rig.source, 4)
        view = await scene.imported(rig, duplicates="location")
        # It needs one of the files, too, which is copied.
        scene.check_safe(await scene.imported(rig, source=rig.source / "IMG_0000.JPG", duplicates="location"))
        moved = await rig.engine.maintenance.move(view.id, "Bern")
        assert (moved.files, moved.copied, moved.problems) == (4, 1, ())
        assert len(share.payload(below)) == len(contents)
        assert sum(1 for path in below.glob("locations/*/data/**/*") if path.is_file()) == len(contents) + 1
        await scene.check_claims(rig, below)
    (record,) = (below / archive_layout.MOVES).iterdir()
    assert record.suffix == ".jsonl"
    async with scene.engine_at(tmp_path / "other", archive=mount.share / name) as rig:
        share.card(rig.source, 1, 0)
        scene.check_safe(await scene.imported(rig))
        assert [row.location_name for row in await rig.engine.catalog.imports()] == ["Bern", "Basel", "Basel"]
        await scene.check_claims(rig, below)


async def test_an_import_is_restored_there(server: Server, mount: Mount, name: str, tmp_path: Path) -> None:
    out = server.folder / f"{name}-out"
    async with scene.engine_at(tmp_path, archive=mount.share / name) as rig:
        contents = share.card(rig.source, 4)
        view = await scene.imported(rig)
        for was_there in (0, len(contents)):
            done = await rig.engine.restore_check.restore(view.id, str(mount.share / out.name), silent)
            assert (done.restored.files, done.there.files) == (len(contents) - was_there, was_there)
            assert {digest(path) for path in out.rglob("*") if path.is_file()} == contents
            assert list(out.glob(".*")) == []


async def test_a_card_on_a_share_is_safe(server: Server, mount: Mount, name: str, tmp_path: Path) -> None:
    """Neither client has extended attributes, nor says so as others do."""
    contents = share.card(server.folder / f"{name}-card", 4)
    async with scene.engine_at(tmp_path) as rig:
        scene.check_safe(await scene.imported(rig, source=mount.share / f"{name}-card"))
        assert rig.contents() == contents
        for folder in ("", "IMG_0000.JPG"):
            source = str(mount.share / f"{name}-card" / folder)
            checked = await rig.engine.restore_check.check(source, str(rig.archive), silent, read=True)
            assert checked.verdict is Verdict.SAFE


@pytest.mark.control(25)
async def test_control_a_server_taken_for_a_medium_is_seen(rclone: Mount, name: str, tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "claims the medium"):
        async with scene.engine_at(tmp_path, archive=rclone.share / name) as rig:
            share.card(rig.source, 1, 0)
            scene.check_safe(await scene.imported(rig))
            with pytest.raises(AssertionError):
                check_receipt(rig, rclone)


async def met(rig: Rig, below: Path, foreign: bytes) -> Path:
    """Import a file whose name in the archive is a foreign file's already; that one, as the server has it."""
    write(rig.source / "first.jpg", random_bytes(1000, 6000))
    scene.check_safe(await scene.imported(rig))
    stem = xxhash.xxh3_128_hexdigest(DATA)
    (first,) = share.payload(below).values()
    path = write(first.parents[1] / f"{stem[:2]}/{stem}.jpg", foreign)
    write(rig.source / "second.jpg", DATA)
    scene.check_safe(await scene.imported(rig))
    return path


@pytest.mark.promise(5)
async def test_a_foreign_file_under_the_name_stays(
    server: Server, mount: Mount, name: str, tmp_path: Path
) -> None:
    async with scene.engine_at(tmp_path, archive=mount.share / name) as rig:
        path = await met(rig, server.folder / name, FOREIGN)
        assert path.read_bytes() == FOREIGN
        assert path.with_name(f"{path.stem}-2.jpg").read_bytes() == DATA
        await scene.check_claims(rig, server.folder / name)


@pytest.mark.control(5)
async def test_control_a_rename_that_replaces_destroys_it(
    server: Server, rclone: Mount, name: str, tmp_path: Path
) -> None:
    with sabotage.broken(tmp_path / "broken", "replaces"):
        async with scene.engine_at(tmp_path, archive=rclone.share / name) as rig:
            assert (await met(rig, server.folder / name, FOREIGN)).read_bytes() != FOREIGN


async def second(rig: Rig, archive: Path) -> list[str]:
    """What another engine with a catalog of its own begins at `archive` while `rig` has it."""
    other = Engine(Config(home=str(rig.root / "other"), workers=Workers(hash=2, copy=2, verify=2)))
    await other.start()
    try:
        async with rig.engine.archives.used(str(rig.archive), create=True):
            names = await other.imports.start_imports([rig.request(archive=str(archive))])
            await other.imports.wait(names)
            return names
    finally:
        await other.stop()


@pytest.mark.promise(5)
async def test_a_second_importer_is_told_who_holds_the_archive(mount: Mount, name: str, tmp_path: Path) -> None:
    async with scene.engine_at(tmp_path, archive=mount.share / name) as rig:
        contents = share.card(rig.source, 4, 0)
        with pytest.raises(ArchiveHeldError, match="it is being written by"):
            await second(rig, mount.share / name)
        scene.check_safe(await scene.imported(rig))
        assert rig.contents() == contents


@pytest.mark.promise(5)
async def test_it_is_told_on_another_mount_of_the_same_share(
    rclone: Mount, smbnetfs: Mount, name: str, tmp_path: Path
) -> None:
    async with scene.engine_at(tmp_path, archive=rclone.share / name) as rig:
        share.card(rig.source, 1, 0)
        with pytest.raises(ArchiveHeldError, match="it is being written by"):
            await second(rig, smbnetfs.share / name)


@pytest.mark.control(5)
async def test_control_without_the_lock_both_write(
    rclone: Mount, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take(self: Lock, stale: float | None = None) -> None:
        """Held already, who cares."""

    monkeypatch.setattr(Lock, "take", take)
    async with scene.engine_at(tmp_path, archive=rclone.share / name) as rig:
        share.card(rig.source, 1, 0)
        assert await second(rig, rclone.share / name)


COLLIDING = ("IMG_1.JPG", "img_1.jpg", "Img_1.Jpg", "stra\u00dfe.jpg", "STRASSE.jpg", "\u00e4.jpg", "a\u0308.jpg")


async def collide(rig: Rig, below: Path) -> None:
    """Import names that are one name where case and form do not count; all their contents are there."""
    contents = {digest(write(rig.source / name, random_bytes(2000, 7000 + n))) for n, name in enumerate(COLLIDING)}
    assert len(list(rig.source.iterdir())) == len(COLLIDING)
    view = await scene.imported(rig)
    assert share.contents(below) == contents
    scene.check_safe(view)
    rows = await rig.rows(view.id)
    assert {path.decode() for path in rows} == set(COLLIDING)


@pytest.mark.promise(20)
async def test_names_that_are_one_name_there_are_all_kept(
    server: Server, smbnetfs: Mount, name: str, tmp_path: Path
) -> None:
    probe = write(smbnetfs.share / f"{name}-a", b"1")
    assert probe.with_name(probe.name.upper()).exists(), "the mount tells case apart"
    async with scene.engine_at(tmp_path, archive=smbnetfs.share / name) as rig:
        await collide(rig, server.folder / name)


@pytest.mark.control(20)
async def test_control_files_that_keep_their_names_and_replace_lose_some(
    server: Server, smbnetfs: Mount, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def payload(folder: str, path: bytes, _: object) -> str:
        return f"locations/{folder}/data/images/{path.decode()}"

    monkeypatch.setattr(dedup, "payload_path", payload)
    with sabotage.broken(tmp_path / "broken", "replaces"):
        async with scene.engine_at(tmp_path, archive=smbnetfs.share / name) as rig:
            with pytest.raises(AssertionError):
                await collide(rig, server.folder / name)
