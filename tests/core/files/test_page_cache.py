import errno
import fcntl
import mmap
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.files import page_cache

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    os.write(fd, b"x" * 100_000)
    yield fd
    os.close(fd)


def refuse(code: int) -> OSError:
    return OSError(code, os.strerror(code))


@linux
def test_dropped_only_when_it_is_known(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[OSError | int] = [refuse(errno.EAGAIN), 0, 1, refuse(errno.EOPNOTSUPP), refuse(errno.EIO)]

    def preadv(*_: object) -> int:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(os, "preadv", preadv)
    monkeypatch.setattr(page_cache, "pages", lambda _: None)
    assert [page_cache.drop(fd) for _ in range(5)] == [True, True, False, False, False]


@linux
def test_a_page_that_is_held_for_a_moment_is_dropped_at_the_next_try(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [3, 0]
    monkeypatch.setattr(page_cache, "pages", lambda _: left.pop(0))
    assert page_cache.drop(fd)
    assert left == []
    monkeypatch.setattr(page_cache, "pages", lambda _: 1)
    assert not page_cache.drop(fd)
    left = [3, 0]
    monkeypatch.setattr(page_cache, "pages", lambda _: left.pop(0))
    assert not page_cache.drop(fd, once=True)
    assert left == [0]


@linux
def test_memory_file_system_is_not_taken_for_a_medium() -> None:
    """On tmpfs the pages are the file: no reading back leaves memory."""
    fd = os.memfd_create("file")
    try:
        os.write(fd, b"x" * 10_000)
        os.fsync(fd)
        assert not page_cache.drop(fd)
    finally:
        os.close(fd)


@linux
def test_dirty_page_is_not_dropped(fd: int) -> None:
    if page_cache.drop(fd):
        pytest.skip("was written out already")
    assert os.pread(fd, 1, 0) == b"x"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """What fcntl(2) is asked for; it grants all."""
    made: list[tuple[int, int, int]] = []
    monkeypatch.setattr(fcntl, "fcntl", lambda *arguments: made.append(arguments))
    return made


def test_macos_asks_for_no_cache(fd: int, asked: list[tuple[int, int, int]]) -> None:
    page_cache.drop(fd, "darwin")
    assert page_cache.uncached(fd, "darwin")
    assert asked == [(fd, 48, 1)] * 2


@linux
def test_macos_says_it_is_out_of_memory_only_when_nothing_of_it_is_there(
    fd: int, asked: list[tuple[int, int, int]]
) -> None:
    os.fsync(fd)
    os.pread(fd, 100_000, 0)
    # Linux grants what the F_NOCACHE of macOS does not do: the pages stay, and are given to whoever reads.
    assert not page_cache.drop(fd, "darwin", ours=True)
    assert page_cache.resident(fd) == -(-100_000 // mmap.PAGESIZE)
    if not page_cache.drop(fd):
        pytest.skip("the pages are held")
    assert page_cache.resident(fd) == 0
    assert page_cache.drop(fd, "darwin")
    os.pread(fd, 1, 0)
    assert not page_cache.drop(fd, "darwin")


@linux
def test_macos_discards_what_nobody_else_writes(
    fd: int, asked: list[tuple[int, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    discarded: list[tuple[int, bool]] = []

    def msync(address: int, length: int, flags: int) -> int:
        discarded.append((length, flags == 2))
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return 0

    class Libc:
        """The C library, with an msync(2) that frees pages."""

        def __getattr__(self, name: str) -> object:
            return msync if name == "msync" else getattr(real, name)

    real = page_cache.libc()
    monkeypatch.setattr(page_cache, "libc", Libc)
    monkeypatch.setattr(page_cache, "MAPPED_BYTES", 16 * mmap.PAGESIZE)
    assert not page_cache.drop(fd, "darwin")
    assert discarded == []
    assert page_cache.drop(fd, "darwin", ours=True)
    assert sum(length for length, _ in discarded) == 100_000
    assert all(invalidates for _, invalidates in discarded)
    # What is not in memory needs no discarding.
    discarded.clear()
    assert page_cache.drop(fd, "darwin", ours=True)
    assert discarded == []


def test_an_empty_file_is_not_in_memory(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    fd = os.open(tmp_path / "empty", os.O_RDONLY)
    assert page_cache.resident(fd) == 0
    os.close(fd)


def test_what_cannot_be_mapped_is_not_known(fd: int, tmp_path: Path) -> None:
    unreadable = os.open(tmp_path / "file", os.O_WRONLY)
    assert page_cache.resident(unreadable) is None
    os.close(unreadable)


def test_macos_refusal_is_told(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise refuse(errno.ENOTSUP)

    monkeypatch.setattr(fcntl, "fcntl", fail)
    assert not page_cache.drop(fd, "darwin")
    assert not page_cache.uncached(fd, "darwin")


def test_reading_ahead_changes_nothing(fd: int) -> None:
    page_cache.read_ahead(fd)
    page_cache.read_ahead(-1)
    assert os.pread(fd, 3, 0) == b"xxx"
