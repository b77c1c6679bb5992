import asyncio
import hashlib
import os
from pathlib import Path

import pytest
import xxhash

from core.files import xattrs
from core.workers import messages
from core.workers.control import CANCEL, COMMAND, PACE, PAUSE, PAUSED, READ, RUN, STATE, WRITTEN, Control
from core.workers.pool import TaskStoppedError, Worker
from core.workers.reading import ARENA
from core.workers.worker import Worker as InProcess
from tests.core.workers.rig import LINUX, SLOWLY, STAGING, Rig, open_below, until

BIG = 512 << 20


def sparse(path: Path, size: int = BIG) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def characters_read(worker: Worker) -> int:
    """Bytes that read(2) and its like returned to the process (proc(5), io)."""
    text = Path(f"/proc/{worker.process.pid}/io").read_text()
    return int(text.split("rchar: ")[1].split()[0])


@pytest.mark.parametrize("keep", [True, False])
async def test_digests_are_those_of_the_libraries(rig: Rig, keep: bool) -> None:
    sizes = [0, 1, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20]
    for number, size in enumerate(sizes):
        rig.put(f"folder/{number}.jpg", os.urandom(size))
    names = [f"folder/{number}.jpg" for number in range(len(sizes))]
    async with rig.pool.worker() as worker:
        before = worker.slot.get(READ)
        digests = await rig.read(worker, *names, keep=keep)
        assert worker.slot.get(READ) - before == sum(sizes)
        assert not LINUX or open_below(worker, rig.source) == []
    for name, size, digest in zip(names, sizes, digests, strict=True):
        data = (rig.source / name).read_bytes()
        assert digest.fault is None
        assert (digest.size, digest.kind) == (size, "images")
        assert digest.sha256 == hashlib.sha256(data).digest()
        assert digest.xxh128 == xxhash.xxh3_128_digest(data)
        assert digest.mtime_ns == (rig.source / name).stat().st_mtime_ns


@pytest.mark.skipif(not LINUX, reason="reads /proc")
async def test_every_byte_is_read_once(rig: Rig) -> None:
    for number in range(100):
        rig.put(f"{number}.jpg", os.urandom(50_000))
    rig.put("large.mov", os.urandom(ARENA + 12_345))
    size = 100 * 50_000 + ARENA + 12_345
    async with rig.pool.worker() as worker:
        before = characters_read(worker)
        await rig.read(worker, *(f"{number}.jpg" for number in range(100)))
        await rig.copy(worker, "large.mov")
        assert size <= characters_read(worker) - before <= 1.01 * size
        assert worker.slot.get(READ) == size


async def test_kind_by_content_when_the_name_tells_none(rig: Rig) -> None:
    rig.put("unnamed", b"\xff\xd8\xff" + bytes(100))
    async with rig.pool.worker() as worker:
        file = messages.ToRead(1, b"unnamed", 103, "")
        request = messages.ReadBatch(rig.origin, [file], True)
        assert (await worker.ask(request, messages.Digests)).files[0].kind == "images"


async def test_missing_file_fails_alone(rig: Rig) -> None:
    rig.put("a.jpg", b"a")
    rig.put("b.jpg", b"b")
    wanted = rig.to_read("a.jpg", "b.jpg")
    (rig.source / "a.jpg").unlink()
    async with rig.pool.worker() as worker:
        reply = await worker.ask(messages.ReadBatch(rig.origin, wanted, True), messages.Digests)
    first, second = reply.files
    assert first.fault is not None
    assert "No such file" in first.fault.text
    assert not first.fault.lost
    assert second.fault is None


async def test_file_that_outgrew_its_batch_may_come_again(rig: Rig) -> None:
    rig.put("a.jpg", b"a")
    wanted = rig.to_read("a.jpg")
    sparse(rig.source / "a.jpg", ARENA + 1)
    async with rig.pool.worker() as worker:
        reply = await worker.ask(messages.ReadBatch(rig.origin, wanted, True), messages.Digests)
        (digest,) = reply.files
        assert digest.fault is not None
        assert digest.fault.again
        assert (await rig.copy(worker, "a.jpg")).size == ARENA + 1


async def test_file_that_changes_all_the_time_is_not_taken(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse(rig.source / "a.jpg", ARENA + 1)
    preadv = os.preadv

    def grows(fd: int, buffers: list[memoryview], offset: int, *flags: int) -> int:
        if not offset:
            with open(rig.source / "a.jpg", "ab") as file:
                file.write(b"more")
        return preadv(fd, buffers, offset, *flags)

    monkeypatch.setattr(os, "preadv", grows)
    worker = InProcess(Control.create().slot(0))
    request = messages.CopyLarge(rig.origin, rig.place, STAGING, rig.to_read("a.jpg")[0])
    reply = worker.answer(request)
    assert isinstance(reply, messages.Digests)
    (digest,) = reply.files
    assert digest.fault is not None
    assert "changed while it was read" in digest.fault.text
    assert rig.staged() == []


@pytest.mark.parametrize("times", [1, 2])
def test_small_file_that_grows_under_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"begin")
    left = [times]

    def grow(fd: int) -> dict[str, bytes]:
        if left[0]:
            left[0] -= 1
            with path.open("ab") as file:
                file.write(b" and more")
        return {}

    monkeypatch.setattr(xattrs, "of", grow)
    worker = InProcess(Control.create().slot(0))
    request = messages.ReadBatch(
        messages.Source(os.fsencode(tmp_path)), [messages.ToRead(1, b"a.jpg", 5, "images")], True
    )
    reply = worker.answer(request)
    assert isinstance(reply, messages.Digests)
    (digest,) = reply.files
    if times == 1:
        assert digest.sha256 == hashlib.sha256(b"begin and more").digest()
    else:
        assert digest.fault is not None


async def paused_in_the_middle(worker: Worker, word: int = READ) -> None:
    """Pause what was asked of a worker just now."""
    before = worker.slot.get(word)
    worker.slot.set(PACE, SLOWLY)
    await until(lambda: worker.slot.get(word) > before)
    worker.slot.set(COMMAND, PAUSE)
    await until(lambda: worker.slot.get(STATE) == PAUSED)
    worker.slot.set(PACE, 0)


async def test_pause_closes_the_source_and_goes_on(rig: Rig) -> None:
    sparse(rig.source / "a.mov")
    async with rig.pool.worker() as worker:
        reading = asyncio.create_task(rig.read(worker, "a.mov", keep=False))
        await paused_in_the_middle(worker)
        read = worker.slot.get(READ)
        assert 0 < read < BIG
        assert not LINUX or open_below(worker, rig.source) == []
        worker.slot.set(COMMAND, RUN)
        (digest,) = await reading
        assert worker.slot.get(READ) == BIG
    assert digest.fault is None
    expected = hashlib.sha256()
    for _ in range(BIG >> 20):
        expected.update(bytes(1 << 20))
    assert digest.sha256 == expected.digest()


async def test_file_changed_during_a_pause_is_read_anew(rig: Rig) -> None:
    sparse(rig.source / "a.mov")
    async with rig.pool.worker() as worker:
        copying = asyncio.create_task(rig.copy(worker, "a.mov"))
        await paused_in_the_middle(worker, WRITTEN)
        data = os.urandom(100_000)
        rig.put("a.mov", data)
        worker.slot.set(COMMAND, RUN)
        digest = await copying
        assert (digest.fault, digest.sha256) == (None, hashlib.sha256(data).digest())
        (staged,) = rig.staged()
        assert staged.read_bytes() == data


async def test_source_swapped_during_a_pause_is_lost(rig: Rig, tmp_path: Path) -> None:
    sparse(rig.source / "a.mov")
    async with rig.pool.worker() as worker:
        reading = asyncio.create_task(rig.read(worker, "a.mov", keep=False))
        await paused_in_the_middle(worker)
        rig.source.rename(tmp_path / "ejected")
        rig.put("a.mov", b"another card")
        worker.slot.set(COMMAND, RUN)
        (digest,) = await reading
    assert digest.fault is not None
    assert digest.fault.lost


async def test_cancelled_worker_leaves_nothing_and_works_on(rig: Rig) -> None:
    sparse(rig.source / "a.mov")
    rig.put("b.jpg", b"b")
    async with rig.pool.worker() as worker:
        copying = asyncio.create_task(rig.copy(worker, "a.mov"))
        await paused_in_the_middle(worker, WRITTEN)
        assert len(rig.staged()) == 1
        worker.slot.set(COMMAND, CANCEL)
        with pytest.raises(TaskStoppedError):
            await copying
        assert rig.staged() == []
        if LINUX:
            assert open_below(worker, rig.source) + open_below(worker, rig.archive) == []
        worker.slot.set(COMMAND, RUN)
        (digest,) = await rig.read(worker, "b.jpg")
        assert digest.sha256 == hashlib.sha256(b"b").digest()


async def test_reading_leaves_access_times_alone(rig: Rig) -> None:
    rig.put("folder/a.jpg", b"a")
    for path in (rig.source / "folder/a.jpg", rig.source / "folder", rig.source):
        os.utime(path, ns=(10**18, path.stat().st_mtime_ns))
    async with rig.pool.worker() as worker:
        await rig.listed(worker)
        await rig.read(worker, "folder/a.jpg")
    if LINUX and os.stat(rig.source).st_uid == os.geteuid():
        for path in (rig.source / "folder/a.jpg", rig.source / "folder", rig.source):
            assert path.stat().st_atime_ns == 10**18


@pytest.mark.skipif(not LINUX, reason="setxattr(2) is not in Python's os elsewhere")
async def test_attributes_never_overfill_a_batch(rig: Rig) -> None:
    rig.put("a.jpg", b"a")
    try:
        os.setxattr(rig.source / "a.jpg", "user.comment", b"x" * 2000)
    except OSError:
        pytest.skip("no extended attributes here")
    for number in range(2200):
        os.link(rig.source / "a.jpg", rig.source / f"{number}.jpg")
    async with rig.pool.worker() as worker:
        digests = await rig.read(worker, *(f"{number}.jpg" for number in range(2200)))
    again = [digest.fault.again for digest in digests if digest.fault is not None]
    assert len(again) == 2200 - (4 << 20) // 2000
    assert all(again)
