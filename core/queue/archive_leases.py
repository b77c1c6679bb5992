"""Leases: archives are held open while jobs need them, and looked for at intervals while they are offline."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from core.aio import time_limit
from core.archives.archive import BACKGROUND, Archive
from core.archives.staging import remove_staged
from core.database import Database
from core.errors import ArchiveError, LadingError
from core.queue.queue_defs import QUEUES
from core.workers import archive_messages, source_messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError, TaskStoppedError

NAME = BACKGROUND
"""The entry in an archive's `active` while background jobs use it, and the name of their staging folder."""

OF_LOCATIONS = frozenset(queue.name for queue in QUEUES if queue.subject == "location")
"""The queues whose jobs need all files of a location."""

OPEN_TIMEOUT = 20.0
"""Seconds until an archive counts as not answering."""

LINGER = 3.0
"""Seconds without jobs after which archives are closed."""

AWAY_POLL_INTERVAL = 15.0
"""Seconds until an archive that was away is looked for again."""


class ArchiveLeases:
    """Opens archives in tasks of its own, so that no caller waits. `enter` opens and locks the archive last seen
    at a path, `leave` closes it.

    `changed` is called when an archive has become usable or has been lost.
    """

    def __init__(
        self,
        database: Database,
        pool: Pool,
        enter: Callable[[str, int], Awaitable[Archive]],
        leave: Callable[[Archive], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._pool = pool
        self._enter = enter
        self._leave = leave
        self._changed = changed
        self._open: dict[int, Archive] = {}
        self._away: dict[int, tuple[str, float]] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._leaving: dict[int, asyncio.Task[None]] = {}
        self._resting = 0.0

    def usable(self, archive_id: int, queue: str) -> bool:
        """Whether jobs of this archive can begin in `queue`. If the archive is not open, it is looked for, and
        `changed` is called after that."""
        self._resting = 0.0
        archive = self._open.get(archive_id)
        if archive is not None:
            if not archive.lock.lost.is_set():
                # While files are moved, the catalog does not say where they are.
                return not (archive.alone and queue in OF_LOCATIONS)
            self._lost(archive_id, archive.lock.why)
        now = asyncio.get_running_loop().time()
        if archive_id not in self._opening and self._away.get(archive_id, ("", 0.0))[1] <= now:
            self._opening[archive_id] = asyncio.create_task(self._look(archive_id), name="archive of jobs")
        return False

    async def reachable(self, archive_id: int) -> bool:
        """Look for an archive now. Returns whether it is open, so that its jobs can begin."""
        if self.usable(archive_id, ""):
            return True
        if opening := self._opening.get(archive_id):
            await asyncio.wait((opening,))
        return archive_id in self._open

    @property
    def away(self) -> Mapping[int, str]:
        """Archives that were looked for and not found, with the reason."""
        return {archive_id: reason for archive_id, (reason, _) in self._away.items()}

    def place(self, archive_id: int) -> Place:
        """The place of an open archive. Raises ArchiveError when it is not open."""
        if archive_id not in self._open:
            raise ArchiveError("it does not answer any more", "Mount it again.")
        return self._open[archive_id].place

    async def present(self, archive_id: int) -> bool:
        """Whether an open archive still answers. If not, it is closed, and its jobs wait from now on."""
        if archive_id not in self._open:
            return False
        try:
            async with time_limit(OPEN_TIMEOUT), self._pool.worker("look") as worker:
                await worker.ask(
                    archive_messages.Presence(self._open[archive_id].place, []), archive_messages.Present
                )
        except (TaskFailedError, LadingError, OSError) as error:  # TimeoutError is an OSError
            self._lost(archive_id, f"the archive does not answer: {error}".rstrip(": "))
            return False
        return True

    async def dismiss(self, archive_id: int) -> None:
        """Close an archive now, because another copy of it becomes the one in use."""
        self._give_back(archive_id)
        if archive_id in self._leaving:
            await asyncio.wait((self._leaving[archive_id],))

    def free_again(self, archive_id: int) -> None:
        """Look for an archive at once, instead of after AWAY_POLL_INTERVAL: it may have been refused only because
        it was reserved."""
        self._away.pop(archive_id, None)
        self._changed()

    def rest(self) -> None:
        """To be called while no job runs; after LINGER seconds of that, all archives are closed."""
        now = asyncio.get_running_loop().time()
        self._resting = self._resting or now
        if now - self._resting >= LINGER:
            for archive_id in list(self._open):
                self._give_back(archive_id)

    async def close(self) -> None:
        """Close all archives, and wait for a moment until that is done."""
        for task in self._opening.values():
            task.cancel()
        for archive_id in list(self._open):
            self._give_back(archive_id)
        if tasks := [*self._opening.values(), *self._leaving.values()]:
            await asyncio.wait(tasks, timeout=OPEN_TIMEOUT / 4)

    def _lost(self, archive_id: int, reason: str) -> None:
        self._away[archive_id] = (reason, asyncio.get_running_loop().time() + AWAY_POLL_INTERVAL)
        self._give_back(archive_id)
        self._changed()

    def _give_back(self, archive_id: int) -> None:
        archive = self._open.pop(archive_id, None)
        if archive is not None:
            task = asyncio.create_task(self._leave_quietly(archive), name="archive given back")
            self._leaving[archive_id] = task
            task.add_done_callback(lambda _: self._leaving.pop(archive_id, None))

    async def _leave_quietly(self, archive: Archive) -> None:
        # If the volume is gone, the lock cannot be released; it becomes stale soon.
        await remove_staged(self._pool, archive.place, NAME, OPEN_TIMEOUT)
        with suppress(TaskFailedError, TaskStoppedError, LadingError):
            await self._leave(archive)

    async def _look(self, archive_id: int) -> None:
        try:
            archive = await self._opened(archive_id)
        except Exception as error:
            cause = error.cause if isinstance(error, LadingError) else str(error) or "it does not answer"
            reason = f"the archive is away: {cause}"
            self._away[archive_id] = (reason, asyncio.get_running_loop().time() + AWAY_POLL_INTERVAL)
        else:
            self._away.pop(archive_id, None)
            self._open[archive_id] = archive
        finally:
            del self._opening[archive_id]
            self._changed()

    async def _opened(self, archive_id: int) -> Archive:
        if archive_id in self._leaving:
            await asyncio.wait((self._leaving[archive_id],))
        rows = await self._database.read("SELECT path FROM archive WHERE id = ?", (archive_id,))
        path: bytes = rows[0][0]
        # First check that something answers there, because opening takes turns with imports.
        async with time_limit(OPEN_TIMEOUT), self._pool.worker("look") as worker:
            with suppress(TaskFailedError):  # it may be elsewhere
                await worker.ask(source_messages.LookAtPath(path), source_messages.Looked)
        return await self._enter(os.fsdecode(path), archive_id)
