"""Opening files beneath a folder, and nothing outside it, whatever names and links say."""

import errno
import os
import stat

from core.files.fds import release

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: a FIFO that took a file's place must not block open(2).
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Even reading changes a source: its access times. Only the owner may set this flag (open(2), O_NOATIME).
_NOATIME = getattr(os, "O_NOATIME", 0)
# The errors of opening a mount point when its device is gone.
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EIO, errno.ENXIO, errno.ENODEV})

REFUSED = frozenset({errno.EPERM, errno.EACCES})
"""The errors of a program without permission: errno(3). macOS answers EPERM for what its privacy settings keep
from a program (xnu, bsd/sys/errno.h)."""


class LostError(Exception):
    """The root is no longer the folder it was: it was unplugged or unmounted, or another one is in its place."""


class RefusedError(LostError):
    """The root may not be opened any more, because this program has lost the permission. `code` is the errno."""

    def __init__(self, root: str, code: int) -> None:
        super().__init__(root)
        self.code = code


class NotRegularError(OSError):
    """The file of this name is not a regular file now."""


def _open(name: bytes, flags: int, folder: int | None = None) -> int:
    try:
        return os.open(name, flags | _NOATIME, dir_fd=folder)
    except PermissionError:
        return os.open(name, flags, dir_fd=folder)


class Tree:
    """A folder that files are opened beneath, one path component after the other, never through a link.

    `root` is absolute; `device` and `inode` are those seen when it was chosen (0: accept any). Raises LostError
    when they differ, and its subclass RefusedError when the root that was chosen may not be opened any more. Paths
    longer than PATH_MAX work, because no path is passed on whole.
    """

    def __init__(self, root: bytes, device: int = 0, inode: int = 0) -> None:
        self.root = root
        self.device = device
        self.inode = inode
        self._fd = -1
        self._folder: tuple[bytes, int] | None = None

    def fileno(self) -> int:
        """The descriptor of the root, which is opened if it is closed. Raises LostError, OSError."""
        if self._fd < 0:
            try:
                fd = _open(self.root, _FOLDER)
            except OSError as error:
                if error.errno in _GONE:
                    raise LostError(os.fsdecode(self.root)) from error
                if self.inode and error.errno in REFUSED:
                    raise RefusedError(os.fsdecode(self.root), error.errno) from error
                raise
            try:
                facts = os.fstat(fd)
                if self.inode and (facts.st_dev, facts.st_ino) != (self.device, self.inode):
                    raise LostError(os.fsdecode(self.root))
            except BaseException:
                release(fd)
                raise
            self.device, self.inode = facts.st_dev, facts.st_ino
            self._fd = fd
        return self._fd

    def anew(self) -> None:
        """Open the root again and list one name in it. Raises LostError when it is another folder, OSError."""
        self.close()
        root = self.fileno()
        try:
            with os.scandir(root) as found:
                next(found, None)
        except OSError as error:
            if error.errno in REFUSED:
                raise RefusedError(os.fsdecode(self.root), error.errno) from error
            raise

    def folder(self, path: bytes) -> int:
        """A descriptor of the folder `path`, which stays open until another folder is asked for. Raises LostError,
        OSError."""
        if not path:
            return self.fileno()
        if self._folder is not None:
            if self._folder[0] == path:
                return self._folder[1]
            release(self._folder[1])
            self._folder = None
        current = root = self.fileno()
        for name in path.split(b"/"):
            try:
                below = _open(name, _FOLDER | os.O_NOFOLLOW, current)
            finally:
                if current != root:
                    release(current)
            current = below
        self._folder = (path, current)
        return current

    def open(self, path: bytes) -> int:
        """Open the regular file `path` for reading.

        Raises NotRegularError when it is not a regular file (any more), LostError, or another OSError.
        """
        parent, _, name = path.rpartition(b"/")
        fd = _open(name, _FILE, self.folder(parent))
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise NotRegularError(errno.EINVAL, "not a regular file any more", os.fsdecode(path))
        except BaseException:
            release(fd)
            raise
        return fd

    def close(self) -> None:
        """Close every descriptor; the next call opens them again and checks that the root is the same."""
        if self._folder is not None:
            release(self._folder[1])
            self._folder = None
        if self._fd >= 0:
            release(self._fd)
            self._fd = -1

    def __enter__(self) -> "Tree":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
