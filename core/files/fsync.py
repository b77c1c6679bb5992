"""Flushing bytes and names to the medium, so that they survive a power cut."""

import ctypes
import errno
import fcntl
import os
import sys
from collections.abc import Sequence
from functools import cache

from core.files import statfs

# Linux, sync_file_range(2).
_SYNC_FILE_RANGE_WRITE = 2
# fcntl(2) of macOS, <sys/fcntl.h>
_F_FULLFSYNC = 51
# fcntl(2) of macOS: F_FULLFSYNC "is currently implemented on HFS, MS-DOS (FAT), Universal Disk Format (UDF) and
# APFS file systems"; elsewhere it fails with one of these, and plain fsync is the most there is.
UNSUPPORTED = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL})

SYNCED_ONE_BY_ONE = 4
"""Up to so many files or folders are synced one by one even where the whole file system can be synced."""


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return libc


def start_write_back(fd: int) -> None:
    """Ask the kernel to begin writing `fd` out, without waiting; a hint only, so failure is ignored.

    Linux: sync_file_range(2). macOS has no such call.
    """
    if sys.platform == "linux":
        _libc().sync_file_range(fd, 0, 0, _SYNC_FILE_RANGE_WRITE)


@cache
def syncs_whole(platform: str = sys.platform, release: str = "") -> bool:
    """Whether syncfs(2) can be trusted: since Linux 5.8 it reports failed writes ("VERSIONS")."""
    if platform != "linux":
        return False
    numbers = (release or os.uname().release).split("-")[0].split(".")
    return all(number.isdigit() for number in numbers[:2]) and tuple(map(int, numbers[:2])) >= (5, 8)


def sync_whole(fd: int) -> None:
    """Flush the whole file system of `fd`, by syncfs(2). Raises OSError, also for a write that failed before."""
    if _libc().syncfs(fd) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def full_flush(fd: int, platform: str = sys.platform) -> bool:
    """Flush everything written so far to the device of `fd` to the medium. Returns False when only the drive's
    cache has it, because the file system offers no more.

    On Linux fsync(2) is enough; on macOS only F_FULLFSYNC is. Raises OSError.
    """
    if platform == "darwin":
        try:
            fcntl.fcntl(fd, _F_FULLFSYNC)
            return True
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
    os.fsync(fd)
    return platform != "darwin"


def sync_files(fds: Sequence[int], whole: int = -1, platform: str = sys.platform) -> None:
    """Flush many files with one wait and one full flush at the end.

    `whole`: a descriptor on their file system, opened before they were written, where the whole file system may be
    synced (Linux, local): one call replaces one barrier per file, and reports every failed write since that
    descriptor was opened. Without it (-1): write-back for all, then fsync for each.

    Raises OSError: the data must then be written again, never only synced again (after a failure Linux marks the
    pages clean: fsync(2), "ERRORS").
    """
    if whole >= 0 and len(fds) > SYNCED_ONE_BY_ONE:
        sync_whole(whole)
        # syncfs(2) of FAT and exFAT does not flush the drive's own cache; fsync(2) does.
        os.fsync(fds[-1])
        return
    if len(fds) > 1:
        for fd in fds:
            start_write_back(fd)
    for fd in fds:
        os.fsync(fd)
    if fds and platform == "darwin":
        full_flush(fds[-1], platform)


def sync_folders(fds: Sequence[int], root: int, whole: bool = False, platform: str = sys.platform) -> None:
    """Flush the entries of open folders, then the drive's cache through `root`; `whole` as in `sync_files`.

    A file system that cannot sync a folder says so with an errno of `UNSUPPORTED`; that is no failure. On macOS a
    share may say ENOENT (restic/restic#3720), and has no full flush of folders (SMBClient, smbfs_vnops.c,
    smbfs_vnop_ioctl: of regular files only).
    """
    network = platform == "darwin" and not statfs.of(root).local
    refusals = UNSUPPORTED | {errno.ENOENT} if network else UNSUPPORTED
    if whole and len(fds) > SYNCED_ONE_BY_ONE:
        sync_whole(root)
        fds = (root,)
    for fd in fds:
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in refusals:
                raise
    if platform == "darwin" and not network:
        full_flush(root, platform)
