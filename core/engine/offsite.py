"""Copies of archives on remotes of rclone: mirrored to and from, restored from, and the catalog rebuilt from them.

A remote is a copy of its archive (core.archives.copies) whose path is its name. What was compared there is
recorded as for any other copy.
"""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core import archive_layout
from core.archives.archive import Archive
from core.archives.copies import Copy
from core.archives.liveness import answer, of_archive, while_answering
from core.archives.locate import seen_at
from core.archives.registry import Archives
from core.catalog import Catalog
from core.concurrency import Limit
from core.errors import ArchiveAwayError, ArchiveError, UsageError, WorkerDiedError
from core.journal.replay import JournalReplay
from core.maintenance.audit import Audit
from core.maintenance.move_import import Mover
from core.maintenance.rebuild import Rebuild
from core.models import Count
from core.offsite import stand_in
from core.offsite.book import RemoteBook, items_at
from core.offsite.fetch import Fetch
from core.offsite.lists import call_with_timeout, write_names
from core.offsite.rclone import OffsiteError, Rclone, Remote
from core.offsite.upload import Upload
from core.paths import display, is_remote
from core.queue import forget_items
from core.restoring.restore import Restore
from core.results import OffsiteResult, Rebuilt
from core.volumes.filesystems import filesystem
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

if TYPE_CHECKING:
    from core.engine.mirroring import Mirroring

FOLDER = "offsite"
"""The folder in the state folder for what runs with remotes need."""

STAND_IN = "rebuild-"
"""What the names of folders begin with that stand for a remote during a rebuild."""

Environ = Mapping[str, str] | None
"""The environment in which rclone runs; None: that of the engine."""


class Offsite:
    """All that an engine does with remotes."""

    def __init__(self, pool: Pool, catalog: Catalog, archives: Archives, copy: Limit, home: str) -> None:
        """`copy`: the limit of transfers. `home`: the state folder."""
        self._pool = pool
        self._catalog = catalog
        self._archives = archives
        self._copy = copy
        self._home = home
        self._rebuilding = asyncio.Lock()
        """Held while there is a stand-in."""

    # Mirrors

    async def mirror(self, one: "Mirroring") -> OffsiteResult:
        """Run a mirror from or to a remote. Raises LadingError."""
        up = is_remote(one.target)
        remote = Remote.of(one.target if up else one.source)
        rclone = Rclone(one.environ)
        return await (self._up(one, rclone, remote) if up else self._down(one, rclone, remote))

    async def _up(self, one: "Mirroring", rclone: Rclone, remote: Remote) -> OffsiteResult:
        mark = hashlib.sha256(os.fsencode(f"{one.source}\0{remote.spec}")).hexdigest()[:16]
        state = os.path.join(self._home, FOLDER, mark)
        async with self._archives.used(one.source, reading=True) as (archive, _):
            book = RemoteBook(self._catalog, archive.id, remote)
            files, size = await self._catalog.count_after(archive.id, 0)
            upload = Upload(rclone, archive.path, remote, state, book, Count(files=files, bytes=size))
            one.running(upload.progress)
            try:
                result = await while_answering(self._pool, archive.place, upload.go())
            except OffsiteError as error:
                if await answer(self._pool, *of_archive(archive.place)) is None:
                    raise
                away = f"{display(archive.place.root)} does not answer any more."
                raise ArchiveAwayError(away, "Mount it again.") from error
            if items := await items_at(self._catalog, archive.id, upload.progress.unsound, archive.copy.number):
                # Files that differ are audited, which records as damaged those that can be read but differ.
                await Audit(archive, self._catalog, self._pool, self._copy).read_again(items)
            return result

    async def _down(self, one: "Mirroring", rclone: Rclone, remote: Remote) -> OffsiteResult:
        own = os.path.join(one.target, archive_layout.OWN)
        known = await seen_at(os.fsencode(one.target), self._catalog)
        if known and not await call_with_timeout(one.target, lambda: os.path.isdir(own)):
            raise ArchiveAwayError(
                f"there is no archive at {display(one.target)}.",
                "Check that its volume is mounted. Where one was before, no new one is made.",
            )
        fetch = Fetch(rclone, remote, one.target)
        one.running(fetch)
        return await fetch.go()

    # Restores

    async def restoring(self, archive_id: int, name: str, environ: Environ) -> Restore:
        """A restore that reads an archive from the remote `name`. Raises UsageError, OffsiteError."""
        remote, rclone = Remote.of(name), Rclone(environ)
        ((uuid,),) = await self._catalog.database.read("SELECT uuid FROM archive WHERE id = ?", (archive_id,))
        if await rclone.archive_id(remote) != uuid:
            raise UsageError(f"{remote} does not hold that archive.", "Name a copy of the right one.")
        place = Place(os.fsencode(str(remote)), 0, 0, "", "")

        async def fetch(
            payload: Collection[str], folder: bytes, moved: Callable[[int], None]
        ) -> OffsiteError | None:
            with tempfile.TemporaryDirectory(prefix="lading-offsite-") as scratch:
                listed = Path(scratch) / "names.txt"
                await asyncio.to_thread(write_names, listed, payload)
                ended, _ = await rclone.run(
                    "copy",
                    remote.spec,
                    os.fsdecode(folder),
                    "--files-from-raw",
                    str(listed),
                    moved=lambda size, _: moved(size),
                )
            return ended.error() if ended.status else None

        return Restore(self._catalog.database.read, self._pool, self._copy, place, fetch)

    async def remote_in_use(self, archive_id: int) -> str:
        """The name of the remote that is the copy in use of an archive; empty if that is a folder."""
        (main, *_) = await self._catalog.copies_of(archive_id)
        return os.fsdecode(main.path) if is_remote(main.path) else ""

    # Rebuilds

    async def rebuild(self, name: str, environ: Environ) -> Rebuilt:
        """Add to the catalog what the remote `name` tells of its archive: journals, receipts, bags. Payload is
        only listed. The remote is the copy in use then; none of its payload counts as verified.

        Raises UsageError, OffsiteError, ArchiveError.
        """
        remote, rclone = Remote.of(name), Rclone(environ)
        uuid = await rclone.archive_id(remote)
        if not uuid:
            raise UsageError(f"{remote} holds no archive.", "Name it as `lading mirror` was given it.")
        await self._unknown(uuid, remote)
        async with self._rebuilding:
            folder = await asyncio.to_thread(_stand_in_folder, os.path.join(self._home, FOLDER))
            try:
                found = await self._rebuilt(rclone, remote, uuid, folder)
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return msgspec.structs.replace(found, remote=str(remote))

    async def _rebuilt(self, rclone: Rclone, remote: Remote, uuid: str, folder: str) -> Rebuilt:
        problems = await stand_in.make(rclone, remote, folder)
        facts, path = await asyncio.to_thread(os.stat, folder), os.fsencode(str(remote))
        id = await self._catalog.first_copy(uuid, path, "", b"", "", "")
        if id is None:
            id = await self._unknown(uuid, remote)
        place = Place(os.fsencode(folder), facts.st_dev, facts.st_ino, "", "")
        archive = RemoteArchive(
            uuid, Copy(id, 0, path), place, filesystem("unknown"), self._pool, self._catalog, writable=False
        )
        try:
            mover = Mover(archive, self._catalog, self._pool)
            await JournalReplay(archive, self._catalog, self._pool).run(mover.take_up)
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            raise ArchiveError(f"{remote} cannot be read: {error}.", "Try once more.") from error
        found = await Rebuild(archive, self._catalog, self._pool, whole=True, listed=True).run()
        # An engine with jobs does not end, and those of this archive cannot run before it is here.
        await forget_items.drop_jobs(self._catalog.database, id)
        return msgspec.structs.replace(found, problems=(*problems, *found.problems))

    async def _unknown(self, uuid: str, remote: Remote) -> int:
        """The row id of the archive if it is in use at this remote; 0 if it is not known. Raises UsageError if it
        is in use elsewhere."""
        known = await self._catalog.copies(uuid)
        if not known:
            return 0
        if known[0].path != os.fsencode(str(remote)):
            raise UsageError(
                f"this archive is in the catalog already, in use at {display(known[0].path)}.",
                f"Restore from here: lading restore WHAT DEST --archive {remote}; or bring it here and use it: "
                f"lading mirror {remote} DIR, then lading rebuild DIR.",
            )
        return known[0].archive_id


class RemoteArchive(Archive):
    """A remote as an archive that is only read. `place` is the folder that stands for it."""

    @property
    def path(self) -> str:
        """The remote's name."""
        return os.fsdecode(self.copy.in_use)


def _stand_in_folder(above: str) -> str:
    """A new folder for a stand-in. Those that killed engines left are removed."""
    os.makedirs(above, mode=0o700, exist_ok=True)
    for name in os.listdir(above):
        if name.startswith(STAND_IN):
            shutil.rmtree(os.path.join(above, name), ignore_errors=True)
    return tempfile.mkdtemp(prefix=STAND_IN, dir=above)
