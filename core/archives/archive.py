"""An archive that the engine has open: its lock, its locations, who uses it."""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from core.archives import location_sync
from core.archives.copies import Copy, examine, recognised, uuid_of
from core.archives.locate import identity_at, seen_at
from core.archives.lock import Lock
from core.catalog import Catalog
from core.errors import ArchiveAwayError, ArchiveReadOnlyError, UsageError, WorkerDiedError
from core.paths import display, slug
from core.volumes.devices import filesystem_on
from core.volumes.filesystems import FileSystem, StorageKind, filesystem, unflushed
from core.volumes.mounts import mounted_at, mounts
from core.workers.archive_messages import ArchiveFacts
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

BACKGROUND = "background"
"""Stands for background jobs in `active`."""

REQUEST = "request "
"""Begins the names in `active` of what is no import, and has no name of its own."""


class Archive:
    """One archive of this engine. `filesystem` describes its volume's file system.

    `copy`: which copy of the archive it is. `writable` is False for a copy that is not in use, unless it is opened
    as the target of a mirror, and for a read-only one: such an archive is not locked, not written to, and not
    shared between users.
    """

    def __init__(
        self,
        uuid: str,
        copy: Copy,
        place: Place,
        kind: FileSystem,
        pool: Pool,
        catalog: Catalog,
        *,
        writable: bool = True,
    ) -> None:
        self.id = copy.archive_id
        self.copy = copy
        self.uuid = uuid
        self.writable = writable
        self.place = place
        self.filesystem = kind
        self.lock = Lock(pool, place)
        self.active: set[str] = set()
        """Names of the imports that write to it, and of other users that hold it open."""
        self.alone = ""
        """Why it is reserved for one user; empty: it is not."""
        self.closing = asyncio.Lock()
        """Held while an import's receipt is written."""
        self.mirroring = asyncio.Lock()
        """Held while a mirror brings it something: two at once would append the same lines to its journals."""
        self.healing = asyncio.Lock()
        """Held while damaged files are replaced: a second healing would put aside what the first has brought."""
        self._naming = asyncio.Lock()
        self._catalog = catalog
        self._pool = pool

    @property
    def path(self) -> str:
        """The path of its root, as text that `os.fsencode` converts back."""
        return os.fsdecode(self.place.root)

    @classmethod
    async def open(
        cls,
        path: str,
        pool: Pool,
        catalog: Catalog,
        *,
        create: bool,
        reading: bool = False,
        mirror: bool = False,
    ) -> "Archive":
        """Open the archive at `path`; with `create`, make one if there is none. With `reading`, also an archive
        that cannot be written to, or a copy that is not in use; with `mirror`, also a copy that is not in use, for
        writing. Raises ArchiveError.

        None is made at a path where an archive was seen before: its volume is not mounted then, and the new
        archive would be written to the disk below the mount point.
        """
        known = await seen_at(os.path.abspath(os.fsencode(path)), catalog)  # noqa: ASYNC240
        create = create and not known
        facts: ArchiveFacts | None = None
        copy = Copy()
        try:
            # Nothing is written before it is known which copy it is.
            facts = await examine(path, pool, look=True)
        except ArchiveAwayError:
            if not create:
                raise
        else:
            copy = await recognised(facts, pool, catalog)
        writable = mirror or not copy.number
        if writable:
            try:
                facts = await examine(path, pool, create=create)
            except ArchiveReadOnlyError:
                if not reading or facts is None:
                    raise
                writable = False
        elif not reading:
            raise copy.refusal(path)
        assert facts is not None  # noqa: S101 - for the type checker
        uuid = uuid_of(facts)
        if not copy.number:
            volume = await asyncio.to_thread(identity_at, facts.mount)
            where = facts.root, volume, facts.below, facts.fsid, facts.mark
            if copy.archive_id:
                id: int | None = await catalog.archive(uuid, *where)
            else:
                id = await catalog.first_copy(uuid, *where)
            # No id: another copy of this archive was opened for the first time meanwhile.
            copy = Copy(id, 0, facts.root) if id else await recognised(facts, pool, catalog)
            if copy.number and not reading:
                raise copy.refusal(path)
            writable = writable and not copy.number
        kind = filesystem_of(facts.mount)
        if not facts.flushes:
            kind = unflushed(kind)
        place = Place(
            facts.root,
            facts.device,
            facts.inode,
            facts.way,
            str(kind.level),
            kind.kind is StorageKind.NETWORK,
            kind.sends_on_fsync,
            facts.parts_from,
        )
        return cls(uuid, copy, place, kind, pool, catalog, writable=writable)

    @contextmanager
    def to_itself(self, why: str) -> Iterator[None]:
        """Reserve the archive for this block, except from background jobs, which tolerate any change. Raises
        UsageError."""
        others = [name for name in self.active if name != BACKGROUND]
        if len(others) > 1:
            imports = sorted(name for name in others if not name.startswith(REQUEST))
            by = ", ".join(imports[:3]) or "another request"
            raise UsageError(f"{display(self.path)} is in use: {by}.", "Wait for the end of that.")
        self.alone = why
        try:
            yield
        finally:
            self.alone = ""

    async def location(self, name: str) -> tuple[int, str]:
        """(row id, folder) of the location `name`, which is made if the archive has none of that name yet."""
        wanted = name.strip()
        async with self._naming:
            if there := await self._named(wanted):
                return there
            # Read the bags first: another engine may have given this name to a location that has another name
            # here.
            with suppress(TaskFailedError, WorkerDiedError, OSError):
                await location_sync.sync(self.id, self.place, self._pool, self._catalog)
            if there := await self._named(wanted):
                return there
            folder = f"{slug(wanted)}-{secrets.token_hex(3)}"
            return await self._catalog.location(self.id, folder, wanted), folder

    async def _named(self, wanted: str) -> tuple[int, str] | None:
        for folder, found in await self._catalog.locations(self.id):
            if found.casefold() == wanted.casefold():
                return await self._catalog.location(self.id, folder, found), folder
        return None


def reading_place(facts: ArchiveFacts) -> Place:
    """The place of an archive from which one only reads."""
    kind = filesystem_of(facts.mount)
    network = kind.kind is StorageKind.NETWORK
    return Place(facts.root, facts.device, facts.inode, "", str(kind.level), network)


def filesystem_of(point: bytes) -> FileSystem:
    """The properties of the file system with the mount point `point`; makes no call into that file system."""
    mount = mounted_at(point, mounts())
    return filesystem_on(mount) if mount else filesystem("unknown")
