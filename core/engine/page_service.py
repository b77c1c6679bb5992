"""Makes reports and sheets on request, and reads thumbnails for them."""

from collections.abc import AsyncIterator

from core.archives.liveness import while_answering
from core.catalog import Catalog, item_details
from core.engine.restore_check import RestoreCheck
from core.errors import ArchiveAwayError, ArchiveError, UsageError
from core.paths import display
from core.reports import page, select
from core.reports.links import Absolute, Embedded, Links
from core.workers import text_messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

LARGEST_PICTURE = 4 << 20
"""The most bytes of a thumbnail."""


class PageService:
    """Makes pages from the catalog. An archive is read only for thumbnails and embedded files."""

    def __init__(self, pool: Pool, catalog: Catalog, restore_check: RestoreCheck) -> None:
        self._pool = pool
        self._catalog = catalog
        self._restore_check = restore_check
        self._places: dict[int, Place] = {}

    async def report(self, name: str, *, embed: bool) -> AsyncIterator[str]:
        """The report of import `name` in pieces. embed: the page contains all its pictures and proxies.

        Raises UsageError, ArchiveError.
        """
        async for piece in self._with_archive_errors(
            page.report(self._catalog.database.read, name, self._links(embed=embed))
        ):
            yield piece

    async def sheet(self, text: str, *, embed: bool) -> AsyncIterator[str]:
        """The sheet of the files that `text` selects, in pieces. Raises UsageError, ArchiveError."""
        read = self._catalog.database.read
        chosen = await select.find(read, text)
        async for piece in self._with_archive_errors(page.sheet(read, chosen, self._links(embed=embed))):
            yield piece

    async def thumbnail(self, sha256: bytes) -> bytes:
        """The smallest thumbnail of an item; empty where there is none (yet). Raises ArchiveError."""
        for archive_id, path in await item_details.thumbnails(self._catalog.database.read, sha256):
            place = self._places.get(archive_id) or (await self._restore_check.copy(archive_id)).place
            self._places[archive_id] = place
            try:
                return await self._read(place, path, 0, LARGEST_PICTURE)
            except TaskFailedError as error:
                # The archive may be at another path at the next request.
                self._places.pop(archive_id, None)
                if error.detail != "FileNotFoundError":
                    raise ArchiveError(f"{error.fault.text}.", "See to the archive.") from error
            except ArchiveAwayError:
                self._places.pop(archive_id, None)
                raise
        return b""

    async def _read(self, place: Place, path: str, at: int, size: int) -> bytes:
        """Up to `size` bytes of a file of an archive, from `at` on. Raises TaskFailedError, WorkerDiedError;
        ArchiveAwayError when the archive does not answer any more."""

        async def read() -> bytes:
            async with self._pool.worker("picture") as worker:
                return (
                    await worker.ask(text_messages.ReadText(place, path, at, size), text_messages.TextRead)
                ).data

        return await while_answering(self._pool, place, read())

    def _links(self, *, embed: bool) -> Links:
        return Embedded(self._read, self._place) if embed else Absolute()

    async def _place(self, root: bytes) -> Place:
        id = await self._catalog.archive_of_copy_at(root)
        if id is None:
            raise UsageError(f"nothing is known of an archive at {display(root)}.", "See `lading imports`.")
        return (await self._restore_check.copy(id)).place

    @staticmethod
    async def _with_archive_errors(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        try:
            async for piece in pieces:
                yield piece
        except TaskFailedError as error:
            raise ArchiveError(
                f"a picture cannot be read: {error.fault.text}.", "See to the archive, then ask again."
            ) from error
