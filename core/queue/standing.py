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
        self._missing: dict[str, tuple[str, float]] = {}

    def can(self, name: str) -> bool:
        """Whether calls of a queue may begin."""
        return name in self._tasks and name not in self._sharing.paused and not self._lacks(name)

    def until_someone_acts(self, name: str) -> str:
        """Why a queue stands still until a person does something; empty when it does not."""
        if name in self._sharing.paused:
            return "paused"
        if name not in self._tasks:
            return "this program cannot do it"
        return self._missing.get(name, ("", 0.0))[0]

    def reason(self, name: str) -> str:
        """Why a queue stands still; empty when it does not."""
        if reason := self.until_someone_acts(name) or self.trouble:
            return reason
        if self._sharing.holds(name):
            return COPIES
        return next(iter(self._archives.away.values()), "")

    def _lacks(self, name: str) -> bool:
        now = asyncio.get_running_loop().time()
        text, until = self._missing.get(name, ("", 0.0))
        if until <= now:
            text = self._tasks[name].missing()
            self._missing[name] = (text, now + LOOK_AGAIN)
        return bool(text)
