"""Detects wrong sizes that file systems of cameras and phones give: invented, truncated or unknown ones."""

import os

from core.files import file_end
from core.volumes.mountpoint import has_32_bit_sizes, served_by_program

MADE_UP = (0, 2**32 - 1)
"""Sizes that such file systems give for files whose size they do not know."""

TAKEN = 64 << 10
"""The most bytes on the medium that an empty file may occupy; extended attributes can need as many."""

FAR_MORE = 1 << 20
"""Bytes beyond four times its size that a file of a camera or phone may occupy, because space is preallocated."""


def doubt(fd: int, facts: os.stat_result) -> str:
    """Why the size of an open file, which was read up to that size, is wrong; empty if nothing shows that. The
    reason follows the words "its file system gives a wrong size, but". Raises OSError."""
    size, room = facts.st_size, facts.st_blocks * 512
    if not size:
        return "it takes up room" if room > TAKEN else ""
    # read(2) gives no byte beyond the stated size, even if the file system's program has more.
    if file_end.behind(fd, size):
        return "more lies behind that end"
    if room > 4 * size + FAR_MORE and served_by_program(fd):
        return "it takes up room for far more"
    if size != MADE_UP[1]:
        return ""
    if room > size + FAR_MORE and served_by_program(fd):
        return "it takes up room for more"
    return "that is what cameras and phones say of any that is larger, too" if has_32_bit_sizes(fd) else ""
