"""Reading what is on the medium, not what is in memory."""

import ctypes
import os
import sys
import time
from contextlib import suppress
from functools import cache as once

# fcntl(2) of macOS, <sys/fcntl.h>
_F_NOCACHE = 48
# cachestat(2): one number on every architecture, <asm-generic/unistd.h>.
_CACHESTAT = 451

WAITS = (0, 0.002, 0.01)
"""Seconds before each try to drop the pages."""


@once
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def uncached(fd: int, platform: str = sys.platform) -> bool:
    """Let reads and writes of `fd` pass the page cache by (macOS: F_NOCACHE); False where that is refused.

    Linux has nothing to set: `drop` empties the cache there.
    """
    if platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(fd, _F_NOCACHE, 1)
        except OSError:
            return False
    return True


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Cached(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("pages", "dirty", "write_back", "evicted", "recently"))


def pages(fd: int) -> int | None:
    """Pages of `fd` in memory, by cachestat(2) of Linux 6.5; None where that is not offered."""
    found = _Cached()
    answer = _libc().syscall(
        ctypes.c_long(_CACHESTAT),
        ctypes.c_int(fd),
        ctypes.byref(_Range(0, 0)),
        ctypes.byref(found),
        ctypes.c_uint(0),
    )
    return None if answer else int(found.pages)


def drop(fd: int, platform: str = sys.platform) -> bool:
    """Drop the clean pages of `fd` and say whether it is known to be out of memory now.

    Linux: posix_fadvise(2) POSIX_FADV_DONTNEED, tried again for a page that somebody holds for a moment, and
    checked: by the number of pages left, else (an older Linux) by preadv2(2) RWF_NOWAIT, which answers EAGAIN
    when the first byte is not cached. On tmpfs the pages are the file. macOS: F_NOCACHE, which cannot be checked.
    """
    if platform == "darwin":
        return uncached(fd, platform)
    for wait in WAITS:
        time.sleep(wait)
        with suppress(OSError):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        left = pages(fd)
        if left is None:
            return _first_byte_is_out(fd)
        if not left:
            return True
    return False


def _first_byte_is_out(fd: int) -> bool:
    try:
        return os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT) == 0
    except BlockingIOError:
        return True
    except OSError:
        return False  # the file system does not offer RWF_NOWAIT: nothing is known


AHEAD = 1 << 20


def read_ahead(fd: int) -> None:
    """Start reading the first bytes of `fd` in the background; macOS does so by itself.

    posix_fadvise(2) POSIX_FADV_WILLNEED: for a whole large file it would read all of that before it returns.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.posix_fadvise(fd, 0, AHEAD, os.POSIX_FADV_WILLNEED)
