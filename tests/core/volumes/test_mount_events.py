"""Notifications of mounts: by the Linux kernel, and for macOS by a substitute for its kqueue."""

import asyncio
import os
import select
import sys
from pathlib import Path
from typing import Any

import pytest

from core.volumes import mount_events as module
from core.volumes.mount_events import EVFILT_FS, VQ_MOUNT, VQ_UNMOUNT, mount_events
from tests.rigs import disks

root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux")


@root
async def test_each_mount_and_unmount_is_told_once_it_has_happened(tmp_path: Path) -> None:
    changed = asyncio.Event()
    with mount_events(changed.set) as told:
        assert told
        for _ in range(2):
            changed.clear()
            with disks.memory(tmp_path / "card", "size=1m"):
                await asyncio.wait_for(changed.wait(), 60)
                changed.clear()
            await asyncio.wait_for(changed.wait(), 60)
    changed.clear()
    with disks.memory(tmp_path / "card", "size=1m"):
        # Notifications have ended: after this many turns of the loop, one would have arrived.
        for _ in range(50):
            await asyncio.sleep(0)
        assert not changed.is_set()


class Queue:
    """A substitute for a kqueue; its events are bytes in a pipe."""

    def __init__(self) -> None:
        self.reads, self.writes = os.pipe()
        self.asked: list[Any] = []

    def control(self, changes: list[Any] | None, most: int, timeout: float | None = None) -> list[Any]:
        self.asked += changes or []
        return [os.read(self.reads, most)] if changes is None else []

    def fileno(self) -> int:
        return self.reads

    def close(self) -> None:
        os.close(self.reads)
        os.close(self.writes)


async def test_macos_is_asked_for_events_of_file_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    monkeypatch.setattr(select, "kqueue", lambda: queue, raising=False)
    monkeypatch.setattr(select, "kevent", lambda ident, **asked: asked, raising=False)
    monkeypatch.setattr(select, "KQ_EV_ADD", 1, raising=False)
    monkeypatch.setattr(select, "KQ_EV_CLEAR", 0x20, raising=False)
    changed = asyncio.Event()
    with mount_events(changed.set, "darwin") as told:
        assert told
        assert queue.asked == [{"filter": EVFILT_FS, "flags": 0x21, "fflags": VQ_MOUNT | VQ_UNMOUNT}]
        os.write(queue.writes, b"x")
        await asyncio.wait_for(changed.wait(), 60)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(queue.reads)


async def test_where_the_system_does_not_tell_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOUNTINFO", "/nowhere/mountinfo")
    with mount_events(lambda: None, "linux") as told:
        assert not told
    monkeypatch.delattr(select, "kqueue", raising=False)
    with mount_events(lambda: None, "darwin") as told:
        assert not told
