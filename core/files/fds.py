"""Closing descriptors."""

import os
from contextlib import suppress


def release(fd: int) -> None:
    """Close a descriptor through which nothing was written; errors are ignored, because close(2) frees it in any
    case."""
    with suppress(OSError):
        os.close(fd)
