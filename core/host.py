"""The identity of this machine and process, by which another engine can tell whether the holder of a lock still
runs."""

import ctypes
import os
import socket
import sys
import time
from functools import cache

import psutil


@cache
def machine() -> str:
    """An id of this machine that survives restarts and changes of the host's name.

    Linux: machine-id(5). macOS: gethostuuid(2). Else the host's name.
    """
    if sys.platform == "darwin":
        uuid = (ctypes.c_ubyte * 16)()
        wait = (ctypes.c_long * 2)(0, 0)
        if ctypes.CDLL(None, use_errno=True).gethostuuid(uuid, wait) == 0:
            return bytes(uuid).hex()
    try:
        with open("/etc/machine-id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return host()


def host() -> str:
    """The host's name."""
    return socket.gethostname()


def birth(pid: int) -> str:
    """What tells the process `pid` from all others that had or will have its id, whatever the clock is set to:
    this start of the system, and when in it the process began (Linux, proc(5)). Empty where the system does not
    tell that: macOS keeps the time of day at which a process began.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name of the program may hold spaces and brackets; the start is the 22nd value, in clock ticks.
            began = file.read().rpartition(b")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{boot} {int(began)}"


def runs(pid: int, started: float, born: str = "") -> bool:
    """Whether the process `pid` of this machine, started at `started` (seconds since 1970 UTC), still runs. True,
    too, where the system does not report the start now, or did not when the lock was written (`started` is 0).

    `born` is its `birth`. Where that is known, the time of day is not compared: Linux reckons it from the clock as
    it is now, so that it is another one once the clock was set. A zombie, which has ended but was not reaped, does
    not run.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if born and (found := birth(pid)):
            return found == born
        return started == 0 or abs(process.create_time() - started) <= 1
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def uptime() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps: CLOCK_BOOTTIME on Linux
    (clock_gettime(2)), CLOCK_MONOTONIC on macOS (clock_gettime(3) there)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def myself() -> tuple[int, float]:
    """(process id, start in seconds since 1970 UTC) of this process, to be written into a lock and given to
    `runs`."""
    return os.getpid(), psutil.Process().create_time()
