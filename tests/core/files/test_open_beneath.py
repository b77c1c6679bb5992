import errno
import gc
import os
from pathlib import Path

import pytest

from core.files.open_beneath import LostError, NotRegularError, Tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/folder/below").mkdir(parents=True)
    (tmp_path / "root/folder/below/a.jpg").write_bytes(b"content")
    return tmp_path / "root"


def read(tree: Tree, path: bytes) -> bytes:
    fd = tree.open(path)
    try:
        return os.read(fd, 100)
    finally:
        os.close(fd)


def test_opens_what_lies_below(root: Path) -> None:
    with Tree(os.fsencode(root)) as tree:
        assert read(tree, b"folder/below/a.jpg") == b"content"
        assert (tree.device, tree.inode) == (root.stat().st_dev, root.stat().st_ino)
        tree.close()
        assert read(tree, b"folder/below/a.jpg") == b"content"


def test_keeps_one_folder_open_at_most(root: Path) -> None:
    gc.collect()
    before = len(os.listdir("/dev/fd"))
    with Tree(os.fsencode(root)) as tree:
        for path in (b"folder", b"folder/below", b"folder"):
            tree.folder(path)
            assert len(os.listdir("/dev/fd")) == before + 2
        with pytest.raises(FileNotFoundError):
            tree.folder(b"folder/nothing/at/all")
        assert len(os.listdir("/dev/fd")) == before + 1
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("path", [b"link/a.jpg", b"folder/link.jpg"])
def test_never_through_a_link(root: Path, path: bytes) -> None:
    (root / "link").symlink_to("folder/below")
    (root / "folder/link.jpg").symlink_to("below/a.jpg")
    with (
        Tree(os.fsencode(root)) as tree,
        pytest.raises(OSError, match=r"symbolic links|Not a directory") as caught,
    ):
        tree.open(path)
    assert caught.value.errno in (errno.ELOOP, errno.ENOTDIR)


@pytest.mark.parametrize("name", [b"fifo", b"folder"])
def test_only_regular_files(root: Path, name: bytes) -> None:
    os.mkfifo(root / "fifo")
    gc.collect()
    before = len(os.listdir("/dev/fd"))
    with Tree(os.fsencode(root)) as tree, pytest.raises(NotRegularError):
        tree.open(name)
    assert len(os.listdir("/dev/fd")) == before


def test_another_root_is_lost(root: Path, tmp_path: Path) -> None:
    with Tree(os.fsencode(root)) as tree:
        tree.fileno()
        tree.close()
        root.rename(tmp_path / "away")
        with pytest.raises(LostError):
            tree.fileno()
        root.mkdir()
        with pytest.raises(LostError):
            tree.open(b"folder/below/a.jpg")
        root.rmdir()
        (tmp_path / "away").rename(root)
        assert read(tree, b"folder/below/a.jpg") == b"content"


def test_device_that_went_is_lost(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "open", broken)
    with pytest.raises(LostError):
        Tree(os.fsencode(root)).fileno()


def test_path_longer_than_the_system_takes(tmp_path: Path) -> None:
    name = "n" * 200
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(30):
            os.mkdir(name, dir_fd=fd)
            below = os.open(name, os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        file = os.open("a.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=fd)
        os.write(file, b"deep")
        os.close(file)
    finally:
        os.close(fd)
    with Tree(os.fsencode(tmp_path)) as tree:
        assert read(tree, b"/".join([name.encode()] * 30 + [b"a.jpg"])) == b"deep"


def test_file_of_somebody_else_is_read_without_o_noatime(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noatime = getattr(os, "O_NOATIME", 0)
    if not noatime:
        pytest.skip("no O_NOATIME here")
    real = os.open

    def refusing(path: bytes, flags: int, *, dir_fd: int | None = None) -> int:
        if flags & noatime:
            raise PermissionError(errno.EPERM, "not the owner")
        return real(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    with Tree(os.fsencode(root)) as tree:
        assert read(tree, b"folder/below/a.jpg") == b"content"
