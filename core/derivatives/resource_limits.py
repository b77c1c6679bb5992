"""The priority of a maker, below everything else on the machine, and its memory limit."""

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

NICE = 15
"""As in core.tasks.child_processes."""

MEMORY = 4 << 30
"""Bytes of address space while a picture is decoded.

Linux enforces it. macOS refuses RLIMIT_AS with EINVAL when a process has mapped more already (xnu,
bsd/kern/kern_resource.c, dosetrlimit; osfmk/vm/vm_map.c, vm_map_set_size_limit), which may be so before anything
is decoded. There only the limit on pixels is reliable.
"""

# <sys/resource.h> of macOS; setiopolicy_np(3): children inherit the policy.
_IOPOL_TYPE_DISK, _IOPOL_SCOPE_PROCESS, _IOPOL_THROTTLE = 0, 0, 3


def step_back() -> None:
    """Lower the priority for processor and disks of this process, and of the programs it starts, below that of
    copying."""
    with suppress(OSError):
        os.nice(NICE)
    if sys.platform == "darwin":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).setiopolicy_np(_IOPOL_TYPE_DISK, _IOPOL_SCOPE_PROCESS, _IOPOL_THROTTLE)
    elif sys.platform == "linux":
        import psutil  # imported here: a maker on a Mac starts without it

        # The lowest best-effort priority. The idle class would get nothing at all while copies run.
        with suppress(OSError, psutil.Error):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_BE, 7)


@contextmanager
def bounded_memory(limit: int = MEMORY) -> Iterator[None]:
    """Let allocations beyond `limit` bytes fail inside the block; programs started after it are not limited."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (bound, hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
