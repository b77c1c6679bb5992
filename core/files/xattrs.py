"""Extended attributes of a source file, for the journal.

On macOS the resource fork is one of them, com.apple.ResourceFork (xnu, bsd/sys/xattr.h).
"""

import ctypes
import errno
import os
import sys
from functools import cache
from typing import NamedTuple

from core.paths import encode

LARGEST_RECORDED = 16 << 20
"""The most bytes of one file's attributes that are recorded: the size a resource fork may have (Apple, Inside
Macintosh)."""

NAMED = 8
"""The most attributes that are named as not kept; the others are only counted."""

UNLISTED = "names that cannot be listed"

# <sys/errno.h> of macOS: no such attribute. Linux has ENODATA.
_ABSENT = frozenset({93, errno.ENODATA, errno.EOPNOTSUPP})

# listxattr(2): the file system has no attributes; ENOSYS is what a kernel without the call returns. FUSE returns
# EOPNOTSUPP (Linux, fs/fuse/xattr.c: fuse_listxattr), FAT and exFAT an empty list. Every other error leaves open
# whether there are attributes: an SMB server may answer with EACCES (Linux, commit f1b8224b4e6e), and EPERM is no
# answer for a regular file that has none (xnu, bsd/vfs/vfs_xattr.c: vn_listxattr).
_NONE = _ABSENT | {errno.ENOTSUP, errno.ENOSYS}


class Attributes(NamedTuple):
    """The extended attributes of a file. `values`: by name. `unkept`: names of those whose values are left empty,
    because all together are too long, or because they cannot be read."""

    values: dict[str, bytes]
    unkept: list[str]

    def unkept_text(self) -> str:
        """The names of the `unkept` attributes as ASCII text for a person; empty when there are none."""
        names = [encode(os.fsencode(name)) for name in self.unkept[:NAMED]]
        more = len(self.unkept) - len(names)
        return ", ".join(names) + (f" and {more:,} more" if more else "")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _macos_names(fd: int) -> list[str]:
    """flistxattr(2) of macOS. Raises OSError."""
    size = _checked_size(_libc().flistxattr(fd, None, ctypes.c_size_t(0), 0))
    names = ctypes.create_string_buffer(size)
    size = _checked_size(_libc().flistxattr(fd, names, ctypes.c_size_t(size), 0)) if size else 0
    return [os.fsdecode(name) for name in names.raw[:size].split(b"\0")[:-1]]


def _macos_value(fd: int, name: str, most: int) -> bytes | None:
    """fgetxattr(2) of macOS, which also takes a position and options. None: the value is too long. Raises
    OSError."""
    get = _libc().fgetxattr
    path = os.fsencode(name)
    size = _checked_size(get(fd, path, None, ctypes.c_size_t(0), ctypes.c_uint32(0), 0))
    if size > most:
        return None
    value = ctypes.create_string_buffer(size)
    size = _checked_size(get(fd, path, value, ctypes.c_size_t(size), ctypes.c_uint32(0), 0)) if size else 0
    return value.raw[:size]


def _checked_size(size: int) -> int:
    """A size that a system call returned. Raises OSError when it is negative."""
    if size < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return size


def _linux_value(fd: int, name: str, most: int) -> bytes | None:
    value = os.getxattr(fd, name)
    return value if len(value) <= most else None


def _ours(name: str) -> bool:
    """Whether a person or a program has set it; the others are the system's, which may refuse to show them."""
    return sys.platform == "darwin" or name.startswith("user.")


def of(fd: int, most: int = LARGEST_RECORDED) -> Attributes:
    """The attributes of an open file; none where the file system has none."""
    names_of, value_of = (_macos_names, _macos_value) if sys.platform == "darwin" else (os.listxattr, _linux_value)
    found = Attributes({}, [])
    try:
        names = names_of(fd)
    except OSError as error:
        return Attributes({}, [] if error.errno in _NONE else [UNLISTED])
    for name in names:
        value: bytes | None = b""
        try:
            value = value_of(fd, name, most)
        except OSError as error:
            if error.errno not in _ABSENT and _ours(name):
                value = None
        found.values[name] = value or b""
        most -= len(value or b"")
        if value is None:
            found.unkept.append(name)
    return found
