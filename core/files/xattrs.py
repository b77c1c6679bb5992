"""Extended attributes of a source file, for the journal."""

import ctypes
import os
import sys
from functools import cache

LONGEST = 64 << 10
"""Bytes of an attribute that is recorded; of a longer one (a resource fork, say) only the name is."""


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _macos(fd: int) -> dict[str, bytes]:
    """flistxattr(2), fgetxattr(2) of macOS: both take a position and options more than Linux's."""
    libc = _libc()
    size = libc.flistxattr(fd, None, ctypes.c_size_t(0), 0)
    if size <= 0:
        return {}
    names = ctypes.create_string_buffer(size)
    size = libc.flistxattr(fd, names, ctypes.c_size_t(size), 0)
    found: dict[str, bytes] = {}
    for name in names.raw[: max(size, 0)].split(b"\0")[:-1]:
        value = ctypes.create_string_buffer(LONGEST)
        length = libc.fgetxattr(fd, name, value, ctypes.c_size_t(LONGEST), ctypes.c_uint32(0), 0)
        found[os.fsdecode(name)] = value.raw[: max(length, 0)]
    return found


def of(fd: int) -> dict[str, bytes]:
    """The attributes of an open file, by name; empty where the file system has none or refuses."""
    if sys.platform == "darwin":
        return _macos(fd)
    found: dict[str, bytes] = {}
    try:
        for name in os.listxattr(fd):
            value = os.getxattr(fd, name)
            found[name] = value if len(value) <= LONGEST else b""
    except OSError:
        return found
    return found
