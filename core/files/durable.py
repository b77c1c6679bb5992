"""Making bytes and names survive a power cut."""

import ctypes
import errno
import fcntl
import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache

# Linux, sync_file_range(2).
_SYNC_FILE_RANGE_WRITE = 2
# fcntl(2) of macOS, <sys/fcntl.h>
_F_FULLFSYNC = 51
# fsync(2) of macOS: "F_FULLFSYNC ... is currently implemented on HFS, MS-DOS, UDF and APFS"; elsewhere it
# fails with one of these, and plain fsync is the most there is.
UNSUPPORTED = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL})


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def start_write_back(fd: int) -> None:
    """Ask the kernel to begin writing `fd` out, without waiting; a hint only, so failure is ignored.

    Linux: sync_file_range(2). macOS has no such call.
    """
    if sys.platform == "linux":
        _libc().sync_file_range(
            ctypes.c_int(fd), ctypes.c_int64(0), ctypes.c_int64(0), ctypes.c_uint(_SYNC_FILE_RANGE_WRITE)
        )


def full_flush(fd: int, platform: str = sys.platform) -> None:
    """Everything written so far to the device of `fd` is on the medium, not in the drive's cache.

    On Linux fsync(2) does that already; on macOS only F_FULLFSYNC does. Raises OSError.
    """
    if platform == "darwin":
        try:
            fcntl.fcntl(fd, _F_FULLFSYNC)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            os.fsync(fd)
    else:
        os.fsync(fd)


def sync_files(fds: Sequence[int], platform: str = sys.platform) -> None:
    """Flush many files with one wait: write-back for all, fsync for each, one full flush at the end.

    Raises OSError of the first failing fsync: the data must then be written again, never only synced again
    (after a failure Linux marks the pages clean: fsync(2), "ERRORS").
    """
    for fd in fds:
        start_write_back(fd)
    for fd in fds:
        os.fsync(fd)
    if fds and platform == "darwin":
        full_flush(fds[-1], platform)


def sync_folders(folders: Iterable[str], root: int, platform: str = sys.platform) -> None:
    """Flush the entries of `folders` (paths relative to the descriptor `root`), then the drive's cache.

    A file system that cannot sync a folder says so with an errno of `UNSUPPORTED`; that is no failure.
    """
    for folder in folders:
        fd = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
        finally:
            os.close(fd)
    if platform == "darwin":
        full_flush(root, platform)
