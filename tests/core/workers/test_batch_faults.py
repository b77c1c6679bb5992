"""Batches carried out in this process, where calls can be made to fail."""

import errno
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from core.files import fsync, noreplace, page_cache
from core.files.checksummed_lines import unsealed
from core.workers import archive_messages, batch_messages, messages, source_messages
from core.workers.batch import Batch
from core.workers.batch_messages import ToStage
from core.workers.dispatch import Dispatcher as InProcess
from core.workers.messages import Place
from core.workers.publish import publish
from core.workers.shared_memory import CANCEL, COMMAND, Control
from core.workers.source_messages import Digest
from tests.core.workers.rig import JOURNAL, STAGING, payload


class Inside:
    """A worker in this process with three files staged."""

    def __init__(self, base: Path) -> None:
        (base / "source").mkdir()
        for name in ("a", "b", "c"):
            (base / "source" / name).write_bytes(name.encode() * 100)
        self.control = Control.create()
        self.slot = self.control.slot(0)
        self.worker = InProcess(self.slot)
        facts = self.worker.answer(archive_messages.OpenArchive(os.fsencode(base / "archive"), True))
        assert isinstance(facts, archive_messages.ArchiveFacts)
        self.place = Place(facts.root, facts.device, facts.inode, facts.way, "cache not excluded")
        self.archive = base / "archive"
        self.source = messages.Source(os.fsencode(base / "source"))

    def read(self) -> list[Digest]:
        files = [
            source_messages.ToRead(number, name, 100, "images") for number, name in enumerate((b"a", b"b", b"c"))
        ]
        reply = self.worker.answer(source_messages.ReadBatch(self.source, files, True))
        assert isinstance(reply, source_messages.Digests)
        return reply.files

    def stage(self, place: Place | None = None) -> messages.Reply:
        orders = [ToStage(one.number, payload(one), "archived") for one in self.read()]
        return self.worker.answer(batch_messages.StageBatch(place or self.place, STAGING, orders))

    def staged(self) -> list[Path]:
        return [path for path in (self.archive / ".lading/staging").rglob("*") if path.is_file()]

    def batch(self) -> Batch:
        return self.worker.batch


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    made = Inside(tmp_path)
    yield made
    made.worker.answer(batch_messages.Drop())
    made.control.close()


def failing(code: int, after: int = 0) -> Callable[..., None]:
    """A call that fails from the given time on."""
    calls = [0]

    def fail(*_: object) -> None:
        calls[0] += 1
        if calls[0] > after:
            raise OSError(code, os.strerror(code))

    return fail


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/dev/fd"))


@pytest.mark.parametrize("level", ["medium", "server"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_failed_sync_means_copy_again(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, code: int, level: str
) -> None:
    before = descriptors()
    inside.stage(msgspec.structs.replace(inside.place, level=level, network=level == "server"))
    inside.worker.answer(batch_messages.Journal("import"))
    monkeypatch.setattr(os, "fsync", failing(code, after=2 if level == "server" else 0))
    reply = inside.worker.answer(batch_messages.Flush())
    assert isinstance(reply, batch_messages.Checked)
    assert [(number, fault.code, fault.again) for number, fault in reply.faults] == [
        (number, code, True) for number in range(3)
    ]
    assert inside.staged() == []
    assert descriptors() == before


@pytest.mark.skipif(not fsync.syncs_whole(), reason="no syncfs(2) that reports")
def test_failed_sync_of_the_whole_means_copy_again(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fsync, "SYNCED_ONE_BY_ONE", 1)
    monkeypatch.setattr(fsync, "sync_whole", failing(errno.EIO))
    inside.stage(msgspec.structs.replace(inside.place, level="medium"))
    inside.worker.answer(batch_messages.Journal("import"))
    reply = inside.worker.answer(batch_messages.Flush())
    assert isinstance(reply, batch_messages.Checked)
    assert len(reply.faults) == 3
    assert inside.staged() == []


def test_error_that_only_close_tells_means_copy_again(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    inside.stage()
    inside.worker.answer(batch_messages.Journal("import"))
    real, wanted = os.close, inside.batch().files[1].fd

    def close(fd: int) -> None:
        real(fd)
        if fd == wanted:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "close", close)
    reply = inside.worker.answer(batch_messages.Flush())
    assert isinstance(reply, batch_messages.Checked)
    assert [(number, fault.code, fault.again) for number, fault in reply.faults] == [
        (number, errno.EDQUOT, True) for number in range(3)
    ]
    assert inside.staged() == []


def sent(inside: Inside) -> None:
    """Stage and flush at a server to which fsync(2) sends everything."""
    inside.stage(msgspec.structs.replace(inside.place, level="server", network=True, sends_on_fsync=True))
    inside.worker.answer(batch_messages.Journal("import"))
    assert inside.worker.answer(batch_messages.Flush()) == batch_messages.Checked([])


@pytest.mark.parametrize("network", [True, False])
def test_a_server_is_asked_for_what_it_holds_also_where_a_cache_may_answer(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    """No level depends on it, but a mount without a cache reads from the server only what was dropped."""
    tried: list[bool] = []
    real = page_cache.drop

    def recorded(fd: int, *, ours: bool, once: bool) -> bool:
        tried.append(once)
        return real(fd, ours=ours, once=once)

    inside.stage(msgspec.structs.replace(inside.place, level="cache not excluded", network=network))
    inside.worker.answer(batch_messages.Flush())
    monkeypatch.setattr(page_cache, "drop", recorded)
    reply = inside.worker.answer(batch_messages.Verify("readback"))
    assert reply == batch_messages.Checked([], [(number, "cache not excluded") for number in range(3)])
    assert tried
    assert set(tried) == {not network}


@pytest.mark.parametrize("dropped", [True, False])
def test_what_fsync_has_sent_is_opened_again_only_if_it_may_be_in_memory(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, dropped: bool
) -> None:
    before, opened = descriptors(), list[str]()
    sent(inside)
    names = [held.staged for held in inside.batch().files.values()]
    real = os.open

    def recorded(path: str, *arguments: int, dir_fd: int | None = None) -> int:
        opened.append(path)
        return real(path, *arguments, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", recorded)
    monkeypatch.setattr(page_cache, "drop", lambda *_, **__: dropped)
    reply = inside.worker.answer(batch_messages.Verify("readback"))
    assert reply == batch_messages.Checked([], [(number, "server") for number in range(3)])
    assert opened == ([] if dropped else names)
    monkeypatch.undo()
    reply = inside.worker.answer(batch_messages.Publish())
    assert isinstance(reply, batch_messages.Published)
    assert len(reply.published) == 3
    inside.worker.answer(batch_messages.Drop())
    assert descriptors() == before


def test_what_fsync_has_sent_is_compared(inside: Inside) -> None:
    sent(inside)
    bad = inside.batch().files[1]
    os.pwrite(bad.fd, b"!", 50)
    reply = inside.worker.answer(batch_messages.Verify("readback"))
    assert isinstance(reply, batch_messages.Checked)
    assert [(number, fault.again) for number, fault in reply.faults] == [(1, True)]
    assert len(inside.staged()) == 2


@pytest.mark.parametrize("mode", ["readback", "none"])
def test_error_that_only_the_late_close_tells_means_copy_again(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    before = descriptors()
    sent(inside)
    real, wanted = os.close, inside.batch().files[1].fd

    def close(fd: int) -> None:
        real(fd)
        if fd == wanted:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "close", close)
    reply = inside.worker.answer(batch_messages.Verify(mode))
    monkeypatch.undo()
    assert isinstance(reply, batch_messages.Checked)
    assert [(number, fault.code, fault.again) for number, fault in reply.faults] == [(1, errno.EDQUOT, True)]
    assert len(inside.staged()) == 2
    inside.worker.answer(batch_messages.Drop())
    assert descriptors() == before


def test_full_archive_fails_the_files_that_did_not_fit(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    before = descriptors()
    real, calls = os.write, [0]

    def write(fd: int, data: memoryview) -> int:
        calls[0] += 1
        if calls[0] == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[:60])  # and never all at once

    monkeypatch.setattr(os, "write", write)
    reply = inside.stage()
    assert isinstance(reply, batch_messages.Checked)
    assert [(number, fault.code) for number, fault in reply.faults] == [(1, errno.ENOSPC)]
    monkeypatch.undo()
    assert sorted(path.read_bytes() for path in inside.staged()) == [b"a" * 100, b"c" * 100]
    inside.worker.answer(batch_messages.Drop())
    assert inside.staged() == []
    assert descriptors() == before


def test_torn_append_is_ended_before_the_next(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    before = descriptors()
    inside.stage()
    real, calls = os.write, [0]

    def write(fd: int, data: memoryview) -> int:
        calls[0] += 1
        if calls[0] == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[:50])

    monkeypatch.setattr(os, "write", write)
    reply = inside.worker.answer(batch_messages.Journal("import"))
    assert isinstance(reply, messages.Failed)
    assert reply.fault.code == errno.ENOSPC
    monkeypatch.undo()
    assert inside.staged() == []
    assert descriptors() == before
    inside.stage()
    inside.worker.answer(batch_messages.Journal("import"))
    lines = (inside.archive / JOURNAL).read_bytes().splitlines(keepends=True)
    assert [unsealed(line) is not None for line in lines] == [False, True, True, True]


@pytest.mark.parametrize("call", ["fsync", "close", "write"])
def test_a_part_that_was_not_flushed_is_withdrawn(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """All its rows are written again with their files."""
    before = descriptors()
    server = msgspec.structs.replace(inside.place, level="server", network=True)
    journal = inside.archive / JOURNAL
    real = getattr(os, call)

    def fail(fd: int, *_: object) -> None:
        if call == "close":
            real(fd)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    inside.stage(server)
    if call != "write":
        assert inside.worker.answer(batch_messages.Journal("import")) == messages.Done()
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        inside.worker.answer(batch_messages.Flush() if call != "write" else batch_messages.Journal("import"))
    assert descriptors() == before
    assert list(journal.parent.iterdir()) == []
    inside.stage(server)
    inside.worker.answer(batch_messages.Journal("import"))
    assert inside.worker.answer(batch_messages.Flush()) == batch_messages.Checked([])
    (part,) = journal.parent.iterdir()
    lines = part.read_bytes().splitlines(keepends=True)
    assert [unsealed(line) is not None for line in lines] == [False, True, True, True]


def test_folders_that_cannot_be_flushed_mean_copy_again(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    inside.stage()
    inside.worker.answer(batch_messages.Journal("import"))
    inside.worker.answer(batch_messages.Flush())
    inside.worker.answer(batch_messages.Verify("readback"))
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    reply = inside.worker.answer(batch_messages.Publish())
    assert isinstance(reply, batch_messages.Published)
    assert (reply.published, reply.taken) == ([], [])
    assert [(number, fault.again) for number, fault in reply.faults] == [(number, True) for number in range(3)]
    monkeypatch.undo()
    inside.stage()
    for request in (batch_messages.Journal("import"), batch_messages.Flush(), batch_messages.Verify("readback")):
        inside.worker.answer(request)
    reply = inside.worker.answer(batch_messages.Publish())
    assert isinstance(reply, batch_messages.Published)
    assert len(reply.published) == 3


def test_cancelled_publish_says_what_was_done(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    inside.stage()
    for request in (batch_messages.Journal("import"), batch_messages.Flush(), batch_messages.Verify("readback")):
        inside.worker.answer(request)
    real = noreplace.publish

    def one_then_cancel(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        inside.slot.set(COMMAND, CANCEL)

    monkeypatch.setattr(noreplace, "publish", one_then_cancel)
    reply = publish(inside.batch(), memoryview(bytearray(1 << 20)))
    assert [number for number, _ in reply.published] == [0]
    assert [(number, fault.text) for number, fault in reply.faults] == [(1, "cancelled"), (2, "cancelled")]
    assert inside.staged() == []


def test_old_name_in_staging_is_never_written_through(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where publishing links and the old name cannot be removed, it shares the payload's bytes."""
    monkeypatch.setattr(inside.place, "way", noreplace.LINK)
    real = os.unlink

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        raise PermissionError(errno.EPERM, path)

    for _ in range(2):
        inside.stage()
        for request in (
            batch_messages.Journal("import"),
            batch_messages.Flush(),
            batch_messages.Verify("readback"),
        ):
            inside.worker.answer(request)
        monkeypatch.setattr(os, "unlink", unlink)
        reply = inside.worker.answer(batch_messages.Publish())
        monkeypatch.setattr(os, "unlink", real)
        assert isinstance(reply, batch_messages.Published)
        assert len(reply.published) == 3
    found = sorted(path.read_bytes() for path in (inside.archive / "locations").rglob("*") if path.is_file())
    assert found == [b"a" * 100, b"b" * 100, b"c" * 100]


@pytest.mark.parametrize("call", ["fstat", "dup", "scandir", "mkdir", "utime"])
def test_no_error_leaks_a_descriptor(inside: Inside, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    steps: list[messages.Request] = [
        batch_messages.Journal("import"),
        batch_messages.Flush(),
        batch_messages.Verify("source"),
    ]
    before = descriptors()
    for after in range(12):
        monkeypatch.setattr(os, call, failing_real(call, after))
        inside.worker.answer(source_messages.ListTree(inside.source))
        with suppress(AssertionError):
            inside.stage()
        for request in (*steps, batch_messages.Publish()):
            inside.worker.answer(request)
        monkeypatch.undo()
        inside.worker.answer(batch_messages.Drop())
        assert descriptors() == before
        assert inside.staged() == []


def failing_real(call: str, after: int) -> Callable[..., object]:
    """The real call, but for one time."""
    real, calls = getattr(os, call), [0]

    def sometimes(*arguments: object, **named: object) -> object:
        calls[0] += 1
        if calls[0] == after + 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*arguments, **named)

    return sometimes
