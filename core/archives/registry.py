"""The archives that an engine has open: each is locked from its first user to its last."""

import asyncio
import errno
import itertools
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from core.aio import time_limit
from core.archives import refusal_advice
from core.archives.archive import BACKGROUND, REQUEST, Archive
from core.archives.copies import OPEN_TIMEOUT, unwritable
from core.archives.dedup import Dedup
from core.archives.liveness import while_answering
from core.archives.locate import Locate
from core.catalog import Catalog
from core.errors import ArchiveAwayError, ArchiveError, UsageError, WorkerDiedError
from core.paths import display
from core.volumes import macos_permissions
from core.workers import archive_messages, source_messages
from core.workers.pool import Pool, TaskFailedError

Identity = tuple[int, int]
"""Device and inode of an archive's root: one archive can have several paths."""


class Archives:
    """Opens and closes archives. One that does not answer delays only its own users."""

    def __init__(self, pool: Pool, catalog: Catalog, replay: Callable[[Archive], Awaitable[None]]) -> None:
        """`replay` replays the journals of an archive that has just been locked into the catalog."""
        self.opening = 0
        """How many archives are being opened now."""
        self.whereabouts = Locate(catalog)
        self._pool = pool
        self._catalog = catalog
        self._replay = replay
        self.opened: dict[Identity, tuple[Archive, Dedup]] = {}
        self._turns: defaultdict[object, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._numbers = itertools.count()
        self._readers: Counter[int] = Counter()
        self._changing: set[int] = set()

    @asynccontextmanager
    async def used(
        self,
        path: str,
        id: int | None = None,
        *,
        create: bool = False,
        reading: bool = False,
        mirror: bool = False,
    ) -> AsyncIterator[tuple[Archive, Dedup]]:
        """The archive at `path`, locked and its journals replayed. It stays open until the block ends, and as long
        as `active` has another name. If it is not at `path` any more, it is looked for where its volume is mounted
        now; with `id` no other archive is accepted. It is the copy in use, and writable. With `reading` it may be
        any copy, and is neither locked nor written to unless it is the writable copy in use. With `mirror` it may
        be any copy, is locked and may be written to; a copy that is not in use does not update the catalog.

        Raises ArchiveError.
        """
        user = f"{REQUEST}{next(self._numbers)}"
        self.opening += 1
        try:
            # An archive is only made at the path that was asked for.
            archive, dedup = await self.whereabouts.find(
                path,
                id,
                lambda place, wanted: self._open_expected(
                    place, user, wanted, create=create and place == path, reading=reading, mirror=mirror
                ),
            )
        finally:
            self.opening -= 1
        try:
            with self.read(archive.id):
                yield archive, dedup
        finally:
            await self.leave(archive, user)

    @contextmanager
    def read(self, id: int) -> Iterator[None]:
        """In this block the copy in use stays the same, because what is found in the archive is recorded for that
        copy. Raises ArchiveError."""
        if id in self._changing:
            raise ArchiveError("another copy of it is just becoming the one in use.", "Try once more.")
        self._readers[id] += 1
        try:
            yield
        finally:
            self._readers[id] -= 1

    @contextmanager
    def changing(self, id: int) -> Iterator[None]:
        """In this block another copy of an archive becomes the one in use. Raises UsageError."""
        users = {name for archive, _ in self.opened.values() if archive.id == id for name in archive.active}
        if self._readers[id] or users - {BACKGROUND}:
            raise UsageError("the archive is in use: imported into, read or moved about in.", "Wait for its end.")
        self._changing.add(id)
        try:
            yield
        finally:
            self._changing.discard(id)

    async def _open_expected(
        self, path: str, user: str, id: int | None, *, create: bool, reading: bool, mirror: bool
    ) -> tuple[Archive, Dedup]:
        """Open the archive at `path` for `user`. Raises ArchiveAwayError when `id` is given and it is another
        one."""
        archive, dedup = await self._opened(path, user, create=create, reading=reading, mirror=mirror)
        if id is not None and archive.id != id:
            await self.leave(archive, user)
            raise ArchiveAwayError(f"at {display(path)} is another archive now.", "Mount the right one.")
        return archive, dedup

    async def _opened(
        self, path: str, user: str, *, create: bool, reading: bool, mirror: bool
    ) -> tuple[Archive, Dedup]:
        async with self._turns[os.path.abspath(path)]:  # noqa: ASYNC240 - touches no disk
            archive: Archive | None = None
            if (identity := await self._identity_at(path)) is None:
                archive = await self._open_at(path, create=create, reading=reading, mirror=mirror)
                identity = _identity(archive)
            async with self._turns[identity]:
                if identity not in self.opened:
                    # An archive that is open is not opened again, because opening probes in staging, which is
                    # cleaned at any time.
                    if archive is None:
                        archive = await self._open_at(path, create=create, reading=reading, mirror=mirror)
                    if _identity(archive) != identity:
                        raise ArchiveError(f"{display(path)} was replaced just now.", "Try once more.")
                    dedup = Dedup(archive, self._catalog)
                    if not archive.writable:
                        await while_answering(self._pool, archive.place, self._read(archive, path))
                        return archive, dedup
                    await while_answering(self._pool, archive.place, self._locked(archive, path))
                    self.opened[identity] = archive, dedup
                found = self.opened[identity]
                was = os.fsdecode(found[0].place.root)
                if was != os.path.abspath(path) and await self._identity_at(was) != identity:  # noqa: ASYNC240
                    raise ArchiveError(
                        f"{display(path)} was renamed while it is in use as {display(was)}.",
                        "Wait for the end of what is done there; then try once more.",
                    )
                if found[0].alone:
                    raise ArchiveError(
                        f"{display(path)}: {found[0].alone}.", "Wait for its end; then try once more."
                    )
                if found[0].copy.number and not (reading or mirror):
                    raise found[0].copy.refusal(path)
                found[0].active.add(user)
                return found

    async def _open_at(self, path: str, *, create: bool, reading: bool, mirror: bool) -> Archive:
        return await Archive.open(path, self._pool, self._catalog, create=create, reading=reading, mirror=mirror)

    async def _identity_at(self, path: str) -> Identity | None:
        """The identity of the folder at `path`, without writing anything; None when there is none. Raises
        ArchiveAwayError."""
        request = source_messages.LookAtPath(os.path.abspath(os.fsencode(path)))  # noqa: ASYNC240 - touches no disk
        try:
            async with time_limit(OPEN_TIMEOUT), self._pool.worker("look") as worker:
                source = (await worker.ask(request, source_messages.Looked)).source
        except TimeoutError as error:
            advice = macos_permissions.no_answer_advice("Mount it again.")
            raise ArchiveAwayError(f"{display(path)} does not answer.", advice) from error
        except (TaskFailedError, WorkerDiedError, OSError):
            return None
        return source.device, source.inode

    async def _locked(self, archive: Archive, path: str) -> None:
        """Lock the archive, replay its journals, clean its staging. Raises ArchiveError."""
        try:
            await archive.lock.take()
            try:
                if not archive.copy.number:
                    await self._replay(archive)
                async with self._pool.worker("clean") as worker:
                    await worker.ask(
                        archive_messages.CleanStaging(archive.place, None), archive_messages.NamesCounted
                    )
            except BaseException:
                await archive.lock.release()
                raise
        except TaskFailedError as error:
            if error.fault.code in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise unwritable(path, error) from error
            kind = ArchiveAwayError if error.fault.lost else ArchiveError
            raise kind(
                f"{display(path)} cannot be used: {error.fault.text}.",
                refusal_advice.advice(error.fault.code),
            ) from error
        except (OSError, WorkerDiedError) as error:
            raise ArchiveError(f"{display(path)} cannot be used: {error}.", "Try once more.") from error

    async def _read(self, archive: Archive, path: str) -> None:
        """Replay the journals of a read-only archive. A copy that is not in use does not update the catalog.

        Raises ArchiveError.
        """
        if archive.copy.number:
            return
        try:
            await self._replay(archive)
        except TaskFailedError as error:
            kind = ArchiveAwayError if error.fault.lost else ArchiveError
            raise kind(
                f"{display(path)} cannot be read: {error.fault.text}.", "Check that you may read there."
            ) from error
        except (OSError, WorkerDiedError) as error:
            raise ArchiveError(f"{display(path)} cannot be read: {error}.", "Try once more.") from error

    async def leave(self, archive: Archive, user: str) -> None:
        """`user` has finished with the archive; after the last one its lock is released."""
        archive.active.discard(user)
        async with self._turns[_identity(archive)]:
            found = self.opened.get(_identity(archive))
            if not archive.active and found is not None and found[0] is archive:
                del self.opened[_identity(archive)]
                await archive.lock.release()


def _identity(archive: Archive) -> Identity:
    return archive.place.device, archive.place.inode
