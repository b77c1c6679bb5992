"""How much room a file system has."""

import ctypes
import os
import struct
import sys

import msgspec

# <sys/mount.h> of macOS, 64-bit inode layout: f_bsize, f_iosize, f_blocks, f_bfree, f_bavail.
_STATFS = struct.Struct("=IiQQQ")
# sizeof(struct statfs) is 2168 there.
_STATFS_ROOM = 4096


class Space(msgspec.Struct, frozen=True):
    """In bytes: the whole, what is free, and what of that an ordinary user may use."""

    total: int
    free: int
    available: int


def space(path: bytes, platform: str = sys.platform) -> Space | None:
    """The room of the file system that holds `path`; None where it tells of none at all, as smbnetfs does.

    Raises OSError; blocks on a dead mount (see `probe`).

    macOS: statfs(2), because `struct statvfs` there counts blocks in 32 bits, and `os.statvfs` wraps with it
    at 2**32 blocks before Python 3.13 (python/cpython#87804): at 4 TiB for blocks of 1 KiB.
    Elsewhere: statvfs(3).
    """
    if platform == "darwin":
        room = parse_statfs(_statfs(path))
    else:
        found = os.statvfs(path)
        block = found.f_frsize or found.f_bsize
        room = Space(found.f_blocks * block, found.f_bfree * block, found.f_bavail * block)
    return room if room.total else None


def parse_statfs(data: bytes) -> Space:
    """The room told by the bytes of a macOS `struct statfs` in its 64-bit inode layout.

    Raises struct.error when there are fewer than 32 bytes.
    """
    block, _, blocks, free, available = _STATFS.unpack_from(data)
    return Space(blocks * block, free * block, available * block)


def _statfs(path: bytes) -> bytes:
    library = ctypes.CDLL(None, use_errno=True)
    # On Intel the plain name is the layout of before 10.6; Apple silicon has the plain name only.
    name = "statfs$INODE64" if hasattr(library, "statfs$INODE64") else "statfs"
    room = ctypes.create_string_buffer(_STATFS_ROOM)
    if library[name](ctypes.c_char_p(path), room) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)
    return room.raw
