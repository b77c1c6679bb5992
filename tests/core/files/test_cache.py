import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.files import cache

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
    monkeypatch.setattr(cache, "pages", lambda _: None)
    assert [cache.drop(fd) for _ in range(5)] == [True, True, False, False, False]


@linux
def test_a_page_that_is_held_for_a_moment_is_dropped_at_the_next_try(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [3, 0]
    monkeypatch.setattr(cache, "pages", lambda _: left.pop(0))
    assert cache.drop(fd)
    assert left == []
    monkeypatch.setattr(cache, "pages", lambda _: 1)
    assert not cache.drop(fd)


@linux
def test_memory_file_system_is_not_taken_for_a_medium() -> None:
    """On tmpfs the pages are the file: no reading back leaves memory."""
    fd = os.memfd_create("file")
    try:
        os.write(fd, b"x" * 10_000)
        os.fsync(fd)
        assert not cache.drop(fd)
    finally:
        os.close(fd)


@linux
def test_dirty_page_is_not_dropped(fd: int) -> None:
    if cache.drop(fd):
        pytest.skip("was written out already")
    assert os.pread(fd, 1, 0) == b"x"


def test_macos_asks_for_no_cache(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(fcntl, "fcntl", lambda *arguments: asked.append(arguments))
    assert cache.drop(fd, "darwin")
    assert cache.uncached(fd, "darwin")
    assert asked == [(fd, 48, 1)] * 2


def test_macos_refusal_is_told(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise refuse(errno.ENOTSUP)

    monkeypatch.setattr(fcntl, "fcntl", fail)
    assert not cache.drop(fd, "darwin")
    assert not cache.uncached(fd, "darwin")


def test_reading_ahead_changes_nothing(fd: int) -> None:
    cache.read_ahead(fd)
    cache.read_ahead(-1)
    assert os.pread(fd, 3, 0) == b"xxx"
