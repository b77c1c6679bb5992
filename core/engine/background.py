"""What an engine does in the background: its jobs, the tasks that do them, and the archives they are about."""

import asyncio
import os
import shutil
from collections.abc import Sequence

from core.archives.archive import Archive
from core.archives.opened import Archives
from core.config import Config
from core.database import Database
from core.errors import UsageError
from core.hardware import Profile
from core.models import JobView, QueueView
from core.paths import display
from core.queue import barriers, plan, retries
from core.queue.context import EngineContext
from core.queue.derive import derive
from core.queue.holding import NAME, Holding
from core.queue.jobs import STATES, Jobs
from core.queue.kinds import QUEUES
from core.queue.work import Work
from core.queue.worker import Worker
from core.tasks.bagit import BagIt
from core.tasks.exiftool import Exiftool
from core.tasks.ffprobe import Ffprobe
from core.tasks.live_photo import LivePhoto
from core.tasks.location_stats import LocationStats
from core.tasks.task import Task
from core.tasks.thumbnail import Thumbnail
from core.tasks.video_proxy import VideoProxy
from core.workers.messages import Place
from core.workers.pool import Pool

SCRATCH = "scratch"
"""The folder of intermediate files in the state folder."""

LOOK = 0.5
"""Seconds between two looks at what is left to do."""


class Background:
    """The queues of one engine."""

    def __init__(
        self, settings: Config, profile: Profile, database: Database, pool: Pool, archives: Archives
    ) -> None:
        self._database = database
        self._archives = archives
        self._scratch = os.path.join(settings.home, SCRATCH)
        self._holding = Holding(database, pool, self._enter, self._leave, self.wake)
        self._jobs = Jobs(database)
        tasks: list[Task] = [
            Exiftool(),
            Ffprobe(),
            Thumbnail(),
            VideoProxy(),
            LivePhoto(),
            LocationStats(),
            BagIt(settings, pool, self._place),
        ]
        context = EngineContext(self._scratch, database, pool, self._holding)
        self.worker = Worker(self._jobs, tasks, context, self._holding, profile)

    async def start(self) -> None:
        """Empty the scratch folder, take back what a dead engine held, and begin."""
        await asyncio.to_thread(_emptied, self._scratch)
        await self.worker.start()

    async def stop(self) -> None:
        """End everything that is at work; it is done by the next engine."""
        await self.worker.stop()

    def wake(self) -> None:
        """Work was added."""
        self.worker.wake()

    # Imports

    async def begin(self, archive_id: int, import_id: int, location_id: int) -> None:
        """An import begins, or goes on: what needs all of it waits."""
        await self._database.run(*plan.of_import(archive_id, import_id, location_id))
        self.wake()

    async def ended(self) -> None:
        """An import may have ended: what waits for that may begin."""
        await barriers.open_ended(self._database)
        self.wake()

    async def finish(self, imports: Sequence[int]) -> None:
        """Until all is done that these imports have left to be done, but for what waits until a person acts."""
        while await self.worker.left(imports):  # noqa: ASYNC110 - what is left is a query
            await asyncio.sleep(LOOK)

    # What a person asks for

    def views(self) -> tuple[QueueView, ...]:
        """All queues."""
        return self.worker.views()

    async def page(self, state: str = "", queue: str = "", after: int = 0, count: int = 100) -> list[JobView]:
        """Jobs with ids beyond `after`, of one state and one queue where these are given. Raises UsageError."""
        if queue:
            self.worker.check(queue)
        if state and state not in STATES:
            raise UsageError(f"jobs are never {display(state)}.", f"They are: {', '.join(STATES)}.")
        return await self._jobs.page(state, queue, after, count)

    async def retry(self, queue: str = "", ids: Sequence[int] | None = None) -> int:
        """Try dead jobs again, all of them, or those of a queue or with these ids; how many that revives.

        Raises UsageError.
        """
        if queue:
            self.worker.check(queue)
        revived = await retries.retry(self._database, queue, ids)
        self.wake()
        return revived

    async def derive(self, archive_id: int) -> int:
        """Add jobs for all that is missing in an archive; how many."""
        added = await derive(self._database, archive_id)
        self.wake()
        return added

    async def bag_anew(self, archive_id: int, location_id: int) -> None:
        """What is said of a location has changed: its bag has to say it, too."""
        queue = next(queue for queue in QUEUES if queue.name == BagIt.queue)
        work = Work(queue=queue.name, priority=queue.priority, archive_id=archive_id, location_id=location_id)
        await self._jobs.add([work])
        self.wake()

    # Archives

    async def _enter(self, path: str, id: int) -> Archive:
        async with self._archives.used(path, id) as (archive, _):
            archive.active.add(NAME)
            return archive

    async def _leave(self, archive: Archive) -> None:
        await self._archives.leave(archive, NAME)

    async def _place(self, archive_id: int) -> Place:
        return self._holding.place(archive_id)


def _emptied(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700, exist_ok=True)
