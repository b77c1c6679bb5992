"""Descriptors of folders below an archive's root: they are opened or made once, and flushed together."""

import os
from contextlib import suppress

from core.files import fsync
from core.files.descriptor_limit import share
from core.files.fds import release

MADE = 0o777
"""The mode of new folders, less the umask: the archive of a group is writable for all its members."""

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


MOST_OPEN = 1024
"""The most folders kept open: more than a batch needs, but fewer than a tree can have or a process may open."""


class Folders:
    """Descriptors of folders by their path below `root`; no component of the path may be a link.

    `whole`: the file system may be synced as a whole (files.fsync). `most`: the number of folders kept open, the
    most recently opened ones, so a descriptor may be closed after that many others were asked for; fewer where the
    process may not open as many files.
    """

    def __init__(self, root: int, *, whole: bool = False, most: int = MOST_OPEN) -> None:
        self._root = root
        self._whole = whole
        self._most = share(most)
        self._fds: dict[str, int] = {}
        self._closed: set[str] = set()

    def at(self, path: str, make: int = 0) -> int:
        """The descriptor of a folder; with `make`, a missing one and its parents are made with that mode. Raises
        OSError."""
        if not path:
            return self._root
        fd = self._fds.get(path)
        return self._walk(path, make) if fd is None else fd

    def _walk(self, path: str, make: int) -> int:
        """Walk from the nearest open folder, so that neither depth nor length of a path is limited."""
        end = len(path)
        while (end := path.rfind("/", 0, end)) > 0 and path[:end] not in self._fds:
            continue
        fd = self._fds[path[:end]] if end > 0 else self._root
        for name in path[end + 1 :].split("/"):
            end += 1 + len(name)
            fd = self._fds[path[:end]] = self._below(fd, name, make)
            if len(self._fds) > self._most:
                first = next(iter(self._fds))
                release(self._fds.pop(first))
                self._closed.add(first)
        return fd

    @staticmethod
    def _below(parent: int, name: str, make: int) -> int:
        try:
            return os.open(name, _FLAGS, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
        with suppress(FileExistsError):
            os.mkdir(name, make, dir_fd=parent)
        return os.open(name, _FLAGS, dir_fd=parent)

    def open(self, path: str, flags: int, mode: int = 0o666, make: int = 0) -> int:
        """Open a file that is not a link, through folders that are not links. Raises OSError."""
        folder, _, name = path.rpartition("/")
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(name, flags, mode, dir_fd=self.at(folder, make))

    def names(self, path: str) -> list[str]:
        """The names in a folder now. Raises OSError.

        It is read through a new descriptor, because not every FUSE file system can list one twice.
        """
        fd = os.open(".", _FLAGS, dir_fd=self.at(path))
        try:
            return os.listdir(fd)
        finally:
            release(fd)

    def sync(self) -> None:
        """Flush the entries of all folders that were opened, which includes those that were made. Raises OSError.

        Their parents are flushed, too, even where another worker made the folder, because that one may not have
        flushed them yet.
        """
        closed, self._closed = self._closed, set()
        fsync.sync_folders([*self._fds.values(), self._root], self._root, self._whole)
        # In this order the parent of each is open already.
        for path in sorted(closed):
            with suppress(FileNotFoundError):
                fsync.sync_folders([self.at(path)], self._root)
        if closed:
            self._closed.clear()

    def close(self) -> None:
        """Close all descriptors but the root's."""
        for fd in self._fds.values():
            release(fd)
        self._fds = {}

    def __enter__(self) -> "Folders":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data`. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
