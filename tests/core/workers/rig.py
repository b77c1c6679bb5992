"""What the tests of the workers share: an archive, a source, and the steps of a batch."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from core.workers import archive_messages, batch_messages, messages, source_messages
from core.workers.batch_messages import ToStage
from core.workers.messages import Place, Source
from core.workers.pool import Pool, Worker
from core.workers.source_messages import Digest, Entry, ToRead

STAGING = ".lading/staging/import/1"
JOURNAL = ".lading/imports/import.jsonl"


async def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.005)


def open_below(worker: Worker, folder: Path) -> list[str]:
    """What the worker process has open in or below a folder (Linux)."""
    found: list[str] = []
    base = f"/proc/{worker.process.pid}/fd"
    for fd in os.listdir(base):
        try:
            target = os.readlink(f"{base}/{fd}")
        except FileNotFoundError:
            continue
        if Path(target).is_relative_to(folder):
            found.append(target)
    return found


class Rig:
    """`source` and `archive` are folders, `place` and `origin` what the workers call them."""

    def __init__(self, pool: Pool, base: Path) -> None:
        self.pool = pool
        self.source = base / "source"
        self.archive = base / "archive"
        self.source.mkdir()

    async def open(self) -> None:
        """Make the archive."""
        async with self.pool.worker() as worker:
            request = archive_messages.OpenArchive(os.fsencode(self.archive), True)
            facts = await worker.ask(request, archive_messages.ArchiveFacts)
            looked = await worker.ask(source_messages.LookAtPath(os.fsencode(self.source)), source_messages.Looked)
        self.place = Place(facts.root, facts.device, facts.inode, facts.way, "medium")
        self.origin: Source = looked.source

    def way(self, way: str) -> None:
        """Publish in another way."""
        self.place = msgspec.structs.replace(self.place, way=way)

    def put(self, name: str, data: bytes) -> None:
        """Write a file of the source."""
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def to_read(self, *names: str) -> list[ToRead]:
        """Requests for files, numbered from 1."""
        return [
            ToRead(number, os.fsencode(name), (self.source / name).lstat().st_size, "images")
            for number, name in enumerate(names, 1)
        ]

    async def listed(self, worker: Worker, **options: object) -> list[Entry]:
        """Everything in the source."""
        request = source_messages.ListTree(self.origin, **options)  # type: ignore[arg-type]
        reply = await worker.ask(request, source_messages.Listed)
        entries = list(reply.entries)
        while reply.more:
            reply = await worker.ask(source_messages.ListMore(), source_messages.Listed)
            entries += reply.entries
        return entries

    async def read(self, worker: Worker, *names: str, keep: bool = True) -> list[Digest]:
        """Read files into a batch."""
        request = source_messages.ReadBatch(self.origin, self.to_read(*names), keep)
        return (await worker.ask(request, source_messages.Digests)).files

    async def copy(self, worker: Worker, name: str) -> Digest:
        """Copy one large file into staging."""
        request = batch_messages.CopyLarge(self.origin, self.place, STAGING, self.to_read(name)[0])
        return (await worker.ask(request, source_messages.Digests)).files[0]

    async def stage(self, worker: Worker, digests: list[Digest]) -> None:
        """Stage, journal and flush files, each under the name of its digest."""
        orders = [ToStage(one.number, payload(one), "archived") for one in digests]
        staged = await worker.ask(batch_messages.StageBatch(self.place, STAGING, orders), batch_messages.Checked)
        assert staged.faults == []
        await self.journal(worker)

    async def journal(self, worker: Worker) -> None:
        """Journal and flush."""
        await worker.ask(batch_messages.Journal("import"), messages.Done)
        assert (await worker.ask(batch_messages.Flush(), batch_messages.Checked)).faults == []

    async def verify(self, worker: Worker, mode: str = "readback") -> batch_messages.Checked:
        """Verify the batch."""
        return await worker.ask(batch_messages.Verify(mode), batch_messages.Checked)

    async def publish(self, worker: Worker) -> batch_messages.Published:
        """Publish the batch."""
        return await worker.ask(batch_messages.Publish(), batch_messages.Published)

    def staged(self) -> list[Path]:
        """The files in staging."""
        return [path for path in (self.archive / ".lading/staging").rglob("*") if path.is_file()]

    def payload(self) -> dict[str, bytes]:
        """All files under final names."""
        return {
            str(path.relative_to(self.archive)): path.read_bytes()
            for path in (self.archive / "locations").rglob("*")
            if path.is_file()
        }


def payload(digest: Digest) -> str:
    """The name of a file in the archive."""
    name = digest.xxh128.hex()
    return f"locations/place/data/images/{name[:2]}/{name}.jpg"


LINUX = sys.platform == "linux"

SLOWLY = 16 << 20
"""Bytes a second at which a worker reads a file that it is to be met in the middle of."""
