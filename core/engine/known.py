"""What an engine tells of items and locations when a person asks, and what a person tells it of locations."""

import os

from core.archives import locations
from core.catalog import Catalog, located, shown
from core.engine.background import Background
from core.errors import UsageError
from core.paths import display
from core.shown import Changes, ItemView, LocationView


class Known:
    """Needs no archive to be there: all of it stands in the catalog."""

    def __init__(self, catalog: Catalog, background: Background) -> None:
        self._catalog = catalog
        self._read = catalog.database.read
        self._background = background

    async def show(self, wanted: str, path: bytes, *, raw: bool = False) -> list[ItemView]:
        """The items that a digest, a name or an absolute path means, the first of them.

        raw: when it is one, with all that exiftool and ffprobe said. Raises UsageError.
        """
        found = await shown.find(self._read, wanted, path)
        return [await shown.item(self._read, id, raw=raw and len(found) == 1) for id in found]

    async def locations(self, path: str) -> list[LocationView]:
        """The locations of the archive at `path`. Raises UsageError."""
        return await located.views(self._read, await self._archive(path))

    async def describe(self, path: str, location: str, changes: Changes) -> LocationView:
        """Change what is said of a location; its bag is made anew once its archive is there. Raises UsageError."""
        archive_id = await self._archive(path)
        found = await locations.find(self._read, archive_id, location)
        if await locations.change(self._catalog.database, found.id, changes) != found:
            await self._background.bag_anew(archive_id, found.id)
        views = await located.views(self._read, archive_id)
        return next(view for view in views if view.folder == found.folder)

    async def _archive(self, path: str) -> int:
        found = await self._catalog.archive_at(os.fsencode(path))
        if found is None:
            raise UsageError(
                f"nothing is known of an archive at {display(path)}.", "Give another by --archive DIR."
            )
        return found
