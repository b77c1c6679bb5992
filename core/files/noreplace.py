"""Giving a file its final name without ever replacing another."""

import ctypes
import errno
import os
import sys
from contextlib import suppress
from functools import cache

from core.files import in_use

# rename(2) of Linux, <linux/fs.h>
_RENAME_NOREPLACE = 1
# renameatx_np(2) of macOS, <sys/stdio.h>
_RENAME_EXCL = 4

RENAME, LINK, LOOK = "rename", "link", "look"
"""The three ways, best first: an atomic no-replace rename; link and unlink; check, then rename. In the last one
only the archive's lock protects against a race, and not against a foreign writer."""


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def rename(from_folder: int, source: bytes, to_folder: int, target: bytes) -> None:
    """Rename without replacing. Raises FileExistsError, or OSError (EINVAL, ENOTSUP, ENOSYS: not supported)."""
    darwin = sys.platform == "darwin"
    flag = _RENAME_EXCL if darwin else _RENAME_NOREPLACE
    try:
        call = getattr(_libc(), "renameatx_np" if darwin else "renameat2")
    except AttributeError as error:  # glibc before 2.28
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from error
    if call(from_folder, source, to_folder, target, ctypes.c_uint(flag)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), os.fsdecode(target))


def publish(way: str, from_folder: int, source: str, to_folder: int, target: str) -> None:
    """Move `source` to the name `target`, which must be free.

    Raises FileExistsError when it is taken, OSError on any other failure.
    """
    if way == RENAME:
        rename(from_folder, os.fsencode(source), to_folder, os.fsencode(target))
    elif way == LINK:
        os.link(source, target, src_dir_fd=from_folder, dst_dir_fd=to_folder, follow_symlinks=False)
        # The file has its name; a second name left in staging does no harm, and is removed at the end.
        with suppress(OSError):
            os.unlink(source, dir_fd=from_folder)
    else:
        try:
            os.stat(target, dir_fd=to_folder, follow_symlinks=False)
        except FileNotFoundError:
            in_use.rename(source, target, from_folder, to_folder)
        else:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)


def _make(folder: int, name: str, text: bytes) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
    try:
        os.write(fd, text)
    finally:
        os.close(fd)


def _read(folder: int, name: str) -> bytes:
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(fd, 2)
    finally:
        os.close(fd)


def _works(way: str, folder: int, names: tuple[str, str, str]) -> bool:
    """Whether `way` moves onto a free name and refuses a taken one, leaving the taken file as it was.

    EINVAL even for a free name says that the file system does not support the way: Linux, rename(2), and of FUSE
    fs/fuse/dir.c: fuse_rename2.
    """
    first, second, target = names
    waits = iter(in_use.DELAYS)
    try:
        _make(folder, first, b"1")
        _make(folder, second, b"2")
        try:
            publish(way, folder, first, folder, target)
        except OSError as error:
            # rclone answers EIO when it is asked for a link.
            if error.errno == errno.EIO:
                return False
            raise
        try:
            publish(way, folder, second, folder, target)
        except FileExistsError:
            return _read(folder, target) == b"1"
        return False
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO):
            raise
        return False
    finally:
        for name in names:
            with suppress(OSError):
                in_use.remove(name, folder, f"{name}-", folder, waits)


def probe(folder: int) -> str:
    """The best way that the file system of `folder` supports, found by trying. Raises OSError when it cannot be
    written."""
    tag = os.urandom(6).hex()
    for way in (RENAME, LINK):
        if _works(way, folder, (f"probe-{tag}-a", f"probe-{tag}-b", f"probe-{tag}-c")):
            return way
    return LOOK
