"""Extended attributes of a source file, for the journal."""

import ctypes
import os
import sys
from functools import cache

LONGEST = 64 << 10
"""Bytes of an attribute that is recorded; of a longer one (a resource fork, say) only the name is."""

TOGETHER = 1 << 20
"""Bytes of one file's attributes that are recorded; of those beyond only the names are."""


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _macos_names(fd: int) -> list[bytes]:
    """flistxattr(2) of macOS."""
    size = _libc().flistxattr(fd, None, ctypes.c_size_t(0), 0)
    if size <= 0:
        return []
    names = ctypes.create_string_buffer(size)
    size = _libc().flistxattr(fd, names, ctypes.c_size_t(size), 0)
    return names.raw[: max(size, 0)].split(b"\0")[:-1]


def _macos_value(fd: int, name: bytes) -> bytes:
    """fgetxattr(2) of macOS, which takes a position and options more than Linux's."""
    size = _libc().fgetxattr(fd, name, None, ctypes.c_size_t(0), ctypes.c_uint32(0), 0)
    if not 0 < size <= LONGEST:
        return b""
    value = ctypes.create_string_buffer(size)
    size = _libc().fgetxattr(fd, name, value, ctypes.c_size_t(size), ctypes.c_uint32(0), 0)
    return value.raw[: max(size, 0)]


def _linux_value(fd: int, name: str) -> bytes:
    try:
        value = os.getxattr(fd, name)
    except OSError:
        return b""
    return value if len(value) <= LONGEST else b""


def of(fd: int) -> dict[str, bytes]:
    """The attributes of an open file, by name; empty where the file system has none or refuses."""
    if sys.platform == "darwin":
        found = {os.fsdecode(name): _macos_value(fd, name) for name in _macos_names(fd)}
    else:
        try:
            names = os.listxattr(fd)
        except OSError:
            return {}
        found = {name: _linux_value(fd, name) for name in names}
    room = TOGETHER
    for name, value in found.items():
        room -= len(value)
        if room < 0:
            found[name] = b""
    return found
