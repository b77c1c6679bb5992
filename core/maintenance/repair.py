"""Healing: replaces archived files that are damaged or missing with content from another copy or a source.

The content is staged, flushed and read back as in an import. Only then the damaged file is moved out of the bag to
`.lading/damaged`. It is kept there, because nothing is ever deleted and part of it may be recovered one day. Then
the new file is published under the name, which is free, so that nothing is replaced. After a crash between the
two, the name is absent and the catalog still lists the item as damaged: the next healing or import brings it. Path
and digests are those in the manifest, so the bag stays valid.
"""

import os
import secrets
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress

from core import archive_layout
from core.aio import to_the_end
from core.archives.archive import Archive
from core.archives.copy_count import Standing
from core.archives.staging import remove_staged
from core.catalog import Catalog, Item
from core.concurrency import Limit
from core.errors import WorkerDiedError
from core.importing.sources import Picked
from core.maintenance import source_reader
from core.models import Side
from core.paths import display
from core.queue.enqueue import adding, bag_work
from core.workers import archive_messages, batch_messages, messages, source_messages
from core.workers.batch_messages import ToStage
from core.workers.messages import Source
from core.workers.pool import Pool, TaskFailedError, Worker
from core.workers.source_messages import ToRead


class Repair:
    """Repairs the items of one archive that the catalog knows to be damaged. `healed`: (path, the file used for
    it)."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool, copy: Limit) -> None:
        self.healed: list[tuple[str, str]] = []
        self.locations: set[int] = set()
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._copy = copy
        self._name = f"heal-{secrets.token_hex(6)}"
        self._sick: dict[tuple[int, bytes, bytes], list[Item]] = {}

    async def run(self, sources: list[Picked], copies: Sequence[Standing] = ()) -> None:
        """Try the copies, then the sources, each in the given order. Raises SourceError."""
        async with self._archive.healing:
            await self._run(sources, copies)

    async def _run(self, sources: list[Picked], copies: Sequence[Standing]) -> None:
        for item in await self._catalog.damaged_items(self._archive.id, self._archive.copy.number):
            self._sick.setdefault(item.content, []).append(item)
        self._archive.active.add(self._name)
        try:
            for copy in copies:
                if copy.place is not None and copy.number != self._archive.copy.number:
                    there = Source(copy.place.root, copy.place.device, copy.place.inode)
                    for item in [item for items in self._sick.values() for item in items]:
                        await self._try(there, _to_read(os.fsencode(item.path), item.size, item.kind))
            for picked in sources:
                async with aclosing(source_reader.entries(self._pool, picked, self._archive.place)) as pages:
                    async for entries in pages:
                        sizes = {size for size, _, _ in self._sick}
                        for entry in entries:
                            if entry.what == "file" and entry.size in sizes:
                                file = _to_read(entry.path, entry.size, entry.kind)
                                await self._try(picked.source, file)
        finally:
            self._archive.active.discard(self._name)
            await to_the_end(self._clean())

    async def _clean(self) -> None:
        await remove_staged(self._pool, self._archive.place, self._name)

    async def _try(self, source: Source, file: ToRead) -> None:
        """Repair the damaged items that have this file's content, if any. A file that cannot be read is passed
        over."""
        with suppress(TaskFailedError, WorkerDiedError):
            async with self._copy, self._pool.worker("heal") as worker:
                request = source_messages.ReadBatch(source, [file], False)
                (read,) = (await worker.ask(request, source_messages.Digests)).files
                await worker.ask(batch_messages.Drop(), messages.Done)
                for item in list(self._sick.get(read.content, [])):
                    try:
                        await self._heal(worker, source, file, item)
                    finally:
                        await worker.ask(batch_messages.Drop(), messages.Done)

    async def _heal(self, worker: Worker, source: Source, file: ToRead, item: Item) -> None:
        place, content = self._archive.place, item.content
        staging = archive_layout.staging(self._name, 1)
        copied = await worker.ask(batch_messages.CopyLarge(source, place, staging, file), source_messages.Digests)
        if copied.files[0].content != content:
            return
        orders = [ToStage(file.number, item.path, "archived")]
        faults = (
            await worker.ask(batch_messages.StageBatch(place, staging, orders), batch_messages.Checked)
        ).faults
        faults += (await worker.ask(batch_messages.Flush(), batch_messages.Checked)).faults
        verified = await worker.ask(batch_messages.Verify("readback"), batch_messages.Checked)
        if faults or verified.faults:
            return
        name = os.path.basename(item.path)
        aside = f"{archive_layout.DAMAGED_FOLDER}/{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}-{name}"
        await to_the_end(self._replace(worker, item, aside, dict(verified.levels)[file.number]))
        self._sick[content].remove(item)
        if not self._sick[content]:
            del self._sick[content]
        self.healed.append((display(item.path), display(os.path.join(source.root, file.path))))
        self.locations.add(item.location_id)

    async def _replace(self, worker: Worker, item: Item, aside: str, level: str) -> None:
        """Put the damaged file aside and publish the new one. The caller shields it, so that it is not cancelled
        between the two. Raises TaskFailedError when the name was taken meanwhile."""
        await worker.ask(archive_messages.SetAside(self._archive.place, item.path, aside), messages.Done)
        arrived = await worker.ask(batch_messages.Publish(), batch_messages.Published)
        if not arrived.published:
            raise TaskFailedError(messages.Fault(Side.ARCHIVE, "the name was taken meanwhile"))
        # The bag may have been made while the file was gone: an engine that is killed now leaves the job.
        number = self._archive.copy.number
        anew = [] if number else [bag_work(self._archive.id, item.location_id)]
        await self._catalog.read_again([(item.id, level, time.time(), None)], number, [adding(anew)])


def _to_read(path: bytes, size: int, kind: str) -> ToRead:
    return ToRead(0, path, size, kind, content_only=True)
