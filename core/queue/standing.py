"""Why a queue stands still."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from core.queue.sharing import Sharing
from core.tasks.task import Task

LOOK_AGAIN = 5.0
"""Seconds between two looks whether what a task needs is there."""

COPIES = "copies come first"


class Archives(Protocol):
    """Which archives can be worked on (`core.queue.holding`)."""

    @property
    def away(self) -> Mapping[int, str]: ...
    def usable(self, archive_id: int) -> bool: ...
    async def present(self, archive_id: int) -> bool: ...
    def rest(self) -> None: ...
    async def close(self) -> None: ...


class Standing:
    """Asks everything that can hold a queue up."""

    def __init__(self, tasks: Mapping[str, Task], sharing: Sharing, archives: Archives) -> None:
        self.trouble = ""
        """What is wrong with the database."""
        self._tasks = tasks
        self._sharing = sharing
        self._archives = archives
        self._missing: dict[str, str] = {}
        self._until = float("-inf")

    async def look(self) -> None:
        """Find out now and then whether what the tasks need is there; not on the loop, as programs are asked."""
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            self._missing = await asyncio.to_thread(self._lacking)
            self._until = now + LOOK_AGAIN

    def _lacking(self) -> dict[str, str]:
        return {name: task.missing() for name, task in self._tasks.items()}

    def can(self, name: str) -> bool:
        """Whether calls of a queue may begin."""
        return name in self._tasks and name not in self._sharing.paused and not self._missing.get(name)

    def until_someone_acts(self, name: str) -> str:
        """Why a queue stands still until a person does something; empty when it does not."""
        if name in self._sharing.paused:
            return "paused"
        if name not in self._tasks:
            return "this program cannot do it"
        return self._missing.get(name, "")

    def reason(self, name: str) -> str:
        """Why a queue stands still; empty when it does not."""
        if reason := self.until_someone_acts(name) or self.trouble:
            return reason
        if self._sharing.holds(name):
            return COPIES
        return next(iter(self._archives.away.values()), "")
