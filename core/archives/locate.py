"""Finds where an archive is now: its volume may be mounted at another place than before."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from core.catalog import Catalog
from core.errors import ArchiveCopyError, ArchiveError, ArchiveHeldError, VolumeError
from core.paths import display
from core.volumes.find_volume import VolumeFinder
from core.volumes.mounts import mounted_at, mounts
from core.volumes.volume import identify

T = TypeVar("T")


class Locate:
    """Finds archives by the identity of the volume on which each was last seen. So a copy of the archive on
    another volume is not mistaken for it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known = VolumeFinder()

    async def find(self, path: str, id: int | None, use: Callable[[str, int | None], Awaitable[T]]) -> T:
        """The result of `use`, called with a path and the archive id expected there: for `path`, and if that
        fails, for the places where the archive's volume is mounted now. Without `id` it is the archive at `path`,
        else the one last seen there, or seen there before with a volume that is not there now.

        Raises ArchiveError, as `use` does when the archive is not there.
        """
        try:
            return await use(path, id)
        except ArchiveError as error:
            if isinstance(error, ArchiveHeldError):
                raise  # it is there; at another mount of the same volume it would only be waited for once more
            if id is None and isinstance(error, ArchiveCopyError):
                raise  # a person named this copy
            absolute = os.path.abspath(os.fsencode(path))  # noqa: ASYNC240 - touches no disk
            wanted = id or await self._catalog.archive_at(absolute) or await formerly_at(absolute, self._catalog)
            for place in await self.elsewhere(wanted, absolute) if wanted else ():
                with suppress(ArchiveError):
                    return await use(os.fsdecode(place), wanted)
            raise

    async def elsewhere(self, id: int, path: bytes, age: float = 0.0) -> list[bytes]:
        """Paths other than `path` where an archive may be now; makes no call into a file system.

        The list of mounts may be up to `age` seconds old. Empty when the system does not give that list.
        """
        found = await self._catalog.archive_on(id)
        if found is None:
            return []
        return [place for place in await self.places(*found, age) if place != path]

    async def places(self, volume: str, root: bytes, age: float = 0.0) -> list[bytes]:
        """Paths where the folder `root` of a volume may be now; otherwise as `elsewhere`."""
        try:
            return await asyncio.to_thread(self._known.places, volume, root, age)
        except OSError:
            return []


async def seen_at(path: bytes, catalog: Catalog) -> bool:
    """Whether an archive was seen at `path`, so that none is made there: its volume is not mounted then, and the
    new archive would be written to the disk below the mount point."""
    return await catalog.archive_of_copy_at(path) is not None or await formerly_at(path, catalog) is not None


async def formerly_at(path: bytes, catalog: Catalog) -> int | None:
    """The row id of an archive that was at `path` before it was seen elsewhere. None when there is none, and where
    the volume on which it lay there is mounted there now: it was moved on that volume then, and its old name is
    free. Makes no call into a file system."""
    for id, volume, root in await catalog.formerly_at(path):
        try:
            places = await asyncio.to_thread(VolumeFinder().places, volume, root) if volume else []
        except OSError:
            places = []
        if path not in places:
            return id
    return None


def identity_at(point: bytes) -> str:
    """The identity of the volume with the mount point `point`; empty where it is not known. Makes no call into
    that file system, but may query the disk, so it must not be called on the event loop."""
    mount = mounted_at(point, mounts())
    if mount is None:
        return ""
    try:
        return display(identify(mount))
    except VolumeError:
        return ""
