"""The space of a file system."""

import os
import sys

import msgspec

from core.files import statfs


class Space(msgspec.Struct, frozen=True):
    """In bytes: the total, what is free, and what of that an ordinary user may use. `files`: how many more files
    it can hold; None where there is no limit of its own, or it is not reported."""

    total: int
    free: int
    available: int
    files: int | None = None


def space(path: bytes, platform: str = sys.platform) -> Space | None:
    """The space of the file system that holds `path`; None where it reports no size at all, as smbnetfs does.

    Raises OSError; blocks on a dead mount (see `probe`).

    macOS: statfs(2), because `struct statvfs` there counts blocks in 32 bits, and `os.statvfs` wraps with it at
    2**32 blocks before Python 3.13 (python/cpython#87804): at 4 TiB for blocks of 1 KiB.
    Elsewhere: statvfs(3).
    """
    if platform == "darwin":
        told = statfs.of(path)
        room = Space(told.blocks * told.block, told.free * told.block, told.available * told.block)
    else:
        found = os.statvfs(path)
        block = found.f_frsize or found.f_bsize
        files = found.f_favail if found.f_files else None
        room = Space(found.f_blocks * block, found.f_bfree * block, found.f_bavail * block, files)
    return room if room.total else None
