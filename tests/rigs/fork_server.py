"""A process that forks others for tests (see tests.rigs.forked_workers). Its arguments: the number of its socket,
and the module whose `main` each of them runs.

It is started by its path, so that nothing of the tests is imported here.
"""

import contextlib
import fcntl
import gc
import importlib
import itertools
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

LARGEST = 1 << 20
"""Bytes of one request."""

MOST_FDS = 16
HIGH = 1000
"""Descriptors from here on are in nobody's way."""


def main() -> None:
    """Fork a process for each request, and write each one's exit code into the pipe that came with the request."""
    # Tests look at what their process has started: this one is to be nobody's child.
    if os.fork():
        os._exit(0)
    asked = socket.socket(fileno=int(sys.argv[1]))
    work = importlib.import_module(sys.argv[2]).main
    woken, wakes = os.pipe()
    for fd in (woken, wakes):
        os.set_blocking(fd, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Collections in a child would otherwise copy the pages that all share.
    gc.collect()
    gc.freeze()
    ends: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(asked, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is asked:
                    data, fds, _, _ = socket.recv_fds(asked, LARGEST, MOST_FDS)
                    if not data:
                        return
                    end, *rest = fds
                    pid = os.fork()
                    if pid == 0:
                        begin(work, json.loads(data), rest)
                    for fd in rest:
                        os.close(fd)
                    ends[pid] = end
                    asked.send(str(pid).encode())
                else:
                    with contextlib.suppress(BlockingIOError):
                        os.read(woken, LARGEST)
                    reap(ends)


def reap(ends: dict[int, int]) -> None:
    """Tell the exit codes of those that have ended."""
    for pid in list(ends):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            end = ends.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(end)


def begin(work: Callable[[], None], request: dict[str, Any], fds: Sequence[int]) -> None:
    """In the child: become the process that was asked for. Does not return."""
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        place(fds, request["fds"])
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environ"])
        time.tzset()
        sys.argv = ["forked", *request["arguments"]]
        work()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def place(fds: Sequence[int], numbers: Sequence[int]) -> None:
    """Give the descriptors these numbers, and close all others."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, HIGH) for fd in fds]
    for fd, number in zip(high, numbers, strict=True):
        os.dup2(fd, number)
    for before, number in itertools.pairwise([-1, *sorted(numbers), max(high) + 1]):
        if number > before + 1:
            os.closerange(before + 1, number)


if __name__ == "__main__":
    main()
