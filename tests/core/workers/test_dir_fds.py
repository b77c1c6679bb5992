"""Folders of an archive or a target are opened however deep they lie, and few of them stay open."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.workers.dir_fds import MADE, Folders

pytestmark = pytest.mark.process

DEPTH = 3000


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)
    # Too deep for pytest to remove.
    subprocess.run(["rm", "-rf", *tmp_path.iterdir()], check=True)


def open_now() -> int:
    return len(os.listdir("/dev/fd"))


def test_a_path_longer_than_any_call_takes(root: int) -> None:
    deep = "/".join(["a"] * DEPTH)
    before = open_now()
    with Folders(root, most=50) as folders:
        with pytest.raises(FileNotFoundError):
            folders.at(deep)
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=folders.at(deep, MADE)))
        assert open_now() - before <= 50
        assert os.listdir(folders.at(deep)) == ["file"]
        assert folders.names(deep[: -len("/a")]) == ["a"]
        folders.sync()
        assert open_now() - before <= 50
    assert open_now() == before


_FEW = """
import os, resource, sys
from core.files.descriptor_limit import raise_limit
from core.workers.dir_fds import MADE, Folders
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
raise_limit()
root = os.open(sys.argv[1], os.O_RDONLY)
with Folders(root) as folders:
    for number in range(200):
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=folders.at(f"a/{number:03}", MADE)))
    folders.sync()
"""


def test_a_process_that_may_open_few_files_keeps_fewer_folders_open(tmp_path: Path) -> None:
    """A limit of 256, as `ulimit -n 256` sets it, is less than the number of folders of a location."""
    done = subprocess.run([sys.executable, "-c", _FEW, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert len(list(tmp_path.glob("a/*/file"))) == 200


def test_one_that_was_closed_meanwhile_is_flushed_too(root: int, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: set[tuple[int, int]] = set()
    fsync = os.fsync

    def seen(fd: int) -> None:
        facts = os.fstat(fd)
        flushed.add((facts.st_dev, facts.st_ino))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", seen)
    made: set[tuple[int, int]] = set()
    with Folders(root, most=3) as folders:
        for path in ("a/b/c/d/e", "a/f", "g/h/i/j", "a/b/k"):
            for end in [*(at for at, one in enumerate(path) if one == "/"), len(path)]:
                facts = os.fstat(folders.at(path[:end], MADE))
                made.add((facts.st_dev, facts.st_ino))
        folders.sync()
    assert made < flushed


def test_no_link_is_followed_on_the_way(root: int, tmp_path: Path) -> None:
    (tmp_path / "real/below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with Folders(root) as folders:
        folders.at("real/below")
        with pytest.raises(OSError):  # noqa: PT011 - ENOTDIR or ELOOP
            folders.at("link/below", MADE)
