import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.files import fsync, statfs


@pytest.fixture
def fds(tmp_path: Path) -> Iterator[list[int]]:
    fds = [os.open(tmp_path / f"{number}", os.O_WRONLY | os.O_CREAT) for number in range(6)]
    yield fds
    for fd in fds:
        os.close(fd)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is synced, in order, and how."""
    made: list[tuple[str, int]] = []
    monkeypatch.setattr(os, "fsync", lambda fd: made.append(("fsync", fd)))
    monkeypatch.setattr(fsync, "start_write_back", lambda fd: made.append(("start", fd)))
    monkeypatch.setattr(fsync, "sync_whole", lambda fd: made.append(("whole", fd)))
    monkeypatch.setattr(fcntl, "fcntl", lambda fd, command: made.append((f"fcntl {command}", fd)))
    volume(monkeypatch, local=True)
    return made


def volume(monkeypatch: pytest.MonkeyPatch, *, local: bool) -> None:
    """fstatfs(2) of macOS, on a disk or on a share."""
    monkeypatch.setattr(statfs, "of", lambda fd: statfs.StatFs(b"/Volumes/x", local, 4096, 9, 9, 9))


def test_write_back_starts_for_all_before_the_first_wait(fds: list[int], calls: list[tuple[str, int]]) -> None:
    fsync.sync_files(fds, platform="linux")
    assert calls == [("start", fd) for fd in fds] + [("fsync", fd) for fd in fds]


def test_whole_file_system_at_once(fds: list[int], calls: list[tuple[str, int]]) -> None:
    fsync.sync_files(fds, whole=99, platform="linux")
    assert calls == [("whole", 99), ("fsync", fds[-1])]
    calls.clear()
    fsync.sync_files(fds[:2], whole=99, platform="linux")
    assert ("whole", 99) not in calls
    calls.clear()
    fsync.sync_folders(fds, 98, whole=True, platform="linux")
    assert calls == [("whole", 98), ("fsync", 98)]


def test_macos_ends_with_one_full_flush(fds: list[int], calls: list[tuple[str, int]]) -> None:
    fsync.sync_files(fds, platform="darwin")
    assert calls[-7:] == [("fsync", fd) for fd in fds] + [("fcntl 51", fds[-1])]
    calls.clear()
    fsync.sync_folders(fds[:2], 98, platform="darwin")
    assert calls == [("fsync", fds[0]), ("fsync", fds[1]), ("fcntl 51", 98)]


@pytest.mark.parametrize("code", [errno.ENOTSUP, errno.ENOTTY, errno.EINVAL])
def test_macos_without_full_flush_falls_back(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[str, int]], code: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "fcntl", fail)
    assert not fsync.full_flush(7, "darwin")
    assert calls == [("fsync", 7)]


def test_a_full_flush_says_that_it_was_full(calls: list[tuple[str, int]]) -> None:
    assert fsync.full_flush(7, "darwin")
    assert fsync.full_flush(8, "linux")
    assert calls == [("fcntl 51", 7), ("fsync", 8)]


def test_macos_folders_of_a_share_are_not_fully_flushed(
    fds: list[int], calls: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume(monkeypatch, local=False)
    fsync.sync_folders(fds[:2], 98, platform="darwin")
    assert calls == [("fsync", fds[0]), ("fsync", fds[1])]


@pytest.mark.parametrize("local", [True, False])
def test_macos_a_share_may_not_know_the_folder_that_is_synced(
    fds: list[int], calls: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch, local: bool
) -> None:
    def fail(_: int) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(os, "fsync", fail)
    volume(monkeypatch, local=local)
    if local:
        with pytest.raises(FileNotFoundError):
            fsync.sync_folders(fds[:2], 98, platform="darwin")
    else:
        fsync.sync_folders(fds[:2], 98, platform="darwin")
    assert calls == []


def test_macos_failing_full_flush_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[str, int]]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "fcntl", fail)
    with pytest.raises(OSError, match="output error"):
        fsync.full_flush(7, "darwin")
    assert calls == []


@pytest.mark.parametrize(("code", "well"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_folder_that_cannot_be_synced(
    fds: list[int], monkeypatch: pytest.MonkeyPatch, code: int, well: bool
) -> None:
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    if well:
        fsync.sync_folders(fds[:2], fds[0], platform="linux")
    else:
        with pytest.raises(OSError, match="output error"):
            fsync.sync_folders(fds[:2], fds[0], platform="linux")


@pytest.mark.parametrize(
    ("platform", "release", "trusted"),
    [
        ("linux", "6.8.0-41-generic", True),
        ("linux", "5.8.0", True),
        ("linux", "5.7.19-arch", False),
        ("linux", "4.19.0", False),
        ("linux", "odd", False),
        ("darwin", "24.1.0", False),
    ],
)
def test_whole_is_trusted_since_linux_5_8(platform: str, release: str, trusted: bool) -> None:
    assert fsync.syncs_whole(platform, release) is trusted


def test_files_and_folders_are_flushed_by_the_real_calls(fds: list[int], tmp_path: Path) -> None:
    root = os.open(tmp_path, os.O_RDONLY)
    try:
        whole = root if fsync.syncs_whole() else -1
        fsync.sync_files(fds, whole)
        fsync.sync_files(fds)
        fsync.sync_folders([root] * 6, root, whole >= 0)
        if whole >= 0:
            with pytest.raises(OSError, match="descriptor"):
                fsync.sync_files(fds, 10**6)
    finally:
        os.close(root)
