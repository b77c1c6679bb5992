"""The upkeep of archives: read again and healed, moved about in, and the catalog rebuilt from what they hold."""

import asyncio
import os
import time
from collections.abc import Container

import msgspec

from core.archives.archive import Archive
from core.archives.opened import Archives
from core.catalog import Catalog
from core.engine.background import Background
from core.engine.starter import Starter
from core.errors import ArchiveError, UsageError, WorkerDiedError
from core.importing.audit import EVERYTHING, Audit, Progress
from core.importing.heal import Heal
from core.importing.ingest import ENDED
from core.importing.moving import Mover
from core.importing.rebuild import Rebuild
from core.models import Count
from core.receipts import lookup
from core.results import AuditResult, AuditScope, Moved, Rebuilt
from core.workers.pool import Pool, TaskFailedError

TOLD = 0.5
"""Seconds between two words on a rebuild's progress."""


class Upkeep:
    """Each of these opens the archive that it is about. `under_way`: the imports that the engine has in hand."""

    def __init__(
        self,
        pool: Pool,
        catalog: Catalog,
        archives: Archives,
        starter: Starter,
        background: Background,
        under_way: Container[str],
    ) -> None:
        self._pool = pool
        self._catalog = catalog
        self._archives = archives
        self._starter = starter
        self._background = background
        self._under_way = under_way

    async def audit(self, path: str, progress: Progress, scope: AuditScope = EVERYTHING) -> AuditResult:
        """Read the archive at `path` again, as far as `scope` says. Raises ArchiveError, SourceError."""
        async with self._archives.used(path) as (archive, _):
            began = time.monotonic()
            audit = Audit(archive, self._catalog, self._pool, self._starter.limits.verify)
            result = await audit.run(progress, scope)
            if not scope.heal:
                return result
            heal = Heal(archive, self._catalog, self._pool, self._starter.limits.copy)
            try:
                await heal.run(await self._starter.sources(scope.heal))
            finally:
                for location in heal.locations:
                    await self._background.bag_anew(archive.id, location)
            result = await audit.result(began)
            return msgspec.structs.replace(result, healed=tuple(heal.healed))

    async def rebuild(self, path: str, progress: Progress = lambda new, total: None) -> Rebuilt:
        """Bring the catalog up to all that the archive at `path` holds. Raises ArchiveError, UsageError.

        `progress` is told now and then how many files are new in the catalog; nobody knows how many will be.
        """
        telling = asyncio.create_task(self._tell(progress), name="rebuild's progress")
        try:
            return await self._rebuild(path)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, progress: Progress) -> None:
        before = self._catalog.last_item_id
        while True:
            await asyncio.sleep(TOLD)
            progress(Count(files=self._catalog.last_item_id - before), Count())

    async def _rebuild(self, path: str) -> Rebuilt:
        async with self._archives.used(path) as (archive, _):
            for name in archive.active:
                if name in self._under_way:
                    raise UsageError(f"import {name} runs into it.", "Wait for its end, or cancel it.")
            found = await Rebuild(archive, self._catalog, self._pool).run()
            return msgspec.structs.replace(found, jobs=await self._background.derive(archive.id))

    async def move(self, name: str, location: str) -> Moved:
        """Move an import that has ended to another location of its archive. Raises UsageError, ArchiveError."""
        row = (await self._catalog.imports("i.id = ?", (await lookup.find(self._catalog.database.read, name),)))[0]
        if row.state not in ENDED:
            raise UsageError(f"import {row.name} has not ended.", "Wait for its end, or cancel it.")
        async with self._archives.used(os.fsdecode(row.archive_path), row.archive_id) as (archive, _):
            with archive.to_itself(f"import {row.name} is moved to another location"):
                return await self._move(archive, row.name, location)

    async def _move(self, archive: Archive, name: str, location: str) -> Moved:
        row = (await self._catalog.imports("i.name = ?", (name,)))[0]
        if not location.strip():
            raise UsageError("no location was given.", "Say where it belongs.")
        number, folder = await archive.location(location)
        if number == row.location_id:
            raise UsageError(f"import {name} is there already.", "See `lading location`.")
        try:
            moved = await Mover(archive, self._catalog, self._pool).move(row, number, folder, location.strip())
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            raise ArchiveError(
                f"the move could not be finished: {error}.", "It is finished when the archive is opened next."
            ) from error
        self._background.wake()
        return moved

    async def derive(self, path: str) -> int:
        """Add jobs for all that is missing in the archive at `path`; how many. Raises ArchiveError."""
        async with self._archives.used(path) as (archive, _):
            return await self._background.derive(archive.id)
