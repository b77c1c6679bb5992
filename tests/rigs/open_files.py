"""A server that neither removes nor renames a file that is open, below a client that closes files late."""

import errno
import os
import stat
from typing import Any

import pytest

_open, _rename, _unlink = os.open, os.rename, os.unlink


class Server:
    """Files that were opened for reading stay open until somebody has tried to rename them.

    One that is open when it is to be removed is refused, and is in `stuck` then: some clients do not show it any
    more, although the server still has it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stuck: list[str] = []
        self.refused = 0
        self._still_open: set[int] = set()
        monkeypatch.setattr(os, "open", self._opened)
        monkeypatch.setattr(os, "rename", self._renamed)
        monkeypatch.setattr(os, "unlink", self._removed)

    def _opened(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        fd = _open(path, flags, mode, dir_fd=dir_fd)
        facts = os.fstat(fd)
        if stat.S_ISREG(facts.st_mode) and flags & os.O_ACCMODE == os.O_RDONLY:
            self._still_open.add(facts.st_ino)
        return fd

    def _is_open(self, name: Any, folder: int | None) -> bool:
        try:
            return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino in self._still_open
        except FileNotFoundError:
            return False

    def _renamed(
        self, source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        if self._is_open(source, src_dir_fd) or self._is_open(target, dst_dir_fd):
            self._still_open.clear()
            self.refused += 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        _rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def _removed(self, name: Any, *, dir_fd: int | None = None) -> None:
        if self._is_open(name, dir_fd):
            self.stuck.append(str(name))
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        _unlink(name, dir_fd=dir_fd)
