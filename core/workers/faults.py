"""Faults, as the engine needs them, made of errors of the system."""

import errno
import os
import sys
from contextlib import suppress

from core.files.open_beneath import REFUSED, LostError, NotRegularError, RefusedError, Tree
from core.models import Side
from core.workers.messages import Fault, Place

EAUTH = 80
"""An errno of macOS (xnu, bsd/sys/errno.h): the server does not accept the user's name or password any more."""

_LOST = frozenset(
    {
        errno.ENODEV,
        errno.ENXIO,
        errno.ENOTCONN,
        errno.ESTALE,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENETRESET,
        errno.ECONNABORTED,
        errno.ECONNRESET,
        errno.ECONNREFUSED,
        errno.ESHUTDOWN,
        errno.ETIMEDOUT,
    }
)


def lost(platform: str = sys.platform) -> frozenset[int]:
    """The errnos that mean that a volume is gone or its server does not answer: errno(3), FUSE, NFS and SMB.

    macOS's SMB client returns ENETRESET and EAUTH when a session ended, or cannot be established again (SMBClient,
    smb_subr.c: the table from NT status to errno).
    """
    # On Linux 80 is another error.
    return _LOST | {EAUTH} if platform == "darwin" else _LOST


LOST = lost()
DOUBTFUL = REFUSED | {errno.ENOTDIR, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Errors that are returned for one file, but whose cause may be the whole volume.

After a forced unmount macOS returns ENOTDIR when something is opened beneath an open folder (xnu, vfs_syscalls.c:
nameiat, of a vnode of type VBAD), and EBADF for fstat(2) and F_FULLFSYNC of an open file, which belongs to deadfs
(dead_vnops.c). fstatfs(2) of it returns ENOTSUP: its mount is `dead_mountp` (vfs_subr.c: vclean), which has no
attributes (kpi_vfs.c: VFS_GETATTR).
"""
RETRYABLE = frozenset({errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ENOMEM, errno.ENFILE, errno.EMFILE})


def words(error: OSError) -> str:
    """The system's words for an error. EDEADLK is what macOS returns for a file that is only in iCloud
    (core.files.dataless)."""
    text = error.strerror or os.strerror(error.errno or 0)
    return f"in iCloud only, not on this disk ({text})" if error.errno == errno.EDEADLK else text


class ReadError(OSError):
    """Reading one file failed; `detail` says where in it."""

    def __init__(self, error: OSError, detail: str) -> None:
        super().__init__(error.errno, error.strerror)
        self.detail = detail


def fault_of(error: Exception, side: Side, note: str = "") -> Fault:
    """The Fault for `error`; `note` is put before its text."""
    if isinstance(error, RefusedError):
        return Fault(side, os.strerror(error.code), error.code, lost=True)
    if isinstance(error, LostError):
        return Fault(side, "the volume does not answer any more", errno.ENODEV, lost=True)
    if isinstance(error, NotRegularError):
        return Fault(side, "it is not a regular file any more", errno.EINVAL)
    if isinstance(error, OSError) and error.errno:
        lost, again = error.errno in LOST, error.errno in RETRYABLE
        detail = error.detail if isinstance(error, ReadError) else ""
        return Fault(side, f"{note}{words(error)}", error.errno, lost=lost, again=again, detail=detail)
    return Fault(side, f"{note}{error}")


def archive_fault(error: Exception, place: Place | None, note: str = "") -> Fault:
    """As `fault_of`, for the archive at `place`: a fault of the whole archive when its root is not the folder it
    was."""
    if place is not None and isinstance(error, OSError) and error.errno in DOUBTFUL:
        try:
            with suppress(OSError), Tree(place.root, place.device, place.inode) as tree:
                tree.anew()
        except LostError as gone:
            return fault_of(gone, Side.ARCHIVE)
    return fault_of(error, Side.ARCHIVE, note)
