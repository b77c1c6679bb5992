"""How a maker behaves: behind everything else on the machine, and within a bound of memory."""

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

NICE = 15
"""As in core.tasks.children."""

MEMORY = 4 << 30
"""Bytes of address space while a picture is decoded.

Linux keeps to it. macOS takes RLIMIT_AS and ignores it, so that there only the limit on pixels holds.
"""

# <sys/resource.h> of macOS; setiopolicy_np(3): children inherit the policy.
_IOPOL_TYPE_DISK, _IOPOL_SCOPE_PROCESS, _IOPOL_THROTTLE = 0, 0, 3


def step_back() -> None:
    """Give this process, and the programs it starts, less of the processor and of the disks than copying gets."""
    with suppress(OSError):
        os.nice(NICE)
    if sys.platform == "darwin":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).setiopolicy_np(_IOPOL_TYPE_DISK, _IOPOL_SCOPE_PROCESS, _IOPOL_THROTTLE)
    elif sys.platform == "linux":
        # The lowest of best effort: the idle class would get nothing at all while copies run.
        with suppress(OSError, psutil.Error):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_BE, 7)


@contextmanager
def bounded_memory(limit: int = MEMORY) -> Iterator[None]:
    """Let allocations beyond `limit` bytes fail inside the block; programs started after it are not bound."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (bound, hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
