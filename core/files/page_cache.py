"""Reading from the medium, not from memory."""

import ctypes
import mmap
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

# fcntl(2) of macOS, <sys/fcntl.h>
_F_NOCACHE = 48
# cachestat(2): one number on every architecture, <asm-generic/unistd.h>.
_CACHESTAT = 451

DROP_DELAYS = (0, 0.002, 0.01)
"""Seconds before each try to drop the pages; the first try is made at once."""


# mmap(2), msync(2) and mincore(2): one number each on Linux and on macOS (<sys/mman.h>).
_PROT_READ, _MAP_SHARED, _MS_INVALIDATE, _MINCORE_INCORE = 1, 1, 2, 1
_MAP_FAILED = ctypes.c_void_p(-1).value

MAPPED_BYTES = 1 << 30
"""Bytes of a file that are mapped at once."""


@cache
def libc() -> ctypes.CDLL:
    """The C library, with argument and result types declared."""
    library = ctypes.CDLL(None, use_errno=True)
    size, address, number = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int
    library.mmap.restype = address
    library.mmap.argtypes = (address, size, number, number, number, ctypes.c_int64)
    library.msync.argtypes = (address, size, number)
    library.mincore.argtypes = (address, size, address)
    library.munmap.argtypes = (address, size)
    return library


def uncached(fd: int, platform: str = sys.platform) -> bool:
    """Let reads and writes of `fd` bypass the page cache (macOS: F_NOCACHE). Returns False where that is refused.

    Linux has no such setting: `drop` empties the cache there.
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
    """How many pages of `fd` are in memory, by cachestat(2) of Linux 6.5; None where that is not supported."""
    found = _Cached()
    answer = libc().syscall(
        ctypes.c_long(_CACHESTAT),
        ctypes.c_int(fd),
        ctypes.byref(_Range(0, 0)),
        ctypes.byref(found),
        ctypes.c_uint(0),
    )
    return None if answer else int(found.pages)


def drop(fd: int, platform: str = sys.platform, *, ours: bool = False, once: bool = False) -> bool:
    """Drop the clean pages of `fd`. Returns whether it is known that none of them is in memory now.

    ours: a file of the archive, which nobody else writes to.
    once: try once only, because no level depends on it: on tmpfs every file would take all the delays.

    Linux: posix_fadvise(2) POSIX_FADV_DONTNEED, tried again for a page that another process holds for a moment,
    and checked: by the number of pages left, else (an older Linux) by preadv2(2) RWF_NOWAIT, which answers EAGAIN
    when the first byte is not cached. On tmpfs the pages are the file.

    macOS: F_NOCACHE only keeps new pages out; a page in memory is still returned to any reader (xnu,
    bsd/vfs/vfs_cluster.c, cluster_read_direct and cluster_read_copy). So the pages of a file of ours are
    discarded, and those left are counted.
    """
    if platform == "darwin":
        if not uncached(fd, platform):
            return False
        left = resident(fd)
        if left and ours:
            _discard(fd)
            left = resident(fd)
        return left == 0
    for wait in DROP_DELAYS[:1] if once else DROP_DELAYS:
        if wait:  # sleep(0) is a system call, too
            time.sleep(wait)
        with suppress(OSError):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        left = pages(fd)
        if left is None:
            return _first_byte_is_out(fd)
        if not left:
            return True
    return False


def resident(fd: int) -> int | None:
    """How many pages of `fd` are in memory, by mincore(2) (xnu, bsd/kern/kern_mman.c); None where that is
    refused."""
    count = 0
    try:
        for address, length in _mapped(fd):
            found = ctypes.create_string_buffer(-(-length // mmap.PAGESIZE))
            _checked(libc().mincore(address, length, found))
            count += sum(page & _MINCORE_INCORE for page in found.raw)
    except OSError:
        return None
    return count


def _discard(fd: int) -> None:
    """Free the pages of `fd` by msync(2) MS_INVALIDATE, where that is possible; on Linux it frees none.

    Never call it for a file that others write to: macOS may free pages that are not written yet (xnu,
    osfmk/vm/memory_object.c, memory_object_lock_page, with should_flush and without should_return). For the same
    reason everything is written first.
    """
    with suppress(OSError):
        os.fsync(fd)
        for address, length in _mapped(fd):
            _checked(libc().msync(address, length, _MS_INVALIDATE))


def _mapped(fd: int) -> Iterator[tuple[int, int]]:
    """Address and length (bytes) of one mapped part of the file after the other, each unmapped afterwards. Raises
    OSError."""
    size = os.fstat(fd).st_size
    for offset in range(0, size, MAPPED_BYTES):
        length = min(MAPPED_BYTES, size - offset)
        address = libc().mmap(None, length, _PROT_READ, _MAP_SHARED, fd, offset)
        _checked(-1 if address == _MAP_FAILED else 0)
        try:
            yield address, length
        finally:
            libc().munmap(address, length)


def _checked(answer: int) -> None:
    if answer:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _first_byte_is_out(fd: int) -> bool:
    """Whether the first byte of `fd` is not in memory, by preadv2(2) RWF_NOWAIT; False where that is not
    supported."""
    try:
        return os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT) == 0
    except BlockingIOError:
        return True
    except OSError:
        return False  # the file system does not offer RWF_NOWAIT: nothing is known


READAHEAD = 1 << 20
"""Bytes at the start of a file that `read_ahead` asks for."""


def read_ahead(fd: int) -> None:
    """Start reading the first bytes of `fd` in the background, on Linux.

    posix_fadvise(2) POSIX_FADV_WILLNEED: for a whole large file it would read all of it before it returns. macOS
    reads nothing ahead of a descriptor with F_NOCACHE (xnu, bsd/vfs/vfs_cluster.c, cluster_read_copy), and what
    F_RDADVISE fetches goes to the cache, which must not be read from here.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.posix_fadvise(fd, 0, READAHEAD, os.POSIX_FADV_WILLNEED)
