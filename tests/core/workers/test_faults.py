"""What the system said, and what that means for one file or for its whole volume."""

import errno
import os
from pathlib import Path

import pytest

from core.files import fsync, statfs
from core.files.open_beneath import LostError, RefusedError, Tree
from core.models import Side
from core.workers import archive_files, archive_messages
from core.workers.audit import audit
from core.workers.dir_fds import Folders
from core.workers.faults import EAUTH, LOST, archive_fault, fault_of, lost
from core.workers.messages import Place
from core.workers.shared_memory import Control

DOUBTFUL = [errno.ENOTDIR, errno.EBADF, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP]


def place(folder: Path) -> Place:
    facts = folder.stat()
    return Place(os.fsencode(folder), facts.st_dev, facts.st_ino, "rename", "medium")


@pytest.mark.parametrize("code", DOUBTFUL)
def test_one_file_s_fault_stays_its_own_while_the_root_is_the_root(tmp_path: Path, code: int) -> None:
    fault = archive_fault(OSError(code, os.strerror(code)), place(tmp_path), "read back: ")
    assert (fault.code, fault.lost, fault.text) == (code, False, f"read back: {os.strerror(code)}")


@pytest.mark.parametrize("code", DOUBTFUL)
def test_it_is_the_whole_volume_s_when_the_root_is_not_the_root_any_more(tmp_path: Path, code: int) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    was = place(archive)
    archive.rename(tmp_path / "before")
    archive.mkdir()
    assert archive_fault(OSError(code, os.strerror(code)), was).lost


@pytest.mark.parametrize("gone", [True, False])
def test_folders_of_a_volume_that_macos_unmounted_by_force_are_no_file_system_that_cannot_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    def dead(_: int) -> statfs.StatFs:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    archive = tmp_path / "archive"
    archive.mkdir()
    was = place(archive)
    if gone:
        archive.rename(tmp_path / "before")
    monkeypatch.setattr(statfs, "of", dead)
    with pytest.raises(OSError, match=os.strerror(errno.ENOTSUP)) as found:
        fsync.sync_folders([], 98, platform="darwin")
    fault = archive_fault(found.value, was, "flush: ")
    assert fault.lost is gone
    # An import that is told this code by a flush does not go on by itself (transfer: cannot_flush).
    assert (fault.code in fsync.UNSUPPORTED) is not gone


@pytest.mark.parametrize("code", [errno.EPERM, errno.EACCES])
@pytest.mark.parametrize("step", ["open", "scandir"])
def test_a_root_that_may_not_be_opened_any_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, step: str
) -> None:
    was = place(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, refuse)
        fault = archive_fault(OSError(errno.ENOTDIR, "Not a directory"), was)
    assert (fault.lost, fault.code, fault.text) == (True, code, os.strerror(code))


def test_a_root_is_refused_only_when_it_could_be_opened_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = place(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        Tree(was.root).fileno()
    with pytest.raises(RefusedError) as found:
        Tree(was.root, was.device, was.inode).fileno()
    assert found.value.code == errno.EPERM


def test_what_a_lost_session_says_is_a_volume_that_is_away() -> None:
    assert {EAUTH, errno.ENETRESET} <= lost("darwin")
    assert EAUTH not in lost("linux")  # another error there
    assert fault_of(OSError(errno.ENETRESET, "reset"), Side.ARCHIVE).lost
    assert lost() == LOST


def test_files_are_not_called_missing_when_their_volume_went_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    request = archive_messages.Presence(place(archive), [("data/a", 1)])
    assert archive_files.presence(request).there == [False]
    stat = os.stat

    def gone(*args: object, **named: object) -> os.stat_result:
        archive.rename(tmp_path / "before")
        return stat(*args, **named)  # type: ignore[arg-type]

    (archive / "data").mkdir()
    monkeypatch.setattr(os, "stat", gone)
    with pytest.raises(LostError):
        archive_files.presence(request)


def test_an_audit_takes_nothing_for_damaged_because_its_volume_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    request = archive_messages.Audit(place(archive), [("data/a", 1, b"", b"")])
    slot = Control.create().slot(0)

    def gone(self: Folders, path: str, flags: int) -> int:
        archive.rename(tmp_path / "before")
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory")

    monkeypatch.setattr(Folders, "open", gone)
    ((_, fault),) = audit(request, memoryview(bytearray(1)), slot).files
    assert fault
    assert fault.lost


def test_what_is_in_icloud_only_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: Folders, path: str, flags: int) -> int:
        raise OSError(errno.EDEADLK, "Resource deadlock avoided")

    monkeypatch.setattr(Folders, "open", away)
    request = archive_messages.Audit(place(tmp_path), [("data/a", 1, b"", b"")])
    with pytest.raises(OSError, match="deadlock"):
        audit(request, memoryview(bytearray(1)), Control.create().slot(0))
