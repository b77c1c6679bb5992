"""Hash lists of imports: ASC MHL, printed or as the history of a tree, and MHL 1.1."""

import os
import secrets
import time
from collections.abc import Callable

from core.catalog import Catalog, item_details
from core.engine.restore_check import RestoreCheck
from core.errors import ArchiveError, UsageError
from core.paths import display
from core.receipts import mhl, mhl_classic, mhl_history
from core.receipts.mhl_classic import ALGORITHM
from core.receipts.upload import uploaded_file
from core.workers import archive_messages
from core.workers.pool import Pool, TaskFailedError

Out = Callable[[str], None]


class HashLists:
    """Makes hash lists from the catalog; the archive is read only for checksums of MHL 1.1."""

    def __init__(self, pool: Pool, catalog: Catalog, restore_check: RestoreCheck) -> None:
        self._pool = pool
        self._read = catalog.database.read
        self._restore_check = restore_check

    async def manifest(self, name: str, out: Out, *, classic: bool) -> tuple[int, int]:
        """Write the list of an import to `out`. Returns how many files are in it, and how many are left out.

        Raises UsageError, ArchiveError.
        """
        if classic:
            return await mhl_classic.write_classic(self._read, name, out, self._computed)
        return await mhl.write_mhl(self._read, name, out)

    async def beside(self, name: str, folder: str, *, classic: bool) -> tuple[str, int, int]:
        """Write the list into the restored tree `folder`. Returns its path, how many files are in it, and how many
        are left out.

        Raises UsageError, ArchiveError.
        """
        if not classic:
            return await mhl_history.write(self._read, self._pool, name, folder)
        place = await mhl_history.place_of(self._read, self._pool, name, folder)
        target = mhl_classic.list_name(place.root, time.time())
        try:
            async with uploaded_file(self._pool, place, f"{target}.{secrets.token_hex(4)}.part", target) as file:

                def out(text: str) -> None:
                    file.write(text.encode())

                counts = await self.manifest(name, out, classic=True)
        except (TaskFailedError, OSError) as error:
            raise UsageError(
                f"{display(folder)} cannot be written: {error}.", "Give a folder that you may write in."
            ) from error
        return os.path.join(os.fsdecode(place.root), target), *counts

    async def _computed(self, file: int) -> bytes:
        """The XXH64 of a file (its row's id), computed from the archive. Raises ArchiveError."""
        archive, path, size, xxh128, sha256 = await item_details.payload(self._read, file)
        place = (await self._restore_check.copy(archive)).place
        why = "its content is not what was archived"
        try:
            async with self._pool.worker("mhl") as worker:
                request = archive_messages.Checksums(place, path, size, xxh128, sha256, (ALGORITHM,))
                digests = (await worker.ask(request, archive_messages.Computed)).digests
        except TaskFailedError as error:
            digests, why = {}, error.fault.text
        if ALGORITHM not in digests:
            raise ArchiveError(f"{display(path)} cannot be listed: {why}.", "Run lading audit on the archive.")
        return digests[ALGORITHM]
