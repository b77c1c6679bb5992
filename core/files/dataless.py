"""Dataless files, whose content is only in iCloud: by a policy of the process, macOS fetches them on reading, or
refuses."""

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress

# xnu, bsd/sys/stat.h: the content is not on this disk and is fetched when read.
_SF_DATALESS = 0x40000000
# xnu, bsd/sys/resource.h; setiopolicy_np(3).
_IOPOL_TYPE_VFS_MATERIALIZE_DATALESS_FILES, _IOPOL_SCOPE_PROCESS = 3, 0
_OFF, _ON = 1, 2

SetPolicy = Callable[[int, int, int], int]


def dataless(flags: int) -> bool:
    """Whether the content of a file or folder is not on this disk, by its `st_flags` of stat(2) on macOS."""
    return bool(flags & _SF_DATALESS)


def fetch(allowed: bool, platform: str = sys.platform, set_policy: SetPolicy | None = None) -> None:
    """Set whether files that are only in iCloud are fetched when this process reads them; if not, reading one
    fails with EDEADLK (xnu, bsd/vfs/vfs_syscalls.c: vfs_context_dataless_materialization_is_prevented).

    Without a policy it depends on who started the process: a job of launchd(8) may not fetch
    (launchd.plist(5): MaterializeDatalessFiles), one of a terminal is assumed to. On other systems nothing is
    done.
    """
    if platform == "darwin":
        with suppress(OSError, AttributeError):
            call = set_policy or ctypes.CDLL(None).setiopolicy_np
            call(_IOPOL_TYPE_VFS_MATERIALIZE_DATALESS_FILES, _IOPOL_SCOPE_PROCESS, _ON if allowed else _OFF)
