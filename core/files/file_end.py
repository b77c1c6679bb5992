"""Detects data beyond the size that a file system states for a file."""

import ctypes
import mmap
import os
import sys

from core.files.page_cache import libc

_FUSE = 0x65735546  # statfs(2), FUSE_SUPER_MAGIC
_PROT_READ, _MAP_PRIVATE, _MAP_FAILED = 1, 2, ctypes.c_void_p(-1).value
_STATFS = 256
"""Bytes enough for a struct statfs; its first member is the type, a long."""


def behind(fd: int, size: int, platform: str = sys.platform) -> bool:
    """Whether the page in which an open file of `size` bytes ends has a byte other than zero after that end.

    Linux asks the program of a FUSE file system for whole pages, and fills with zeros only what the program did
    not supply (fs/fuse/file.c, fuse_short_read). So if a file is longer than the program states, its further bytes
    are in the page, although read(2) does not return them. False if that cannot be seen: if the file ends at a
    page boundary, on other file systems, and on macOS.
    """
    rest = size % mmap.PAGESIZE
    if platform != "linux" or not rest or not _of_a_program(fd):
        return False
    address = libc().mmap(None, mmap.PAGESIZE, _PROT_READ, _MAP_PRIVATE, fd, size - rest)
    if address == _MAP_FAILED:
        return False
    reading, writing = os.pipe()
    try:
        # Reading a mapped page that was truncated meanwhile raises SIGBUS; write(2) from it fails with EFAULT.
        count = libc().write(writing, ctypes.c_void_p(address + rest), mmap.PAGESIZE - rest)
        return count > 0 and any(os.read(reading, count))
    finally:
        os.close(reading)
        os.close(writing)
        libc().munmap(address, mmap.PAGESIZE)


def _of_a_program(fd: int) -> bool:
    room = ctypes.create_string_buffer(_STATFS)
    return libc().fstatfs(fd, room) == 0 and ctypes.c_long.from_buffer(room).value == _FUSE
