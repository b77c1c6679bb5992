"""Reading what is on the medium, not what is in memory."""

import os
import sys

# fcntl(2) of macOS, <sys/fcntl.h>
_F_NOCACHE = 48


def uncached(fd: int, platform: str = sys.platform) -> None:
    """Let later reads of `fd` pass the page cache by: F_NOCACHE on macOS. Raises OSError."""
    if platform == "darwin":
        import fcntl

        fcntl.fcntl(fd, _F_NOCACHE, 1)


def drop(fd: int, platform: str = sys.platform) -> bool:
    """Drop the clean pages of `fd` and say whether its first byte is out of memory now.

    Linux: posix_fadvise(2) POSIX_FADV_DONTNEED, checked by preadv2(2) RWF_NOWAIT, which answers EAGAIN for a
    byte that is not cached. macOS: F_NOCACHE, which cannot be checked. An empty file has nothing to drop.
    """
    if platform == "darwin":
        uncached(fd, platform)
        return True
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    try:
        return os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT) == 0
    except BlockingIOError:
        return True
    except OSError:
        return False  # the file system does not offer RWF_NOWAIT: nothing is known


def read_ahead(fd: int) -> None:
    """Start reading `fd` in the background (posix_fadvise(2) POSIX_FADV_WILLNEED); macOS does so by itself."""
    if sys.platform == "linux":
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED)
