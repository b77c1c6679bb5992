"""Queries about items and locations, and changes of a location's description."""

import os

from core.catalog import Catalog, item_details, location_views, locations
from core.details import Changes, ItemView, LocationView
from core.engine.job_service import JobService
from core.errors import UsageError
from core.paths import display
from core.queue.enqueue import adding, bag_work


class Queries:
    """Answers from the catalog alone, so that no archive needs to be present."""

    def __init__(self, catalog: Catalog, jobs: JobService) -> None:
        self._catalog = catalog
        self._read = catalog.database.read
        self._jobs = jobs

    async def show(self, wanted: str, path: bytes, *, raw: bool = False) -> list[ItemView]:
        """The first items that match a digest, a name or an absolute path.

        raw: if it is only one, include the complete output of exiftool and ffprobe. Raises UsageError.
        """
        found = await item_details.find(self._read, wanted, path)
        return [await item_details.item(self._read, id, raw=raw and len(found) == 1) for id in found]

    async def locations(self, path: str) -> list[LocationView]:
        """The locations of the archive at `path`. Raises UsageError."""
        return await location_views.views(self._read, await self._archive(path))

    async def describe(self, path: str, location: str, changes: Changes) -> LocationView:
        """Change the description of a location. Its bag is made anew as soon as its archive is present. Raises
        UsageError."""
        archive_id = await self._archive(path)
        found = await locations.find(self._read, archive_id, location)
        if changes != Changes():
            anew = adding([bag_work(archive_id, found.id)])
            await locations.change(self._catalog.database, found.id, changes, [anew])
            self._jobs.wake()
        views = await location_views.views(self._read, archive_id)
        return next(view for view in views if view.folder == found.folder)

    async def _archive(self, path: str) -> int:
        found = await self._catalog.archive_of_copy_at(os.fsencode(path))
        if found is None:
            raise UsageError(
                f"nothing is known of an archive at {display(path)}.", "Give another by --archive DIR."
            )
        return found
