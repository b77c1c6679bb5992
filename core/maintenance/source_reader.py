"""The files of a source, listed and read for a check of it, or for healing an archive from it."""

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing

from core.concurrency import Controller, Limit
from core.errors import SourceError, WorkerDiedError
from core.importing.sources import Picked
from core.models import Count
from core.volumes import macos_permissions
from core.workers import archive_messages, batch_messages, listing, messages, source_messages
from core.workers.messages import Fault, Place
from core.workers.pool import Pool, TaskFailedError, code_of
from core.workers.source_messages import Digest, Entry

Block = tuple[bytes, int, int]
"""A part of a file: path, offset, length in bytes."""


async def entries(
    pool: Pool, picked: Picked, archive: Place, *, dataless: bool = False
) -> AsyncGenerator[list[Entry], None]:
    """All entries of a source, page by page; the archive is left out if it lies within. `dataless`: files that are
    only in iCloud are listed as files, because nobody reads them. Raises SourceError."""
    avoid = ((archive.device, archive.inode),)
    request = source_messages.ListTree(picked.source, picked.only, avoid, libraries=True, dataless=dataless)
    try:
        async with aclosing(listing.pages(pool, "list", request)) as pages:
            async for page in pages:
                yield page
    except (TaskFailedError, WorkerDiedError) as error:
        advice = _advice(code_of(error), "Check the card or disk.")
        raise SourceError(f"the source cannot be listed: {error}.", advice) from error


class SourceReader:
    """Reads one source. `reading` and `hashing` limit how many workers do so at once."""

    def __init__(self, pool: Pool, picked: Picked, archive: Place, reading: Controller, hashing: Limit) -> None:
        self.picked = picked
        self._pool = pool
        self._archive = archive
        self._reading = reading
        self._hashing = hashing

    def entries(self, *, dataless: bool = False) -> AsyncGenerator[list[Entry], None]:
        """As the function `entries`."""
        return entries(self._pool, self.picked, self._archive, dataless=dataless)

    async def count(self) -> Count:
        """All files of the source. Raises SourceError."""
        files = size = 0
        async with aclosing(self.entries()) as pages:
            async for page in pages:
                files += sum(entry.what == "file" for entry in page)
                size += sum(entry.size for entry in page if entry.what == "file")
        return Count(files=files, bytes=size)

    async def digests(self, entries: list[Entry]) -> list[Digest]:
        """Digests of files; a read that failed with a temporary fault is retried once. Raises SourceError."""
        found = await self._digests([(number, entry) for number, entry in enumerate(entries)])
        for number, digest in list(found.items()):
            if digest.fault is not None and digest.fault.again:
                found |= await self._digests([(number, entries[number])])
        return [found[number] for number in range(len(entries))]

    async def _digests(self, entries: list[tuple[int, Entry]]) -> dict[int, Digest]:
        content_only = not self.picked.source.attributes
        files = [
            source_messages.ToRead(number, entry.path, entry.size, entry.kind, content_only=content_only)
            for number, entry in entries
        ]
        try:
            async with self._reading, self._hashing, self._pool.worker("check") as worker:
                request = source_messages.ReadBatch(self.picked.source, files, False)
                reply = await worker.ask(request, source_messages.Digests)
                await worker.ask(batch_messages.Drop(), messages.Done)
        except (TaskFailedError, WorkerDiedError) as error:
            advice = _advice(code_of(error), "Plug it in again.")
            raise SourceError(f"the source does not answer: {error}.", advice) from error
        for digest in reply.files:
            if digest.fault is not None and digest.fault.lost:
                raise SourceError(
                    f"the source does not answer any more: {digest.fault.text}.",
                    _advice(digest.fault.code, "Plug it in again, then check again."),
                )
        return {digest.number: digest for digest in reply.files}

    async def blocks(self, wanted: list[Block]) -> list[tuple[bytes, Fault | None]]:
        """(digest, fault) of these parts of files. Raises SourceError."""
        root = self.picked.source
        request = archive_messages.Blocks(Place(root.root, root.device, root.inode, "", ""), wanted)
        try:
            async with self._reading, self._pool.worker("check") as worker:
                return (await worker.ask(request, archive_messages.BlocksRead)).files
        except (TaskFailedError, WorkerDiedError) as error:
            advice = _advice(code_of(error), "Plug it in again.")
            raise SourceError(f"the source does not answer: {error}.", advice) from error


def _advice(code: int, otherwise: str) -> str:
    return macos_permissions.permission_advice(code, os.environ) or otherwise
