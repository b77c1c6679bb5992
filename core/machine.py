"""Which machine and which process this is, so that another engine can tell whether a lock's holder still lives."""

import ctypes
import os
import socket
import sys
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


def started(pid: int) -> float | None:
    """When process `pid` of this machine started, in seconds since 1970 UTC; None when there is none.

    One that has ended and that nobody has asked about yet (a zombie) is none.
    """
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return 0.0


def myself() -> tuple[int, float]:
    """This process's number and start."""
    return os.getpid(), started(os.getpid()) or 0.0
