import asyncio
import ctypes
import hashlib
import itertools
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
import xxhash

from core.files import xattrs
from core.files.open_beneath import Tree
from core.importing.halt_reasons import advice
from core.workers import batch_messages, doubtful_size, messages, read_source, source_messages
from core.workers.dispatch import Dispatcher as InProcess
from core.workers.pool import TaskStoppedError, Worker
from core.workers.read_source import ARENA, ChangedError, Opened, Reader
from core.workers.shared_memory import CANCEL, COMMAND, PACE, PAUSE, PAUSED, READ, RUN, STATE, WRITTEN, Control
from tests.core.workers.rig import LINUX, SLOWLY, STAGING, Rig, open_below, until

pytestmark = pytest.mark.process

BIG = 512 << 20


def sparse(path: Path, size: int = BIG) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def fallocate(path: Path, size: int) -> None:
    """Take up room for a file, and leave its size. Raises OSError."""
    keep_size = 1
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open("r+b") as file:
        if not LINUX or libc.fallocate(file.fileno(), keep_size, ctypes.c_long(0), ctypes.c_long(size)):
            raise OSError(ctypes.get_errno(), "fallocate")


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
        file = source_messages.ToRead(1, b"unnamed", 103, "")
        request = source_messages.ReadBatch(rig.origin, [file], True)
        assert (await worker.ask(request, source_messages.Digests)).files[0].kind == "images"


def numbered_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give an empty file another inode number whenever it is looked at, as FAT by FSKit does (macOS 15)."""
    real, numbers = os.fstat, itertools.count(900_000)

    def fstat(fd: int) -> os.stat_result:
        facts = real(fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size:
            return facts
        # With all fields, those by name as well.
        fields = {name: getattr(facts, name) for name in dir(facts) if name.startswith("st_")}
        return os.stat_result((facts[0], next(numbers), *facts[2:]), fields)

    monkeypatch.setattr(os, "fstat", fstat)


def in_this_process(rig: Rig) -> InProcess:
    return InProcess(Control.create().slot(0))


async def test_an_empty_file_may_have_another_number_each_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.put(".nomedia", b"")
    rig.put("a.jpg", b"a")
    request = source_messages.ReadBatch(rig.origin, rig.to_read(".nomedia", "a.jpg"), True)
    numbered_anew(monkeypatch)
    reply = in_this_process(rig).answer(request)
    assert isinstance(reply, source_messages.Digests)
    assert [(digest.size, digest.fault) for digest in reply.files] == [(0, None), (1, None)]


async def test_a_file_that_was_replaced_during_a_pause_has_changed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.put("a.jpg", b"aaaa")
    rig.put("empty", b"")
    numbered_anew(monkeypatch)
    tree, slot = Tree(rig.origin.root), Control.create().slot(0)
    with tree, Opened(tree, b"a.jpg", slot) as opened, Opened(tree, b"empty", slot) as empty:
        before = (rig.source / "a.jpg").stat()
        opened.close()
        empty.close()
        assert opened.same()
        assert empty.same()
        opened.close()
        (rig.source / "a.jpg").rename(rig.source / "kept")
        rig.put("a.jpg", b"bbbb")
        os.utime(rig.source / "a.jpg", ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(ChangedError):
            opened.same()


async def test_missing_file_fails_alone(rig: Rig) -> None:
    rig.put("a.jpg", b"a")
    rig.put("b.jpg", b"b")
    wanted = rig.to_read("a.jpg", "b.jpg")
    (rig.source / "a.jpg").unlink()
    async with rig.pool.worker() as worker:
        reply = await worker.ask(source_messages.ReadBatch(rig.origin, wanted, True), source_messages.Digests)
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
        reply = await worker.ask(source_messages.ReadBatch(rig.origin, wanted, True), source_messages.Digests)
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
    request = batch_messages.CopyLarge(rig.origin, rig.place, STAGING, rig.to_read("a.jpg")[0])
    reply = worker.answer(request)
    assert isinstance(reply, source_messages.Digests)
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

    def grow(fd: int) -> xattrs.Attributes:
        if left[0]:
            left[0] -= 1
            with path.open("ab") as file:
                file.write(b" and more")
        return xattrs.Attributes({}, [])

    monkeypatch.setattr(xattrs, "of", grow)
    worker = InProcess(Control.create().slot(0))
    request = source_messages.ReadBatch(
        messages.Source(os.fsencode(tmp_path)), [source_messages.ToRead(1, b"a.jpg", 5, "images")], True
    )
    reply = worker.answer(request)
    assert isinstance(reply, source_messages.Digests)
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


@pytest.mark.parametrize("given", [0, 2**32 - 1, -100, 100])
@pytest.mark.parametrize("large", [False, True])
async def test_a_size_that_a_file_system_made_up(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, given: int, large: bool
) -> None:
    real = ARENA + 5000 if large else 5000
    path = rig.source / "a.jpg"
    path.write_bytes(os.urandom(real))
    size = real + given if abs(given) == 100 else given
    fstat, inode = os.fstat, path.stat().st_ino

    def lies(fd: int) -> object:
        facts = fstat(fd)
        told = {name: getattr(facts, name) for name in dir(facts) if name.startswith("st_")}
        return SimpleNamespace(**told | ({"st_size": size} if facts.st_ino == inode else {}))

    monkeypatch.setattr(os, "fstat", lies)
    worker = InProcess(Control.create().slot(0))
    file = source_messages.ToRead(1, b"a.jpg", size, "images")
    small = not large and size < ARENA
    copy = batch_messages.CopyLarge(rig.origin, rig.place, STAGING, file)
    reply = worker.answer(source_messages.ReadBatch(rig.origin, [file], True) if small else copy)
    assert isinstance(reply, source_messages.Digests)
    (fault,) = [digest.fault for digest in reply.files]
    assert fault is not None
    said = f"gives its size as {size:,}" if size in (0, 2**32 - 1) else "gives a wrong size"
    assert fault.text == f"its file system {said}, but {'less' if size > real else 'more'} of it can be read"
    assert "with another card reader" in advice("source", fault.code)
    assert rig.staged() == []


async def test_a_file_of_no_bytes_that_takes_up_room(rig: Rig) -> None:
    rig.put("empty.jpg", b"")
    rig.put("a.mov", b"")
    try:
        fallocate(rig.source / "a.mov", 1 << 20)
    except OSError:
        pytest.skip("this file system takes up no room before it is written to")
    async with rig.pool.worker() as worker:
        first, second = await rig.read(worker, "empty.jpg", "a.mov", keep=True)
    assert first.fault is None
    assert second.fault is not None
    assert second.fault.text == "its file system gives its size as 0, but it takes up room"


@pytest.mark.parametrize("phone", [True, False])
async def test_a_size_that_a_phone_cut_off(rig: Rig, monkeypatch: pytest.MonkeyPatch, phone: bool) -> None:
    """The kernel gives no byte beyond it; on a disk it is only room that was allotted ahead."""
    rig.put("a.mov", b"a" * 5000)
    try:
        fallocate(rig.source / "a.mov", 4 << 20)
    except OSError:
        pytest.skip("this file system allots no room ahead")
    monkeypatch.setattr(doubtful_size, "served_by_program", lambda fd: phone)
    worker = InProcess(Control.create().slot(0))
    reply = worker.answer(
        source_messages.ReadBatch(rig.origin, [source_messages.ToRead(1, b"a.mov", 5000, "videos")], True)
    )
    assert isinstance(reply, source_messages.Digests)
    fault = reply.files[0].fault
    assert (fault.text if fault else "") == (
        "its file system gives a wrong size, but it takes up room for far more" if phone else ""
    )


def test_the_largest_size_that_a_phone_can_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is true on all file systems but those of MTP and PTP, when nothing comes after its end."""
    monkeypatch.setattr(doubtful_size, "served_by_program", lambda fd: True)
    monkeypatch.setattr(doubtful_size, "has_32_bit_sizes", lambda fd: True)
    with open(tmp_path / "a.mov", "wb") as file:
        file.truncate(2**32 - 1)
    with Opened(Tree(os.fsencode(tmp_path)), b"a.mov", Control.create().slot(0)) as opened:
        with pytest.raises(read_source.WrongSizeError, match="as 4,294,967,295, but that is what cameras"):
            Reader(Control.create().slot(0))._whole(opened, 2**32 - 1)
        monkeypatch.setattr(doubtful_size, "has_32_bit_sizes", lambda fd: False)
        Reader(Control.create().slot(0))._whole(opened, 2**32 - 1)
        facts = SimpleNamespace(st_size=2**32 - 1, st_mtime_ns=opened.facts.st_mtime_ns, st_blocks=2**23 + 4096)
        monkeypatch.setattr(opened, "facts", facts)
        with pytest.raises(read_source.WrongSizeError, match="but it takes up room for more"):
            Reader(Control.create().slot(0))._whole(opened, 2**32 - 1)


async def test_attributes_are_read_only_where_they_are_wanted(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of a server (smbnetfs 0.6.3) loses its session when it is asked for them."""
    rig.put("a.jpg", b"12345")
    asked: list[int] = []

    def of(fd: int) -> xattrs.Attributes:
        asked.append(fd)
        return xattrs.Attributes({}, [])

    monkeypatch.setattr(xattrs, "of", of)
    worker = InProcess(Control.create().slot(0))
    for content_only in (False, True):
        file = source_messages.ToRead(1, b"a.jpg", 5, "images", content_only=content_only)
        reply = worker.answer(source_messages.ReadBatch(rig.origin, [file], keep=False))
        assert isinstance(reply, source_messages.Digests)
        assert reply.files[0].fault is None
    assert len(asked) == 1
