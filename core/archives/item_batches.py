"""Groups items into requests for reading their payload again, and says which results are about their content."""

import errno

from core.catalog import Item
from core.workers.messages import Fault

BYTES_PER_REQUEST = 64 << 20
"""The most bytes in one request, unless a single file is larger."""

_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})

Result = tuple[int, str, float | None, str | None]
"""Item id, level reached, when it was read back well (None: it was not), damage (None: none)."""


def parts(items: list[Item]) -> list[list[Item]]:
    """The items in groups of one request each."""
    made: list[list[Item]] = [[]]
    filled = 0
    for item in items:
        if made[-1] and filled + item.size > BYTES_PER_REQUEST:
            made.append([])
            filled = 0
        made[-1].append(item)
        filled += item.size
    return made


def not_read(fault: Fault) -> bool:
    """Whether a fault says nothing about a file's content: reading is not permitted, or may succeed on a retry."""
    return fault.code in _FORBIDDEN or fault.again
