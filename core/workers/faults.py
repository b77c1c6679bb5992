"""Turning what the system said into what the engine needs to know."""

import errno
import os

from core.files.tree import LostError, NotRegularError
from core.workers.messages import Fault

# The volume is gone or its server does not answer: errno(3), and what FUSE, NFS and SMB return.
LOST = frozenset(
    {
        errno.ENODEV,
        errno.ENXIO,
        errno.ENOTCONN,
        errno.ESTALE,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ECONNABORTED,
        errno.ECONNRESET,
        errno.ECONNREFUSED,
        errno.ESHUTDOWN,
        errno.ETIMEDOUT,
    }
)
AGAIN = frozenset({errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ENOMEM, errno.ENFILE, errno.EMFILE})


def fault_of(error: Exception, side: str, note: str = "") -> Fault:
    """The Fault that stands for `error`; `note` is put before its text."""
    if isinstance(error, LostError):
        return Fault(side, "the volume does not answer any more", errno.ENODEV, lost=True)
    if isinstance(error, NotRegularError):
        return Fault(side, "it is not a regular file any more", errno.EINVAL)
    if isinstance(error, OSError) and error.errno:
        text = error.strerror or os.strerror(error.errno)
        return Fault(side, f"{note}{text}", error.errno, lost=error.errno in LOST, again=error.errno in AGAIN)
    return Fault(side, f"{note}{error}")
