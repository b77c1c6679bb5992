"""Where an open file or folder is, as the kernel reports it."""

import fcntl
import os
import re
import sys
from collections.abc import Sequence

from core.files import statfs

# fcntl(2) of macOS; xnu, bsd/sys/fcntl.h. The first gives `/Users/me`, the second `/System/Volumes/Data/Users/me`,
# to which a firmlink leads; /usr/share/firmlinks on a Mac lists them.
_F_GETPATH, _F_GETPATH_NOFIRMLINK = 50, 102
_MAXPATHLEN = 1024


def on_volume(fd: int, path: bytes, platform: str = sys.platform) -> tuple[bytes, bytes]:
    """The mount point of the volume that the open file or folder `fd` is on, and its path below that.

    The kernel is asked, because `path` (absolute, without links) is not enough: macOS accepts a name in any case
    and any Unicode form, its firmlinks lead from one volume to another, and a mount can lie under another one.
    Both are empty where the kernel does not report them. Raises OSError; blocks on a dead mount.
    """
    if platform == "darwin":
        # /Volumes is a firmlink as well: a card is below its mount point by the first, /Users by the second.
        point = statfs.of(fd).mount
        root = _below([_path(fd, _F_GETPATH), _path(fd, _F_GETPATH_NOFIRMLINK)], point)
    else:
        point = _mount_point(fd)
        root = _below([path], point) if point else None
    return (b"", b"") if root is None else (point, root)


def spelling(fd: int, path: bytes, platform: str = sys.platform) -> bytes:
    """The path of an open file or folder as macOS itself spells it; on other systems `path`. Raises OSError."""
    return _path(fd, _F_GETPATH) if platform == "darwin" else path


def served_by_program(fd: int, platform: str = sys.platform) -> bool:
    """Whether a program serves the file system of an open file (FUSE), as for cameras and phones on Linux. A file
    system on a disk, as that of ntfs-3g (fuseblk), does not count. Raises OSError."""
    return parse_program(_filesystem_type(fd, platform)) is not None


def has_32_bit_sizes(fd: int, platform: str = sys.platform) -> bool:
    """Whether the program that serves an open file's file system talks MTP or PTP, where a size has 32 bits. A
    larger file has the size 2**32 - 1 there, and the kernel gives no byte beyond that. Raises OSError.

    Source: Android, frameworks/base, media/jni/android_mtp_MtpDatabase.cpp, getObjectInfo.
    """
    program = parse_program(_filesystem_type(fd, platform)) or b""
    return program in _OF_DESKTOPS or any(word in program for word in (b"mtp", b"ptp", b"photo"))


_OF_DESKTOPS = (b"gvfsd-fuse", b"kio-fuse")
"""Programs of desktops that show phones and cameras beside servers."""


def _filesystem_type(fd: int, platform: str) -> bytes:
    if platform != "linux":
        return b""
    with open("/proc/self/mountinfo", "rb") as file:
        return parse_type(file.read(), _mount_id(fd))


def parse_program(kind: bytes) -> bytes | None:
    """The name of the program in a file system's type: `jmtpfs` of `fuse.jmtpfs`, empty of `fuse`. None for a type
    of the kernel's own."""
    return kind[5:] if kind == b"fuse" or kind.startswith(b"fuse.") else None


def parse_type(text: bytes, number: bytes) -> bytes:
    """The file system type of the mount `number` in the text of proc_pid_mountinfo(5); empty: there is none."""
    for line in text.splitlines():
        if line.split(b" ", 1)[0] == number:
            return line.partition(b" - ")[2].split(b" ")[0]
    return b""


def parse_mountinfo(text: bytes, number: bytes) -> bytes:
    r"""The mount point of the mount `number` in the text of proc_pid_mountinfo(5), where a blank is `\040`; empty:
    none."""
    for line in text.splitlines():
        fields = line.split(b" ")
        if fields[0] == number:
            return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), fields[4])
    return b""


def _mount_point(fd: int) -> bytes:
    """The mount point of the file system that a descriptor is on."""
    with open("/proc/self/mountinfo", "rb") as file:
        return parse_mountinfo(file.read(), _mount_id(fd))


def _mount_id(fd: int) -> bytes:
    """The mount id of a descriptor, by proc_pid_fdinfo(5): it tells mounts of one device apart."""
    with open(f"/proc/self/fdinfo/{fd}", "rb") as file:
        found = re.search(rb"^mnt_id:\s*(\d+)$", file.read(), re.MULTILINE)
    return found[1] if found else b"none"


def _path(fd: int, command: int) -> bytes:
    return fcntl.fcntl(fd, command, bytes(_MAXPATHLEN)).partition(b"\0")[0]


def _below(paths: Sequence[bytes], point: bytes) -> bytes | None:
    """The path below a mount point of the folder that has all these paths; the mount point may be spelled in
    another way. None when it is not below."""
    for path in paths:
        if path == point or path.startswith(os.path.join(point, b"")):
            return path[len(point) :].lstrip(b"/")
    path = above = paths[0]
    top = os.stat(point)
    while not os.path.samestat(os.stat(above), top):
        if above == b"/":
            return None
        above = os.path.dirname(above)
    return path[len(above) :].lstrip(b"/")
