import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.files import noreplace

WAYS = (noreplace.RENAME, noreplace.LINK, noreplace.LOOK)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


@pytest.mark.parametrize("way", WAYS)
def test_free_name(way: str, folder: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new")
    noreplace.publish(way, folder, "a", folder, "b")
    assert (tmp_path / "b").read_bytes() == b"new"
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "b").stat().st_nlink == 1


@pytest.mark.parametrize("what", ["file", "folder", "link"])
@pytest.mark.parametrize("way", WAYS)
def test_taken_name(way: str, what: str, folder: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new")
    target = tmp_path / "b"
    if what == "file":
        target.write_bytes(b"old")
    elif what == "folder":
        target.mkdir()
    else:
        target.symlink_to("nowhere")
    before = target.lstat()
    with pytest.raises(FileExistsError):
        noreplace.publish(way, folder, "a", folder, "b")
    assert (target.lstat().st_ino, target.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert (tmp_path / "a").read_bytes() == b"new"


def test_probe_leaves_nothing(folder: int, tmp_path: Path) -> None:
    assert noreplace.probe(folder) == noreplace.RENAME
    assert list(tmp_path.iterdir()) == []


def unsupported(*_: object, **__: object) -> None:
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def test_probe_where_no_rename_without_replacing_exists(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ExFAT and some FUSE answer EINVAL for an absent name, too."""
    monkeypatch.setattr(noreplace, "rename", unsupported)
    assert noreplace.probe(folder) == noreplace.LINK
    monkeypatch.setattr(os, "link", unsupported)
    assert noreplace.probe(folder) == noreplace.LOOK
    assert list(tmp_path.iterdir()) == []


def test_probe_does_not_trust_a_rename_that_replaces(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replacing(from_folder: int, source: bytes, to_folder: int, target: bytes) -> None:
        exists = (tmp_path / os.fsdecode(target)).exists()
        os.rename(source, target, src_dir_fd=from_folder, dst_dir_fd=to_folder)
        if exists:
            raise FileExistsError(errno.EEXIST, "says so, but has replaced it")

    monkeypatch.setattr(noreplace, "rename", replacing)
    assert noreplace.probe(folder) == noreplace.LINK
    assert list(tmp_path.iterdir()) == []


def test_probe_tells_a_full_disk(folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(noreplace, "_make", full)
    with pytest.raises(OSError, match="space"):
        noreplace.probe(folder)


def test_library_without_the_call_is_not_offered(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noreplace, "_libc", object)
    with pytest.raises(OSError, match="implemented") as caught:
        noreplace.rename(folder, b"a", folder, b"b")
    assert caught.value.errno == errno.ENOSYS


def test_link_whose_old_name_stays_is_published(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"new")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(os, "unlink", refused)
    noreplace.publish(noreplace.LINK, folder, "a", folder, "b")
    assert (tmp_path / "b").read_bytes() == b"new"
