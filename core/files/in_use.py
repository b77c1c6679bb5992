"""Renaming and removing files that may still be open for a moment.

An SMB server neither renames nor removes a file that is open ([MS-SMB2] 3.3.5.9, STATUS_SHARING_VIOLATION), and
close(2) on FUSE does not wait until the file is closed there (libfuse, fuse_lowlevel.h: release). rclone gives EIO
for it (tests/faults/test_smb.py), libsmbclient EBUSY (samba, errmap_unix.c).
"""

import errno
import os
import time

DELAYS = (0.02, 0.1, 0.4, 1.0)
"""Seconds to wait before each further try."""


def rename(source: str, target: str, from_folder: int, to_folder: int) -> None:
    """Rename as os.rename does, and try again while the file seems to be open. Raises OSError."""
    for delay in DELAYS:
        try:
            os.rename(source, target, src_dir_fd=from_folder, dst_dir_fd=to_folder)
            return
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EBUSY):
                raise
        time.sleep(delay)
    os.rename(source, target, src_dir_fd=from_folder, dst_dir_fd=to_folder)
