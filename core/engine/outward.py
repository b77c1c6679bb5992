"""What goes out of archives again: checks of sources, and restores."""

import os

from core.archives.opened import Archives
from core.archives.reading import Reading, reading
from core.catalog import Catalog
from core.engine.starter import Starter
from core.errors import ArchiveError, SourceError, UsageError
from core.importing.check import Check
from core.importing.sources import Sources
from core.paths import display
from core.restoring import selection
from core.restoring.restore import Progress, Restore
from core.results import CheckResult, RestoreResult
from core.workers.pool import Pool


class Outward:
    """Archives are only read here; a lock is taken only to read journals of another engine."""

    def __init__(self, pool: Pool, catalog: Catalog, archives: Archives, starter: Starter) -> None:
        self._archives = archives
        self._pool = pool
        self._catalog = catalog
        self._starter = starter
        self._sources = Sources(pool)
        self._targets: set[bytes] = set()

    async def check(self, source: str, archive: str, progress: Progress, *, read: bool) -> CheckResult:
        """Is every file of `source` archived, verified and still there? Raises SourceError, ArchiveError."""
        (picked,) = await self._sources.pick([source])
        if picked is None:
            raise SourceError(f"{display(source)} cannot be used.")
        found = await self._known(archive)
        limits = self._starter.limits
        check = Check(self._catalog, self._pool, found, picked, self._starter.reading(picked), limits)
        return await check.run(progress, read=read)

    async def _known(self, path: str) -> Reading:
        """The archive at `path`, whose journals are read first if there are new ones. Raises ArchiveError."""
        found = await self._reading(path)
        if found.news or not found.id:
            try:
                async with self._archives.used(path):
                    return await self._reading(path)
            except ArchiveError:
                # Another engine has it, or it cannot be written: what is known has to do.
                if not found.id:
                    raise
        return found

    async def _reading(self, path: str, id: int | None = None) -> Reading:
        """The archive at `path`, or where its volume is mounted now; with `id` that one and no other.

        Raises ArchiveError.
        """
        return await self._archives.whereabouts.find(path, id, self._that)

    async def _that(self, path: str, id: int | None) -> Reading:
        found = await reading(path, self._pool, self._catalog)
        if id is not None and found.id != id:
            raise ArchiveError(f"at {display(path)} is another archive now.", "Mount the right one.")
        return found

    async def restore(self, name: str, target: str, progress: Progress, *, by_date: bool) -> RestoreResult:
        """The original tree of an import, a card or a location below `target`. Raises UsageError, ArchiveError."""
        read = self._catalog.database.read
        trees = await selection.trees(read, name)
        path = os.path.abspath(os.fsencode(target))  # noqa: ASYNC240 - touches no disk
        if path in self._targets:
            raise UsageError(f"{display(path)} is being restored to already.", "Wait, or name another folder.")
        self._targets.add(path)
        first = trees[0].imports[0]
        try:
            archive = await self._reading(os.fsdecode(first.archive), first.archive_id)
            restore = Restore(read, self._pool, self._starter.limits.copy, archive)
            return await restore.run(trees, path, progress, by_date=by_date)
        finally:
            self._targets.discard(path)
