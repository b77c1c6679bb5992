"""Folders below an archive's root: made, opened once, flushed together."""

import os
from contextlib import suppress

from core.files import durable
from core.files.closing import release

PRIVATE, SHARED = 0o700, 0o755
"""Modes of Lading's own folders and of those that hold the payload."""

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Folders:
    """Descriptors of folders by their path below `root`, no component of it a link.

    `whole`: the file system is one that may be synced as a whole (files.durable).
    """

    def __init__(self, root: int, *, whole: bool = False) -> None:
        self._root = root
        self._whole = whole
        self._fds: dict[str, int] = {}

    def at(self, path: str, make: int = 0) -> int:
        """The descriptor of a folder, made with the mode `make` when it and that are missing. Raises OSError."""
        if not path:
            return self._root
        fd = self._fds.get(path)
        if fd is None:
            above, _, name = path.rpartition("/")
            parent = self.at(above, make)
            try:
                fd = os.open(name, _FLAGS, dir_fd=parent)
            except FileNotFoundError:
                if not make:
                    raise
                with suppress(FileExistsError):
                    os.mkdir(name, make, dir_fd=parent)
                fd = os.open(name, _FLAGS, dir_fd=parent)
            self._fds[path] = fd
        return fd

    def open(self, path: str, flags: int, mode: int = 0o644, make: int = 0) -> int:
        """Open a file that is no link, in a folder that is reached over none. Raises OSError."""
        folder, _, name = path.rpartition("/")
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(name, flags, mode, dir_fd=self.at(folder, make))

    def names(self, path: str) -> list[str]:
        """What lies in a folder now. Raises OSError.

        Through a descriptor of its own: not every FUSE file system can list one twice.
        """
        fd = os.open(".", _FLAGS, dir_fd=self.at(path))
        try:
            return os.listdir(fd)
        finally:
            release(fd)

    def sync(self) -> None:
        """Flush the entries of all folders that were opened, and so of those that were made. Raises OSError.

        The ones above are flushed too, also when another worker made what lies in them: it may not have come
        to flush them yet.
        """
        durable.sync_folders([*self._fds.values(), self._root], self._root, self._whole)

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
