"""What a person can do about files that failed."""

import errno
import os

from core.volumes import privacy


def advice(cause: str) -> str:
    """What a person can do about files that failed for `cause`."""
    if "changed while" in cause:
        return "Close what writes to it, then retry."
    if cause.startswith("source: ") and "Input/output error" in cause:
        return "Try another card reader, then retry."
    if "not permitted" in cause and (told := privacy.switch(errno.EPERM, os.environ)):
        return told
    if "Permission denied" in cause or "not permitted" in cause:
        return "Give yourself the right to read it, then retry."
    if cause.startswith("archive: "):
        return "Check the archive's disk, then retry."
    return "Retry it."
