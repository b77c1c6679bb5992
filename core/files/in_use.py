"""Renaming and removing files that may still be open for a moment.

An SMB server neither renames nor removes a file that is open ([MS-SMB2] 3.3.5.9, STATUS_SHARING_VIOLATION), and
close(2) on FUSE does not wait until the file is closed there (libfuse, fuse_lowlevel.h: release). rclone gives EIO
for it (tests/faults/test_smb.py), libsmbclient EBUSY (samba, errmap_unix.c).
"""

import errno
import os
import time
from collections.abc import Iterable

DELAYS = (0.02, 0.1, 0.4, 1.0)
"""Seconds to wait before each further try."""

CODES = frozenset({errno.EIO, errno.EBUSY})
"""The errors of a file that is open. EIO has other causes, too, so that the number of tries is limited."""


def rename(
    source: str, target: str, from_folder: int, to_folder: int, delays: Iterable[float] | None = None
) -> None:
    """Rename as os.rename does, and try again while the file seems to be open. Raises OSError.

    `delays`: DELAYS, unless given. Several calls may share an iterator, which limits how long all of them wait.
    """
    waits = iter(DELAYS if delays is None else delays)
    while True:
        try:
            os.rename(source, target, src_dir_fd=from_folder, dst_dir_fd=to_folder)
            return
        except OSError as error:
            if error.errno not in CODES or (delay := next(waits, None)) is None:
                raise
        time.sleep(delay)


def remove(name: str, folder: int, aside: str, aside_folder: int, delays: Iterable[float] | None = None) -> None:
    """Remove a file by way of the free name `aside`, as `rename` does. Raises OSError, and then its name is as it
    was, or it is at `aside`.

    Only a rename can be tried again: rclone 1.60 does not show a file any more that it could not remove, and the
    server still has it (its vfs/file.go: Remove).
    """
    try:
        rename(name, aside, folder, aside_folder, delays)
    except OSError as error:
        if error.errno in CODES or isinstance(error, FileNotFoundError):
            raise
        # A full disk, or a folder that may not be written to: removing may be possible.
        os.unlink(name, dir_fd=folder)
    else:
        os.unlink(aside, dir_fd=aside_folder)
