"""Why the jobs of a queue are not run."""

import asyncio
import shutil
from collections.abc import Mapping
from typing import Protocol

from core.queue.throttle import Throttle
from core.tasks.task import QueueTask

LOOK_AGAIN = 5.0
"""Seconds between two checks whether the tools that tasks need are present."""

COPIES_FIRST = "copies come first"

ROOM = 64 << 20
"""A job that fails while the disk of the state folder has fewer free bytes may have failed for that reason."""

FULL = "the disk of the state folder is full"


class ReachableArchives(Protocol):
    """Tells which archives jobs can use (`core.queue.archive_leases`)."""

    @property
    def away(self) -> Mapping[int, str]: ...
    def usable(self, archive_id: int, queue: str) -> bool: ...
    async def present(self, archive_id: int) -> bool: ...
    def rest(self) -> None: ...
    async def close(self) -> None: ...


class Readiness:
    """Knows everything that can keep a queue from running."""

    def __init__(
        self, tasks: Mapping[str, QueueTask], throttle: Throttle, archives: ReachableArchives, scratch: str
    ) -> None:
        self.trouble = ""
        """The last error of the database; empty while it works."""
        self._scratch = scratch
        self._full = False
        self._tasks = tasks
        self._throttle = throttle
        self._archives = archives
        self._missing: dict[str, str] = {}
        self._until = float("-inf")

    async def look(self) -> None:
        """Check at intervals which tools are missing, in a thread, because the check runs programs; and whether a
        state folder's disk that was full has room again."""
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            self._missing = await asyncio.to_thread(self._lacking)
            if self._full:
                await self.full()
            self._until = now + LOOK_AGAIN

    async def full(self) -> bool:
        """Whether the disk of the state folder is full, to be asked when a job has failed. No calls begin until it
        has room again."""
        self._full = await asyncio.to_thread(_free, self._scratch) < ROOM
        return self._full

    def _lacking(self) -> dict[str, str]:
        return {name: task.missing() for name, task in self._tasks.items()}

    def open(self, name: str) -> bool:
        """Whether this program has a task for the queue, and nobody has paused it."""
        return name in self._tasks and name not in self._throttle.paused

    def can(self, name: str) -> bool:
        """Whether calls of a queue may begin."""
        return self.open(name) and not self._full and not self._missing.get(name)

    def until_someone_acts(self, name: str) -> str:
        """Why a queue does not run until a person does something; empty when none of these reasons holds."""
        if name in self._throttle.paused:
            return "paused"
        if name not in self._tasks:
            return "this program cannot do it"
        return self._missing.get(name, "")

    def reason(self, name: str) -> str:
        """Why a queue does not run; empty when it does."""
        if reason := self.until_someone_acts(name) or self.trouble or (FULL if self._full else ""):
            return reason
        if self._throttle.holds(name):
            return COPIES_FIRST
        return next(iter(self._archives.away.values()), "")


def _free(folder: str) -> float:
    """Free bytes on a folder's disk; unlimited where that is not known."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return float("inf")
