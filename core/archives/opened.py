"""The archives that an engine has open: each is locked from its first user to its last."""

import asyncio
import itertools
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.archives.archive import ANSWER, Archive
from core.archives.whereabouts import Whereabouts
from core.catalog import Catalog
from core.errors import ArchiveAwayError, ArchiveError, WorkerDiedError
from core.importing.gate import Gate
from core.importing.ingest import Ingest
from core.importing.vigil import while_answering
from core.paths import display
from core.workers import messages
from core.workers.pool import Pool, TaskFailedError

Identity = tuple[int, int]
"""Device and inode of an archive's root: one archive can have several paths."""


class Archives:
    """Opens and closes them. One that does not answer holds up none but itself."""

    def __init__(self, pool: Pool, catalog: Catalog) -> None:
        self.opening = 0
        """How many are being opened now."""
        self.whereabouts = Whereabouts(catalog)
        self._pool = pool
        self._catalog = catalog
        self._open: dict[Identity, tuple[Archive, Gate]] = {}
        self._turns: defaultdict[object, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._numbers = itertools.count()

    @asynccontextmanager
    async def used(
        self, path: str, id: int | None = None, *, create: bool = False
    ) -> AsyncIterator[tuple[Archive, Gate]]:
        """The archive at `path`, locked, its journals read; open until the block ends, and as long as a name of
        somebody else is in `active`. One that is not at `path` any more is found where its volume is mounted now;
        with `id` it is that one and no other.

        Raises ArchiveError.
        """
        user = f"user {next(self._numbers)}"
        self.opening += 1
        try:
            # None is made where it was not asked for.
            archive, gate = await self.whereabouts.find(
                path,
                id,
                lambda place, wanted: self._that(place, user, wanted, create=create and place == path),
            )
        finally:
            self.opening -= 1
        try:
            yield archive, gate
        finally:
            await self.leave(archive, user)

    async def _that(self, path: str, user: str, id: int | None, *, create: bool) -> tuple[Archive, Gate]:
        archive, gate = await self._opened(path, user, create=create)
        if id is not None and archive.id != id:
            await self.leave(archive, user)
            raise ArchiveAwayError(f"at {display(path)} is another archive now.", "Mount the right one.")
        return archive, gate

    async def _opened(self, path: str, user: str, *, create: bool) -> tuple[Archive, Gate]:
        async with self._turns[os.path.abspath(path)]:  # noqa: ASYNC240 - touches no disk
            archive: Archive | None = None
            if (identity := await self._seen(path)) is None:
                archive = await Archive.open(path, self._pool, self._catalog, create=create)
                identity = _identity(archive)
            async with self._turns[identity]:
                if identity not in self._open:
                    # One that is open is not opened again: its staging may be cleaned at any time.
                    if archive is None:
                        archive = await Archive.open(path, self._pool, self._catalog, create=create)
                    if _identity(archive) != identity:
                        raise ArchiveError(f"{display(path)} was replaced just now.", "Try once more.")
                    await while_answering(self._pool, archive.place, self._locked(archive, path))
                    self._open[identity] = archive, Gate(archive, self._catalog)
                found = self._open[identity]
                if found[0].alone:
                    raise ArchiveError(
                        f"{display(path)}: {found[0].alone}.", "Wait for its end; then try once more."
                    )
                found[0].active.add(user)
                return found

    async def _seen(self, path: str) -> Identity | None:
        """What is at `path`, without writing anything; None when nothing is. Raises ArchiveAwayError."""
        request = messages.Look(os.path.abspath(os.fsencode(path)))  # noqa: ASYNC240 - touches no disk
        try:
            async with asyncio.timeout(ANSWER), self._pool.worker("look") as worker:
                source = (await worker.ask(request, messages.Looked)).source
        except TimeoutError as error:
            raise ArchiveAwayError(f"{display(path)} does not answer.", "Mount it again.") from error
        except (TaskFailedError, WorkerDiedError, OSError):
            return None
        return source.device, source.inode

    async def _locked(self, archive: Archive, path: str) -> None:
        """Lock the archive, read its journals, clear its staging. Raises ArchiveError."""
        try:
            await archive.lock.take()
            try:
                await Ingest(archive, self._catalog, self._pool).run()
                async with self._pool.worker("clean") as worker:
                    await worker.ask(messages.CleanStaging(archive.place, []), messages.Names)
            except BaseException:
                await archive.lock.release()
                raise
        except TaskFailedError as error:
            kind = ArchiveAwayError if error.fault.lost else ArchiveError
            raise kind(
                f"{display(path)} cannot be used: {error.fault.text}.",
                "Check that the volume is mounted, has room, and that you may write there.",
            ) from error
        except (OSError, WorkerDiedError) as error:
            raise ArchiveError(f"{display(path)} cannot be used: {error}.", "Try once more.") from error

    async def leave(self, archive: Archive, user: str) -> None:
        """`user` is done with the archive; the last one gives its lock back."""
        archive.active.discard(user)
        async with self._turns[_identity(archive)]:
            found = self._open.get(_identity(archive))
            if not archive.active and found is not None and found[0] is archive:
                del self._open[_identity(archive)]
                await archive.lock.release()


def _identity(archive: Archive) -> Identity:
    return archive.place.device, archive.place.inode
