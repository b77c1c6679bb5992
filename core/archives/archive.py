"""An archive as the engine holds it: opened, locked, its locations known, its journals read."""

import asyncio
import os
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from core.archives import told
from core.archives.whereabouts import on_volume
from core.catalog import Catalog
from core.errors import ArchiveAwayError, ArchiveError, UsageError, WorkerDiedError
from core.importing.lock import Lock
from core.paths import display, slug
from core.volumes import privacy
from core.volumes.filesystems import FileSystem, filesystem
from core.volumes.mounts import mounts, volume_of
from core.workers import messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

ANSWER = 20.0
"""Seconds an archive gets to be opened."""

BACKGROUND = "background"
"""What `active` holds while background work is at the archive."""


class Archive:
    """One archive of this engine. `filesystem` is what its volume is."""

    def __init__(self, id: int, uuid: str, place: Place, kind: FileSystem, pool: Pool, catalog: Catalog) -> None:
        self.id = id
        self.uuid = uuid
        self.place = place
        self.filesystem = kind
        self.lock = Lock(pool, place)
        self.active: set[str] = set()
        """Names of the imports that run into it, and of what else holds it open."""
        self.alone = ""
        """Why nobody else may use it for now."""
        self.closing = asyncio.Lock()
        """Held while an import gets its receipt."""
        self._naming = asyncio.Lock()
        self._catalog = catalog
        self._pool = pool

    @property
    def path(self) -> str:
        """Its root, as text that `os.fsencode` turns back."""
        return os.fsdecode(self.place.root)

    @classmethod
    async def open(cls, path: str, pool: Pool, catalog: Catalog, *, create: bool) -> "Archive":
        """Open the archive at `path`, or with `create` make one. Raises ArchiveError.

        Where one was, none is made: its volume is not mounted, and it would land on the disk below.
        """
        known = await catalog.archive_at(os.path.abspath(os.fsencode(path))) is not None  # noqa: ASYNC240
        facts = await examine(path, pool, create=create and not known)
        try:
            uuid = str(tomllib.loads(facts.text)["id"])
        except (tomllib.TOMLDecodeError, KeyError) as error:
            raise ArchiveError(
                f"{display(path)}/.lading/archive.toml is damaged: {error}.",
                "Restore it from a copy of the archive.",
            ) from error
        kind = filesystem_of(facts.root)
        place = Place(facts.root, facts.device, facts.inode, facts.way, str(kind.level))
        volume, below = await asyncio.to_thread(on_volume, facts.root)
        id = await catalog.archive(uuid, facts.root, volume, below)
        return cls(id, uuid, place, kind, pool, catalog)

    @contextmanager
    def to_itself(self, why: str) -> Iterator[None]:
        """Nobody else uses it in this block, but background work that copes with anything. Raises UsageError."""
        others = [name for name in self.active if name != BACKGROUND]
        if len(others) > 1:
            raise UsageError(
                f"{display(self.path)} is in use: {', '.join(sorted(others)[:3])}.", "Wait for the end of that."
            )
        self.alone = why
        try:
            yield
        finally:
            self.alone = ""

    async def location(self, name: str) -> tuple[int, str]:
        """Id and folder of the location `name`, new when the archive has none of that name yet."""
        wanted = name.strip()
        async with self._naming:
            if there := await self._named(wanted):
                return there
            # Before one is made: another engine may have given this name to one that has another here.
            with suppress(TaskFailedError, WorkerDiedError, OSError):
                await told.learn(self.id, self.place, self._pool, self._catalog)
            if there := await self._named(wanted):
                return there
            folder = f"{slug(wanted)}-{secrets.token_hex(3)}"
            return await self._catalog.location(self.id, folder, wanted), folder

    async def _named(self, wanted: str) -> tuple[int, str] | None:
        for folder, found in await self._catalog.locations(self.id):
            if found.casefold() == wanted.casefold():
                return await self._catalog.location(self.id, folder, found), folder
        return None


def filesystem_of(root: bytes) -> FileSystem:
    """What the file system is that holds `root`, an absolute path without links; touches no file system."""
    mount = volume_of(root, mounts())
    return filesystem(mount.filesystem, mount.kind) if mount else filesystem("unknown")


async def examine(path: str, pool: Pool, *, create: bool) -> messages.ArchiveFacts:
    """Open an archive and try what its file system offers. Raises ArchiveError."""
    request = messages.OpenArchive(os.fsencode(os.path.abspath(path)), create)  # noqa: ASYNC240 - touches no disk
    try:
        async with asyncio.timeout(ANSWER), pool.worker("open") as worker:
            return await worker.ask_twice(request, messages.ArchiveFacts)
    except TimeoutError as error:
        raise ArchiveAwayError(f"{display(path)} does not answer.", "Mount it again.") from error
    except (OSError, WorkerDiedError) as error:
        raise ArchiveError(f"{display(path)} cannot be opened: {error}.", "Try once more.") from error
    except TaskFailedError as error:
        if not create and error.detail == "FileNotFoundError":
            raise ArchiveAwayError(
                f"there is no archive at {display(path)}.",
                "Check the path, and that its volume is mounted. Where one was before, no new one is made.",
            ) from error
        if error.fault.lost:
            raise ArchiveAwayError(
                f"{display(path)} does not answer: {error.fault.text}.", "Mount it again."
            ) from error
        raise ArchiveError(
            f"{display(path)} cannot be opened for writing: {error.fault.text}.",
            privacy.switch(error.fault.code, os.environ)
            or "Check that the volume is mounted and that you may write there.",
        ) from error
