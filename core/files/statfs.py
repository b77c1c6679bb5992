"""statfs(2) of macOS: which volume a file is on, whether that is local, and its space."""

import ctypes
import os
import struct

import msgspec

# xnu, bsd/sys/mount.h: struct statfs with 64-bit inodes; the fields after f_mntonname are not read. In order:
# f_bsize, f_iosize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_fsid, f_owner, f_type, f_flags, f_fssubtype,
# f_fstypename, f_mntonname.
_STATFS = struct.Struct("=Ii5Q8s4I16s1024s")
# sizeof(struct statfs) is 2168 there.
_ROOM = 4096
_MNT_LOCAL = 0x00001000


class StatFs(msgspec.Struct, frozen=True):
    """What the kernel reports of a volume: its mount point, whether it is flagged as local, the bytes of one
    block, and how many blocks there are, are free, and are available to an ordinary user."""

    mount: bytes
    local: bool
    block: int
    blocks: int
    free: int
    available: int


def of(what: bytes | int) -> StatFs:
    """The volume that a path or an open file is on. Raises OSError; blocks on a dead mount."""
    return parse(call(what))


def parse(data: bytes) -> StatFs:
    """Parse the bytes of a `struct statfs`. Raises struct.error when they are too few."""
    block, _, blocks, free, available, *_, flags, _, _, mount = _STATFS.unpack_from(data)
    return StatFs(mount.partition(b"\0")[0], bool(flags & _MNT_LOCAL), block, blocks, free, available)


def call(what: bytes | int) -> bytes:
    """The bytes that fstatfs(2) of a descriptor, or statfs(2) of a path, returns. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    name = "fstatfs" if isinstance(what, int) else "statfs"
    # On Intel the plain name has the layout of before 10.6; on Apple silicon there is only the plain name.
    if hasattr(library, f"{name}$INODE64"):
        name = f"{name}$INODE64"
    argument = ctypes.c_int(what) if isinstance(what, int) else ctypes.c_char_p(what)
    room = ctypes.create_string_buffer(_ROOM)
    if library[name](argument, room) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return room.raw
