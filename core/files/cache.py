"""Reading what is on the medium, not what is in memory."""

import os
import sys
from contextlib import suppress

# fcntl(2) of macOS, <sys/fcntl.h>
_F_NOCACHE = 48


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


def drop(fd: int, platform: str = sys.platform) -> bool:
    """Drop the clean pages of `fd` and say whether its first byte is known to be out of memory now.

    Linux: posix_fadvise(2) POSIX_FADV_DONTNEED, checked by preadv2(2) RWF_NOWAIT, which answers EAGAIN for a
    byte that is not cached (tmpfs, whose pages are the file, answers with the byte). macOS: F_NOCACHE, which
    cannot be checked. An empty file has nothing to drop.
    """
    if platform == "darwin":
        return uncached(fd, platform)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
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
