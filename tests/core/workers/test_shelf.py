import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import xxhash

from core.files import noreplace
from core.workers import messages
from core.workers.messages import Place
from core.workers.pool import TaskFailedError, Worker
from tests.core.workers.rig import Rig

WAYS = (noreplace.RENAME, noreplace.LINK, noreplace.LOOK)


async def test_new_archive(rig: Rig) -> None:
    archive = rig.archive
    assert (archive / ".lading/archive.toml").read_text().startswith('id = "')
    assert stat.S_IMODE((archive / ".lading/staging").stat().st_mode) & 0o077 == 0
    assert (archive / "locations").is_dir()
    assert list((archive / ".lading/staging").iterdir()) == []
    assert rig.place.inode == archive.stat().st_ino


async def test_archive_keeps_its_id_and_gets_lost_folders_again(rig: Rig) -> None:
    text = (rig.archive / ".lading/archive.toml").read_text()
    shutil.rmtree(rig.archive / ".lading/staging")
    async with rig.pool.worker() as worker:
        for create in (True, False):
            request = messages.OpenArchive(os.fsencode(rig.archive), create)
            assert (await worker.ask(request, messages.ArchiveFacts)).text == text
    assert (rig.archive / ".lading/staging").is_dir()


async def test_folder_that_is_no_archive_stays_as_it_is(rig: Rig) -> None:
    async with rig.pool.worker() as worker:
        with pytest.raises(TaskFailedError) as caught:
            await worker.ask(messages.OpenArchive(os.fsencode(rig.source), False), messages.ArchiveFacts)
    assert caught.value.detail == "FileNotFoundError"
    assert list(rig.source.iterdir()) == []


async def ask_lock(rig: Rig, worker: Worker, text: str, replace: str = "") -> str:
    return (await worker.ask(messages.Lock(rig.place, text, replace), messages.Held)).text


@pytest.mark.parametrize("way", WAYS)
async def test_lock_is_held_by_one(rig: Rig, way: str) -> None:
    rig.way(way)
    async with rig.pool.worker() as worker:
        assert await ask_lock(rig, worker, "mine") == "mine"
        assert await ask_lock(rig, worker, "yours") == "mine"
        assert await ask_lock(rig, worker, "yours", "somebody else's") == "mine"
        beat = await worker.ask(messages.Beat(rig.place, "mine", "mine 2"), messages.Held)
        assert beat.text == "mine 2"
        assert (await worker.ask(messages.Beat(rig.place, "mine", "mine 3"), messages.Held)).text == "mine 2"
        await worker.ask(messages.Unlock(rig.place, "yours"), messages.Done)
        assert await ask_lock(rig, worker, "yours", "mine 2") == "yours"
        await worker.ask(messages.Unlock(rig.place, "yours"), messages.Done)
        assert (await worker.ask(messages.Beat(rig.place, "yours", "x"), messages.Held)).text == ""
    assert not (rig.archive / ".lading/lock").exists()
    assert rig.staged() == []


async def test_lock_with_nothing_in_it_can_be_replaced(rig: Rig) -> None:
    (rig.archive / ".lading/lock").touch()
    async with rig.pool.worker() as worker:
        found = await ask_lock(rig, worker, "mine")
        assert found not in ("", "mine")
        assert await ask_lock(rig, worker, "mine", found) == "mine"


async def test_own_files(rig: Rig) -> None:
    (rig.archive / "locations/place").mkdir()
    (rig.archive / "locations/place/1.tsv").write_bytes(b"one\ntwo\n")
    async with rig.pool.worker() as worker:
        request = messages.ReadText(rig.place, "locations/place/1.tsv", 4, 100)
        assert (await worker.ask(request, messages.Text)).data == b"two\n"
        await worker.ask(messages.SyncFolders(rig.place, ["locations/place", ""]), messages.Done)
        room = await worker.ask(messages.Space(rig.place), messages.Room)
    assert room.total
    assert room.available
    assert room.available <= room.total


async def test_staging_is_cleaned_but_for_some(rig: Rig, tmp_path: Path) -> None:
    staging = rig.archive / ".lading/staging"
    for name in ("a/1/x", "a/1/y", "b/1/z"):
        (staging / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/precious").touch()
    (staging / "a/link").symlink_to(tmp_path / "elsewhere")
    (staging / "stray").touch()
    async with rig.pool.worker() as worker:
        removed = await worker.ask(messages.CleanStaging(rig.place, ["b"]), messages.Names)
    assert sorted(removed.names) == [("a", 3), ("stray", 1)]
    assert [path.name for path in staging.iterdir()] == ["b"]
    assert (tmp_path / "elsewhere/precious").exists()


async def test_presence(rig: Rig) -> None:
    folder = rig.archive / "locations/place"
    folder.mkdir()
    (folder / "a").write_bytes(b"12345")
    (folder / "empty").touch()
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to("a")
    wanted = [("a", 5), ("a", 4), ("empty", 0), ("fifo", 0), ("link", 5), ("link/x", 5), ("a/x", 5), ("none", 0)]
    request = messages.Presence(rig.place, [(f"locations/place/{name}", size) for name, size in wanted])
    async with rig.pool.worker() as worker:
        there = (await worker.ask(request, messages.Present)).there
    assert there == [True, False, True, False, False, False, False, False]


async def test_audit_tells_sound_from_damaged(rig: Rig) -> None:
    data = os.urandom(2_500_000)
    digests = xxhash.xxh3_128_digest(data), hashlib.sha256(data).digest()
    (rig.archive / "locations/sound").write_bytes(data)
    (rig.archive / "locations/cut").write_bytes(data[:-1])
    (rig.archive / "locations/flipped").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.mkfifo(rig.archive / "locations/fifo")
    names = ("sound", "cut", "flipped", "fifo", "none")
    request = messages.Audit(rig.place, [(f"locations/{name}", len(data), *digests) for name in names])
    async with rig.pool.worker() as worker:
        files = (await worker.ask(request, messages.Audited)).files
    assert files[0][0] in ("medium", "cache not excluded")
    assert [fault is None for _, fault in files] == [True, False, False, False, False]


REQUESTS: list[Callable[[Place], messages.Request]] = [
    lambda place: messages.AppendJournal(place, ".lading/imports/x.jsonl", b"x"),
    lambda place: messages.CleanStaging(place, []),
    lambda place: messages.Presence(place, []),
    lambda place: messages.Lock(place, "mine"),
    messages.Space,
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
            await worker.ask(messages.ListMore(), messages.Listed)
        assert caught.value.fault.side == "program"
        assert "Traceback" in caught.value.detail
        await worker.ask(messages.Drop(), messages.Done)
