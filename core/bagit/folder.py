"""A location's folder in the archive, read through workers: its names, sizes, bytes and digests. Nothing is
written."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from core import archive_layout
from core.errors import ArchiveError
from core.paths import display
from core.workers import archive_messages, messages, source_messages, text_messages
from core.workers.messages import Place, Request, Source
from core.workers.pool import Pool, TaskFailedError
from core.workers.shared_memory import BEAT
from core.workers.source_messages import Digest, ToRead

R = TypeVar("R")

POLL_INTERVAL = 1.0
"""Seconds between two checks of a worker's progress."""

PIECE = 1 << 20
"""Bytes of a file per request."""


class BagFolder:
    """One location's folder. Paths are raw bytes below it; `moved` is called whenever there is progress.

    Junk files are neither payload nor tag files; `junk` counts those seen.
    """

    def __init__(self, pool: Pool, place: Place, folder: str, moved: Callable[[], None]) -> None:
        self.path = archive_layout.location(folder)
        self.junk = 0
        self._pool = pool
        self._place = place
        self._moved = moved

    def below(self, path: bytes) -> bytes:
        """`path` below the archive's root."""
        return self.path.encode() + b"/" + path if path else self.path.encode()

    async def ask(self, request: Request, wanted: type[R]) -> R:
        async with self._pool.worker("bagit") as worker:
            asking = asyncio.ensure_future(worker.ask(request, wanted))
            try:
                beats = worker.slot.get(BEAT)
                while not (await asyncio.wait([asking], timeout=POLL_INTERVAL))[0]:
                    before, beats = beats, worker.slot.get(BEAT)
                    if before != beats:
                        self._moved()
                reply = asking.result()
            finally:
                asking.cancel()
        self._moved()
        return reply

    async def names(self, folder: bytes) -> AsyncIterator[list[tuple[bytes, str]]]:
        """(name, file | folder | other | junk) of the entries of one folder; nothing when it does not exist.
        Raises TaskFailedError, ArchiveError."""
        skip, before = 0, 0
        while True:
            try:
                request = archive_messages.ListFolder(self._place, self.below(folder), skip)
                found = await self.ask(request, archive_messages.FolderListed)
            except TaskFailedError as error:
                if error.detail == "FileNotFoundError" and not skip:
                    return
                raise
            if skip and found.mtime_ns != before:
                raise ArchiveError(f"{display(self.below(folder))} changed while it was listed.", "Try again.")
            self.junk += sum(what == "junk" for _, what in found.names)
            yield found.names
            if not found.more:
                return
            skip, before = skip + len(found.names), found.mtime_ns

    async def files(self, top: bytes) -> AsyncIterator[list[tuple[bytes, str]]]:
        """(path, file | other | junk) of all entries below a folder; folders that are junk are not entered."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            below: list[bytes] = []
            async for names in self.names(folder):
                paths = [(folder + b"/" + name if folder else name, what) for name, what in names]
                below += [path for path, what in paths if what == "folder"]
                yield [(path, what) for path, what in paths if what != "folder"]
            waiting += sorted(below, reverse=True)

    async def tag_files(self) -> list[bytes]:
        """Every regular file outside the payload that is not junk."""
        found: list[bytes] = []
        async for names in self.names(b""):
            for name, what in names:
                if what == "file":
                    found.append(name)
                elif what == "folder" and name != b"data":
                    async for below in self.files(name):
                        found += [path for path, kind in below if kind == "file"]
        return sorted(found)

    async def pieces(self, path: str) -> AsyncIterator[bytes]:
        """The bytes of a file, piece by piece; nothing when it does not exist."""
        at = 0
        while True:
            try:
                request = text_messages.ReadText(self._place, f"{self.path}/{path}", at, PIECE)
                data = (await self.ask(request, text_messages.TextRead)).data
            except TaskFailedError as error:
                if error.detail == "FileNotFoundError" and not at:
                    return
                raise
            if not data:
                return
            yield data
            at += len(data)

    async def sizes(self, paths: list[bytes]) -> list[int]:
        """The sizes of files, in order; -1 for what is not a regular file any more."""
        request = archive_messages.FileSizes(self._place, [self.below(path) for path in paths])
        return (await self.ask(request, archive_messages.Sizes)).sizes

    async def digests(self, paths: list[bytes]) -> list[Digest]:
        """Read files and hash them. Returns their digests in order."""
        source = Source(self._place.root, self._place.device, self._place.inode)
        files = [ToRead(at, self.below(path), 0, "other", content_only=True) for at, path in enumerate(paths)]
        return (
            await self.ask(source_messages.ReadBatch(source, files, keep=False), source_messages.Digests)
        ).files

    async def make_data(self) -> None:
        """Make the payload folder, which a bag has even when it is empty."""
        await self.ask(archive_messages.MakeFolder(self._place, f"{self.path}/data"), messages.Done)

    async def sync(self) -> None:
        """Flush the entries of the folder."""
        await self.ask(archive_messages.SyncFolders(self._place, [self.path]), messages.Done)
