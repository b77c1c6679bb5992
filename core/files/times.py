"""File times as messages and the catalog can hold them: nanoseconds in 64 bits, from 1677 to 2262.

A time out of this range is clamped, and its exact value is kept beside it as decimal text: "far".
"""

import os
import re

LEAST, MOST = -(2**63), 2**63 - 1

_FAR = re.compile(r"-?[0-9]{19,28}")


def clamped(ns: int) -> int:
    """The nearest time that 64 bits can hold."""
    return min(max(ns, LEAST), MOST)


def far(ns: int) -> str:
    """The decimal text of a time out of range; empty for one in range."""
    return "" if LEAST <= ns <= MOST else str(ns)


def is_far(ns: int) -> bool:
    """Whether a stored time may be a clamped one."""
    return ns in (LEAST, MOST)


def read_far(text: object) -> str:
    """Parse what `far` wrote, in data that anybody may have written; empty for anything else."""
    return text if isinstance(text, str) and _FAR.fullmatch(text) else ""


def put(fd: int, ns: int, far: str = "") -> None:
    """Set the times of an open file: the exact ones or, where the system refuses them, `ns`. Raises OSError."""
    if far:
        try:
            os.utime(fd, ns=(int(far), int(far)))
        except (OSError, OverflowError):
            pass
        else:
            return
    os.utime(fd, ns=(ns, ns))
