"""Divides files among requests for reading them, and says which results are about their content."""

import errno
from collections.abc import Callable, Iterable
from typing import TypeVar

from core.workers.messages import Fault

T = TypeVar("T")

BYTES_PER_REQUEST = 64 << 20
"""The most bytes in one request, unless a single file is larger."""

_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})

Result = tuple[int, str, float | None, str | None]
"""Item id, level reached, when it was read back well (None: it was not), damage (None: none)."""


def by_bytes(files: Iterable[T], size: Callable[[T], int]) -> list[list[T]]:
    """The files in groups of one request each. `size` gives the bytes of one."""
    groups: list[list[T]] = []
    filled = 0
    for file in files:
        if not groups or (filled and filled + size(file) > BYTES_PER_REQUEST):
            groups.append([])
            filled = 0
        groups[-1].append(file)
        filled += size(file)
    return groups


def not_read(fault: Fault) -> bool:
    """Whether a fault says nothing about a file's content: reading is not permitted, or may succeed on a retry."""
    return fault.code in _FORBIDDEN or fault.again
