"""The background jobs of an engine: the queues, the tasks that carry jobs out, and the archives they need."""

import asyncio
import logging
import os
import shutil
from collections.abc import Sequence

from core.archives.archive import Archive
from core.archives.registry import Archives
from core.bagit.task import BagIt
from core.config import Config
from core.database import Database
from core.errors import DatabaseError, UsageError
from core.hardware import Profile
from core.models import JobState
from core.paths import display
from core.queue import barriers, retries
from core.queue.archive_leases import NAME, ArchiveLeases
from core.queue.backfill import derive, outdated, read_again
from core.queue.enqueue import bag_work
from core.queue.jobs import Jobs
from core.queue.task_context import EngineContext
from core.queue.worker import QueueWorker
from core.snapshot import JobView, QueueView
from core.tasks.exiftool import Exiftool
from core.tasks.ffprobe import Ffprobe
from core.tasks.live_photo import LivePhoto
from core.tasks.location_stats import LocationStats
from core.tasks.task import QueueTask
from core.tasks.thumbnail import Thumbnail
from core.tasks.video_proxy import VideoProxy
from core.workers.messages import Place
from core.workers.pool import Pool

SCRATCH = "scratch"
"""The folder of intermediate files in the state folder."""

POLL_INTERVAL = 0.5
"""Seconds between two counts of unfinished jobs."""

log = logging.getLogger("lading.jobs")


class JobService:
    """The queues of one engine."""

    def __init__(
        self, settings: Config, profile: Profile, database: Database, pool: Pool, archives: Archives
    ) -> None:
        self._database = database
        self._archives = archives
        self._bags = BagIt(settings, pool, self._place)
        self._scratch = os.path.join(settings.home, SCRATCH)
        self._holding = ArchiveLeases(database, pool, self._enter, self._leave, self.wake)
        self._jobs = Jobs(database)
        tasks: list[QueueTask] = [
            Exiftool(),
            Ffprobe(),
            Thumbnail(),
            VideoProxy(),
            LivePhoto(),
            LocationStats(),
            self._bags,
        ]
        context = EngineContext(self._scratch, database, pool, self._holding)
        self.worker = QueueWorker(self._jobs, tasks, context, self._holding, profile)

    async def start(self) -> None:
        """Empty the scratch folder, release the jobs that dead engines had claimed, and start the queues."""
        await asyncio.to_thread(_emptied, self._scratch)
        await self.worker.start()
        self.metadata_renewal = asyncio.create_task(self._renew_metadata(), name="metadata by older rules")
        """The task that adds jobs for metadata that was read by older rules; it ends by itself."""

    async def stop(self) -> None:
        """Stop all calls; their jobs are released for the next engine."""
        self.metadata_renewal.cancel()
        await asyncio.gather(self.metadata_renewal, return_exceptions=True)
        await self.worker.stop()

    async def _renew_metadata(self) -> None:
        """Add jobs that read metadata again where it was read by older rules, for archives that are present.
        Others, and those for which this fails, are left to the next engine."""
        try:
            for archive_id in await outdated(self._database):
                # An engine with jobs does not exit, so an archive that may be gone for good gets none.
                if not await self._holding.reachable(archive_id):
                    continue
                added = await read_again(self._database, archive_id)
                log.info("metadata is read again", extra={"archive": archive_id, "items": added})
                self.wake()
        except DatabaseError:
            log.exception("metadata is not read again")

    def wake(self) -> None:
        """Poll at once, because jobs were added."""
        self.worker.wake()

    # Imports

    async def begin(self, archive_id: int, import_id: int, location_id: int) -> None:
        """Set up the barrier of an import that begins or resumes, with the jobs behind it."""
        await self._database.run(*barriers.of_import(archive_id, import_id, location_id))
        self.wake()

    async def ended(self) -> None:
        """Open the barriers of imports that have ended."""
        await barriers.open_ended(self._database)
        self.wake()

    async def finish(self, imports: Sequence[int]) -> None:
        """Wait until the jobs of these imports have ended, except for those that wait for a person."""
        while await self.worker.unfinished_of(imports):  # noqa: ASYNC110 - what is left is a query
            await asyncio.sleep(POLL_INTERVAL)

    # What a person asks for

    def configure(self, settings: Config) -> None:
        """Apply changed settings: bags that are made from now on use them."""
        self._bags.settings = settings

    def views(self) -> tuple[QueueView, ...]:
        """All queues."""
        return self.worker.views()

    async def page(self, state: str = "", queue: str = "", after: int = 0, count: int = 100) -> list[JobView]:
        """Up to `count` jobs with ids beyond `after`, of one state and one queue where these are not empty. Raises
        UsageError."""
        if queue:
            self.worker.check(queue)
        if state and state not in list(JobState):
            raise UsageError(f"jobs are never {display(state)}.", f"They are: {', '.join(JobState)}.")
        return await self._jobs.page(state, queue, after, count)

    async def retry(self, queue: str = "", ids: Sequence[int] | None = None, cause: str = "") -> int:
        """Retry dead jobs: all, or those of a queue, with these ids, or with this cause. Returns how many that
        concerns.

        Raises UsageError.
        """
        if queue:
            self.worker.check(queue)
        revived = await retries.retry(self._database, queue, ids, cause)
        self.wake()
        return revived

    async def derive(self, archive_id: int) -> int:
        """Add jobs for all results that are missing in an archive. Returns how many were added."""
        added = await derive(self._database, archive_id)
        self.wake()
        return added

    async def bag_anew(self, archive_id: int, location_id: int, origin: int = 0) -> None:
        """Add the job that makes a location's bag anew, because its content has changed. origin: the import that
        this is for; 0: none."""
        await self._jobs.add([bag_work(archive_id, location_id, origin)])
        self.wake()

    # Archives

    async def dismiss(self, archive_id: int) -> None:
        """Close this archive for jobs, because another copy of it becomes the one in use."""
        await self._holding.dismiss(archive_id)

    def free_again(self, archive_id: int) -> None:
        """Let jobs begin at once that waited because the archive was reserved."""
        self._holding.free_again(archive_id)

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
