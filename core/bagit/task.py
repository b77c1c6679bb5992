"""Makes a location's folder a valid BagIt 1.0 bag (RFC 8493) again, without reading its payload."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence

from core import archive_layout
from core.bagit.bag import Bag, open_import
from core.bagit.folder import BagFolder
from core.catalog import locations
from core.config import Config
from core.errors import ArchiveError
from core.tasks.task import Beat, Context, Job, Result
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

_OPEN = """
    INSERT INTO bag (location_id, note) VALUES (?, ?)
    ON CONFLICT (location_id) DO UPDATE SET sealed = NULL, note = excluded.note
"""


class BagIt:
    """The task of the queue `bagit`: each job makes the bag of one location. `place` gives an open archive by its
    row id."""

    queue = "bagit"
    together = 1

    def __init__(self, settings: Config, pool: Pool, place: Callable[[int], Awaitable[Place]]) -> None:
        self.settings = settings
        self._pool = pool
        self._place = place
        self._turns: dict[int, asyncio.Lock] = {}

    def missing(self) -> str:
        """Empty, because no other program is needed."""
        return ""

    async def close(self) -> None:
        """Does nothing: the task has no processes."""

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Make the bags of these jobs; see `core.tasks.task.QueueTask`."""
        return {job.id: await self._one(job, context, beat) for job in jobs}

    async def _one(self, job: Job, context: Context, beat: Beat) -> Result:
        number = job.location_id or 0
        async with self._turns.setdefault(number, asyncio.Lock()):
            location = await locations.by_id(context.read, number)
            if location is None:
                return Result(error="there is no such location", final=True)
            if why := await open_import(context, location.id):
                return Result(statements=[(_OPEN, [(location.id, why)])])
            scratch = await asyncio.to_thread(tempfile.mkdtemp, prefix="bagit-", dir=context.scratch)
            try:
                place = await self._place(location.archive_id)
                folder = BagFolder(self._pool, place, location.folder, lambda: beat(job.id, bag.done))
                bag = Bag(self.settings, context, location, folder, scratch)
                return Result(statements=await bag.make())
            except TaskFailedError as error:
                raise ArchiveError(
                    f"{archive_layout.location(location.folder)}: {error.fault.text}.", "Retry the job."
                ) from error
            finally:
                await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
