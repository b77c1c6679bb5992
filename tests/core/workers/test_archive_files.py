import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import xxhash

from core import archive_layout
from core.files import noreplace, page_cache, statfs
from core.volumes import mountpoint
from core.workers import (
    archive_files,
    archive_messages,
    batch_messages,
    messages,
    open_archive,
    source_messages,
    text_messages,
)
from core.workers.dispatch import Dispatcher as InProcess
from core.workers.messages import Place
from core.workers.pool import TaskFailedError, Worker
from core.workers.shared_memory import Control
from tests.core.workers.rig import LINUX, Rig

pytestmark = pytest.mark.process

WAYS = (noreplace.RENAME, noreplace.LINK, noreplace.LOOK)


async def test_new_archive(rig: Rig) -> None:
    archive = rig.archive
    assert (archive / ".lading/archive.toml").read_text().startswith('id = "')
    assert stat.S_IMODE((archive / ".lading/staging").stat().st_mode) == 0o755
    assert (archive / "locations").is_dir()
    assert list((archive / ".lading/staging").iterdir()) == []
    assert rig.place.inode == archive.stat().st_ino


async def test_archive_keeps_its_id_and_gets_lost_folders_again(rig: Rig) -> None:
    text = (rig.archive / ".lading/archive.toml").read_text()
    shutil.rmtree(rig.archive / ".lading/staging")
    async with rig.pool.worker() as worker:
        for create in (True, False):
            request = archive_messages.OpenArchive(os.fsencode(rig.archive), create)
            assert (await worker.ask(request, archive_messages.ArchiveFacts)).text == text
    assert (rig.archive / ".lading/staging").is_dir()


async def test_folder_that_is_no_archive_stays_as_it_is(rig: Rig) -> None:
    async with rig.pool.worker() as worker:
        with pytest.raises(TaskFailedError) as caught:
            await worker.ask(
                archive_messages.OpenArchive(os.fsencode(rig.source), False), archive_messages.ArchiveFacts
            )
    assert caught.value.detail == "FileNotFoundError"
    assert list(rig.source.iterdir()) == []


async def ask_lock(rig: Rig, worker: Worker, text: str, replace: str = "") -> str:
    return (await worker.ask(archive_messages.Lock(rig.place, text, replace), archive_messages.LockText)).text


@pytest.mark.parametrize("way", WAYS)
async def test_lock_is_held_by_one(rig: Rig, way: str) -> None:
    rig.way(way)
    async with rig.pool.worker() as worker:
        assert await ask_lock(rig, worker, "mine") == "mine"
        assert await ask_lock(rig, worker, "yours") == "mine"
        assert await ask_lock(rig, worker, "yours", "somebody else's") == "mine"
        beat = await worker.ask(archive_messages.Beat(rig.place, "mine", "mine 2"), archive_messages.LockText)
        assert beat.text == "mine 2"
        assert (
            await worker.ask(archive_messages.Beat(rig.place, "mine", "mine 3"), archive_messages.LockText)
        ).text == "mine 2"
        await worker.ask(archive_messages.Unlock(rig.place, "yours"), messages.Done)
        assert await ask_lock(rig, worker, "yours", "mine 2") == "yours"
        await worker.ask(archive_messages.Unlock(rig.place, "yours"), messages.Done)
        assert (
            await worker.ask(archive_messages.Beat(rig.place, "yours", "x"), archive_messages.LockText)
        ).text == ""
    assert not (rig.archive / ".lading/lock").exists()
    assert rig.staged() == []


async def test_lock_with_nothing_in_it_can_be_replaced(rig: Rig) -> None:
    (rig.archive / ".lading/lock").touch()
    async with rig.pool.worker() as worker:
        found = await ask_lock(rig, worker, "mine")
        assert found not in ("", "mine")
        assert await ask_lock(rig, worker, "mine", found) == "mine"


async def test_ladings_own_files_are_read_from_an_offset(rig: Rig) -> None:
    (rig.archive / "locations/place").mkdir()
    (rig.archive / "locations/place/1.tsv").write_bytes(b"one\ntwo\n")
    async with rig.pool.worker() as worker:
        request = text_messages.ReadText(rig.place, "locations/place/1.tsv", 4, 100)
        assert (await worker.ask(request, text_messages.TextRead)).data == b"two\n"
        await worker.ask(archive_messages.SyncFolders(rig.place, ["locations/place", ""]), messages.Done)
        room = await worker.ask(archive_messages.Space(rig.place), archive_messages.SpaceFound)
    assert room.total
    assert room.available
    assert room.available <= room.total


async def test_staging_is_cleaned_of_one_or_of_all(rig: Rig, tmp_path: Path) -> None:
    staging = rig.archive / ".lading/staging"
    for name in ("a/1/x", "a/1/y", "b/1/z"):
        (staging / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/precious").touch()
    (staging / "a/link").symlink_to(tmp_path / "elsewhere")
    (staging / "stray").touch()
    async with rig.pool.worker() as worker:
        of_one = archive_messages.CleanStaging(rig.place, ["a", "nobody"])
        assert (await worker.ask(of_one, archive_messages.NamesCounted)).names == [("a", 3)]
        assert sorted(path.name for path in staging.iterdir()) == ["b", "stray"]
        of_all = archive_messages.CleanStaging(rig.place, None)
        removed = await worker.ask(of_all, archive_messages.NamesCounted)
    assert sorted(removed.names) == [("b", 1), ("stray", 1)]
    assert list(staging.iterdir()) == []
    assert (tmp_path / "elsewhere/precious").exists()


async def test_only_regular_files_of_their_size_are_present(rig: Rig) -> None:
    folder = rig.archive / "locations/place"
    folder.mkdir()
    (folder / "a").write_bytes(b"12345")
    (folder / "empty").touch()
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to("a")
    wanted = [("a", 5), ("a", 4), ("empty", 0), ("fifo", 0), ("link", 5), ("link/x", 5), ("a/x", 5), ("none", 0)]
    request = archive_messages.Presence(rig.place, [(f"locations/place/{name}", size) for name, size in wanted])
    async with rig.pool.worker() as worker:
        there = (await worker.ask(request, archive_messages.Present)).there
    assert there == [True, False, True, False, False, False, False, False]


@pytest.mark.skipif(not LINUX, reason="the page cache of Linux stands for that of macOS")
async def test_an_audit_on_macos_does_not_call_memory_the_medium(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, data = page_cache.drop, os.urandom(50_000)
    path = rig.archive / "locations/a.jpg"
    path.write_bytes(data)
    with path.open("rb") as file:
        os.fsync(file.fileno())
        file.read()
    digests = xxhash.xxh3_128_digest(data), hashlib.sha256(data).digest()
    request = archive_messages.Audit(rig.place, [("locations/a.jpg", len(data), *digests)])
    worker = InProcess(Control.create().slot(0))
    monkeypatch.setattr(fcntl, "fcntl", lambda *_: 0)
    monkeypatch.setattr(page_cache, "drop", lambda fd, ours=False, once=False: real(fd, "darwin", ours=ours))
    # Somebody has just read it, and it cannot be discarded here.
    assert worker.answer(request) == archive_messages.Audited([("cache not excluded", None)])
    monkeypatch.setattr(page_cache, "resident", lambda fd: 0)
    assert worker.answer(request) == archive_messages.Audited([("medium", None)])


@pytest.mark.parametrize(
    ("code", "flushes"), [(0, True), (errno.ENOTTY, False), (errno.ENOTSUP, False), (errno.EIO, False)]
)
async def test_whether_the_drive_below_an_archive_can_be_flushed_is_tried_on_macos(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, code: int, flushes: bool
) -> None:
    def asked(fd: int, command: int) -> int:
        assert command == 51
        if code:
            raise OSError(code, os.strerror(code))
        return 0

    monkeypatch.setattr(fcntl, "fcntl", asked)
    with archive_files.opened(rig.place) as folders:
        assert open_archive.flushes_folder(folders, archive_layout.ARCHIVE_TOML, "darwin") is flushes
        assert open_archive.flushes_folder(folders, archive_layout.ARCHIVE_TOML, "linux")


async def test_the_kernel_says_where_a_path_is(rig: Rig) -> None:
    async with rig.pool.worker() as worker:
        looked = await worker.ask(source_messages.LookAtPath(os.fsencode(rig.source)), source_messages.Looked)
        opened = await worker.ask(
            archive_messages.OpenArchive(os.fsencode(rig.archive), True), archive_messages.ArchiveFacts
        )
    for mount, below, root in (
        (looked.mount, looked.below, looked.source.root),
        (opened.mount, opened.below, opened.root),
    ):
        assert os.path.ismount(mount)  # noqa: ASYNC240
        assert os.path.join(mount, below) == root
    assert opened.flushes


def test_a_firmlink_leads_to_the_volume_that_it_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What macOS answers about /Users/ada/scans, below a folder of ours that stands for /."""
    data = tmp_path / "System/Volumes/Data"
    (data / "Users/ada/scans").mkdir(parents=True)
    (tmp_path / "Users").symlink_to(data / "Users")
    typed = os.fsencode(tmp_path / "Users/ada/scans")
    monkeypatch.setattr(
        mountpoint, "statfs", SimpleNamespace(of=lambda fd: statfs.StatFs(os.fsencode(data), True, 1, 1, 1, 1))
    )
    told = {50: typed, 102: os.fsencode(data / "Users/ada/scans")}
    monkeypatch.setattr(fcntl, "fcntl", lambda fd, command, room: told[command].ljust(len(room), b"\0"))
    for name in ("spelling", "on_volume"):
        monkeypatch.setattr(open_archive, name, partial(getattr(mountpoint, name), platform="darwin"))
    looked = open_archive.look(source_messages.LookAtPath(typed))
    assert (looked.source.root, looked.mount, looked.below) == (typed, os.fsencode(data), b"Users/ada/scans")


async def test_audit_tells_sound_from_damaged(rig: Rig) -> None:
    data = os.urandom(2_500_000)
    digests = xxhash.xxh3_128_digest(data), hashlib.sha256(data).digest()
    (rig.archive / "locations/sound").write_bytes(data)
    (rig.archive / "locations/cut").write_bytes(data[:-1])
    (rig.archive / "locations/flipped").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.mkfifo(rig.archive / "locations/fifo")
    names = ("sound", "cut", "flipped", "fifo", "none")
    request = archive_messages.Audit(rig.place, [(f"locations/{name}", len(data), *digests) for name in names])
    async with rig.pool.worker() as worker:
        files = (await worker.ask(request, archive_messages.Audited)).files
    assert files[0][0] in ("medium", "cache not excluded")
    assert [fault is None for _, fault in files] == [True, False, False, False, False]


REQUESTS: list[Callable[[Place], messages.Request]] = [
    lambda place: text_messages.AppendJournal(place, ".lading/imports/x.jsonl", b"x"),
    lambda place: archive_messages.CleanStaging(place, None),
    lambda place: archive_messages.Presence(place, []),
    lambda place: archive_messages.Lock(place, "mine"),
    archive_messages.Space,
]


@pytest.mark.parametrize("make", REQUESTS)
async def test_nothing_lands_in_what_took_the_archives_place(
    rig: Rig, tmp_path: Path, make: Callable[[Place], messages.Request]
) -> None:
    rig.archive.rename(tmp_path / "unmounted")
    (rig.archive / "locations").mkdir(parents=True)
    (rig.archive / ".lading/staging/kept").mkdir(parents=True)
    async with rig.pool.worker() as worker:
        with pytest.raises(TaskFailedError) as caught:
            await worker.ask(make(rig.place), messages.Done)
    assert caught.value.fault.lost
    assert sorted(path.name for path in rig.archive.rglob("*")) == [".lading", "kept", "locations", "staging"]


async def test_unknown_fault_of_the_program_is_told(rig: Rig) -> None:
    async with rig.pool.worker() as worker:
        with pytest.raises(TaskFailedError) as caught:
            await worker.ask(source_messages.ListMore(), source_messages.Listed)
        assert caught.value.fault.side == "program"
        assert "Traceback" in caught.value.detail
        await worker.ask(batch_messages.Drop(), messages.Done)
