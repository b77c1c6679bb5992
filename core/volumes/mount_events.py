"""Notifications by the kernel that something was mounted or unmounted, so that polling is not needed."""

import asyncio
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

MOUNTINFO = "/proc/self/mountinfo"

EVFILT_FS = -9
"""Events of file systems (xnu, bsd/sys/event.h); Python's select has no name for it."""

VQ_MOUNT, VQ_UNMOUNT = 0x0008, 0x0010
"""The events asked for (xnu, bsd/sys/mount.h)."""


@contextmanager
def mount_events(changed: Callable[[], None], platform: str = sys.platform) -> Iterator[bool]:
    """Call `changed` in the running loop after each mount and unmount, during this block. Yields False if the
    system has no such notifications.

    On both systems the kernel makes a descriptor readable, which the loop watches.
    """
    with ExitStack() as stack:
        try:
            queue, drain = (_darwin if platform == "darwin" else _linux)(stack)
        except (OSError, AttributeError):
            yield False
            return

        def ready() -> None:
            drain()
            changed()

        loop = asyncio.get_running_loop()
        loop.add_reader(queue, ready)
        try:
            yield True
        finally:
            loop.remove_reader(queue)


def _linux(stack: ExitStack) -> tuple[int, Callable[[], Any]]:
    """The mount table is always readable, and has EPOLLPRI after a change (proc_pid_mountinfo(5), poll(2)). The
    loop can wait for readability only, so it watches an epoll of our own that waits for EPOLLPRI. Polling that one
    clears the event."""
    table = os.open(MOUNTINFO, os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, table)
    queue = stack.enter_context(select.epoll())
    queue.register(table, select.EPOLLPRI)
    return queue.fileno(), lambda: queue.poll(0)


def _darwin(stack: ExitStack) -> tuple[int, Callable[[], Any]]:
    """A kqueue with EVFILT_FS. The filter sets EV_CLEAR itself, and reports only events after it was added (xnu,
    bsd/vfs/vfs_subr.c: filt_fsattach, filt_fsevent); mount(2) and unmount(2) signal it (vfs_event_signal)."""
    make: Any = select.kqueue  # type: ignore[attr-defined, unused-ignore]
    queue = make()
    stack.callback(queue.close)
    add = select.KQ_EV_ADD | select.KQ_EV_CLEAR  # type: ignore[attr-defined, unused-ignore]
    wanted: Any = select.kevent(  # type: ignore[attr-defined, unused-ignore]
        0, filter=EVFILT_FS, flags=add, fflags=VQ_MOUNT | VQ_UNMOUNT
    )
    queue.control([wanted], 0)
    return queue.fileno(), lambda: queue.control(None, 16, 0)
