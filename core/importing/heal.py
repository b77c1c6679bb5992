"""Healing: archived files that are damaged or gone, brought again from a source that still has them.

A copy is staged, flushed and read back like any other. Only then the damaged file is moved out of the bag, to
`.lading/damaged`, where it is kept: what is lost there can perhaps be saved once, and nothing is ever deleted. The
copy then takes the name, which is free, so that nothing is replaced either. Killed between the two, the name is
absent and the catalog still calls it damaged: the next healing or import brings it. The digests and the path are
those of the manifest: the bag stays valid.
"""

import os
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from core.archives.archive import Archive
from core.catalog import Catalog, Item
from core.errors import SourceError, WorkerDiedError
from core.importing.sources import Picked
from core.limits import Limit
from core.paths import display
from core.unbroken import to_the_end
from core.workers import messages
from core.workers.messages import Digest, Entry, ToRead, ToStage
from core.workers.pool import Pool, TaskFailedError, Worker

DAMAGED = ".lading/damaged"


class Heal:
    """Heals what the catalog knows to be damaged in one archive. `healed`: (path, the file it came from)."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool, copy: Limit) -> None:
        self.healed: list[tuple[str, str]] = []
        self.locations: set[int] = set()
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._copy = copy
        self._name = f"heal-{secrets.token_hex(6)}"
        self._sick: dict[tuple[int, bytes, bytes], list[Item]] = {}

    async def run(self, sources: list[Picked]) -> None:
        """Look through the sources, in their order, until all is well. Raises SourceError."""
        for item in await self._catalog.damaged_items(self._archive.id):
            self._sick.setdefault((item.size, item.xxh128, item.sha256), []).append(item)
        # What else cleans the archive's staging leaves that of those who are in it.
        self._archive.active.add(self._name)
        try:
            for picked in sources:
                async with aclosing(self._entries(picked)) as pages:
                    async for entries in pages:
                        for entry in entries:
                            if any(size == entry.size for size, _, _ in self._sick):
                                await self._try(picked, entry)
        finally:
            self._archive.active.discard(self._name)
            await to_the_end(self._clean())

    async def _clean(self) -> None:
        with suppress(TaskFailedError, WorkerDiedError, OSError):
            async with self._pool.worker("clean") as worker:
                request = messages.CleanStaging(self._archive.place, sorted(self._archive.active))
                await worker.ask(request, messages.Names)

    async def _entries(self, picked: Picked) -> AsyncGenerator[list[Entry], None]:
        place = self._archive.place
        avoid = ((place.device, place.inode),)
        request = messages.ListTree(picked.source, picked.only, avoid, libraries=True, dataless=True)
        try:
            async with self._pool.worker("heal") as worker:
                reply = await worker.ask(request, messages.Listed)
                while reply.more:
                    yield [entry for entry in reply.entries if entry.what == "file"]
                    reply = await worker.ask(messages.ListMore(), messages.Listed)
        except (TaskFailedError, WorkerDiedError) as error:
            raise SourceError(f"the source cannot be listed: {error}.", "Check the card or disk.") from error

    async def _try(self, picked: Picked, entry: Entry) -> None:
        """Heal what the file is the content of, if anything; one that cannot be read heals nothing."""
        file = ToRead(0, entry.path, entry.size, entry.kind)
        with suppress(TaskFailedError, WorkerDiedError):
            async with self._copy, self._pool.worker("heal") as worker:
                request = messages.ReadBatch(picked.source, [file], False)
                (read,) = (await worker.ask(request, messages.Digests)).files
                await worker.ask(messages.Drop(), messages.Done)
                for item in list(self._sick.get(_content(read), [])):
                    try:
                        await self._heal(worker, picked, file, item)
                    finally:
                        await worker.ask(messages.Drop(), messages.Done)

    async def _heal(self, worker: Worker, picked: Picked, file: ToRead, item: Item) -> None:
        place, content = self._archive.place, (item.size, item.xxh128, item.sha256)
        staging = f".lading/staging/{self._name}/1"
        copied = await worker.ask(messages.CopyLarge(picked.source, place, staging, file), messages.Digests)
        if _content(copied.files[0]) != content:
            return
        orders = [ToStage(file.number, item.path, "archived")]
        faults = (await worker.ask(messages.Stage(place, staging, orders), messages.Checked)).faults
        faults += (await worker.ask(messages.Flush(), messages.Checked)).faults
        verified = await worker.ask(messages.Verify("readback"), messages.Checked)
        if faults or verified.faults:
            return
        name = os.path.basename(item.path)
        aside = f"{DAMAGED}/{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}-{name}"
        await to_the_end(self._replace(worker, item, aside, dict(verified.levels)[file.number]))
        self._sick[content].remove(item)
        if not self._sick[content]:
            del self._sick[content]
        source = os.path.join(picked.source.root, file.path)
        self.healed.append((display(item.path), display(source)))
        self.locations.add(item.location_id)

    async def _replace(self, worker: Worker, item: Item, aside: str, level: str) -> None:
        """From here on it is done to the end. Raises TaskFailedError when the name could not be given."""
        await worker.ask(messages.SetAside(self._archive.place, item.path, aside), messages.Done)
        arrived = await worker.ask(messages.Publish(), messages.Arrived)
        if not arrived.published:
            raise TaskFailedError(messages.Fault("archive", "the name was taken meanwhile"))
        await self._catalog.read_again([(item.id, level, time.time(), None)])


def _content(digest: Digest) -> tuple[int, bytes, bytes]:
    return digest.size, digest.xxh128, digest.sha256
