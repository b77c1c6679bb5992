"""Where an archive is now: its volume may be mounted at another place than before."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from core.catalog import Catalog
from core.errors import ArchiveError
from core.paths import display
from core.volumes.known import Known
from core.volumes.mounts import mounts, volume_of
from core.volumes.volume import describe

T = TypeVar("T")


class Whereabouts:
    """Finds archives again, by the identity of the volume on which each was seen last: a copy of the archive on
    another volume is not taken for it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known = Known()

    async def find(self, path: str, id: int | None, use: Callable[[str, int | None], Awaitable[T]]) -> T:
        """What `use` gives of an archive, called with a place and the id wanted there: at `path`, else where its
        volume is mounted now. Without `id` it is what is at `path`, else the one that was last seen there.

        Raises ArchiveError, as `use` does where that archive is not.
        """
        try:
            return await use(path, id)
        except ArchiveError:
            absolute = os.path.abspath(os.fsencode(path))  # noqa: ASYNC240 - touches no disk
            wanted = id or await self._catalog.archive_at(absolute)
            for place in await self.elsewhere(wanted, absolute) if wanted else ():
                with suppress(ArchiveError):
                    return await use(os.fsdecode(place), wanted)
            raise

    async def elsewhere(self, id: int, path: bytes, age: float = 0.0) -> list[bytes]:
        """Where an archive may be now that is not at `path`; touches no file system.

        What is mounted may have been found out `age` seconds ago. Nowhere, when the system does not say what is.
        """
        found = await self._catalog.archive_on(id)
        if found is None:
            return []
        volume, root = found
        try:
            places = await asyncio.to_thread(self._known.places, volume, root, age)
        except OSError:
            return []
        return [place for place in places if place != path]


def on_volume(root: bytes) -> tuple[str, bytes]:
    """The identity of the volume that holds `root`, an absolute path without links, and where on it that lies;
    empty where that cannot be told. Touches no file system, but may ask for a disk: not for the loop."""
    mount = volume_of(root, mounts())
    if mount is None:
        return "", b""
    below = os.path.relpath(root, os.fsencode(mount.mount))
    return display(describe(mount).identity), b"" if below == b"." else below
