"""What a person can do about an archive that cannot be written to, by the system's error: errno(3)."""

import errno
import os

from core.files.fsync import UNSUPPORTED
from core.volumes import macos_permissions


def advice(code: int) -> str:
    """The advice for the error `code` (errno) of opening or making an archive; 0: no error code is known."""
    if code in (errno.ENOSPC, errno.EDQUOT):
        return "Make room on its volume; for more files, too, where it limits how many (df -i)."
    if code == errno.EROFS:
        return "Make its volume writable: it is mounted read-only."
    if code in (errno.EACCES, errno.EPERM):
        return macos_permissions.permission_advice(code, os.environ) or "Give yourself the right to write there."
    if code in UNSUPPORTED:
        return (
            "Take an archive on another file system: this one cannot do what keeps files safe, such as flushing."
        )
    if code == errno.EIO:
        # Clients of a server give it for most of what the server refuses.
        return "Check its cable and its disk, or its server and the network; then try again."
    if code == errno.EBUSY:
        return "Another program has a file open there. Close it, then try again."
    return "Check that the volume is mounted, has room, and that you may write there."
