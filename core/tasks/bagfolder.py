"""A location's folder in the archive, seen through workers: listed, read and hashed, never written by path."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from core.errors import ArchiveError
from core.media.litter import litter
from core.paths import display
from core.workers import messages
from core.workers.control import BEAT
from core.workers.messages import Digest, Place, Request, Source, ToRead
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

LOOK = 1.0
"""Seconds between two looks at what a worker has done."""

PIECE = 1 << 20
"""Bytes of a file read together."""


class BagFolder:
    """One location's folder. Paths are raw bytes below it; `moved` is called whenever there is progress."""

    def __init__(self, pool: Pool, place: Place, folder: str, moved: Callable[[], None]) -> None:
        self.path = f"locations/{folder}"
        self._pool = pool
        self._place = place
        self._moved = moved

    def below(self, path: bytes) -> bytes:
        """`path` below the archive's root."""
        return self.path.encode() + b"/" + path if path else self.path.encode()

    async def _ask(self, request: Request, wanted: type[R]) -> R:
        async with self._pool.worker("bagit") as worker:
            asking = asyncio.ensure_future(worker.ask(request, wanted))
            try:
                beats = worker.slot.get(BEAT)
                while not (await asyncio.wait([asking], timeout=LOOK))[0]:
                    before, beats = beats, worker.slot.get(BEAT)
                    if before != beats:
                        self._moved()
                reply = asking.result()
            finally:
                asking.cancel()
        self._moved()
        return reply

    async def names(self, folder: bytes) -> AsyncIterator[list[tuple[bytes, str]]]:
        """(name, file | folder | other) in one folder; nothing when there is none. Raises TaskFailedError,
        ArchiveError."""
        skip, before = 0, 0
        while True:
            try:
                request = messages.ListFolder(self._place, self.below(folder), skip)
                found = await self._ask(request, messages.FolderListed)
            except TaskFailedError as error:
                if error.detail == "FileNotFoundError" and not skip:
                    return
                raise
            if skip and found.mtime_ns != before:
                raise ArchiveError(f"{display(self.below(folder))} changed while it was listed.", "Try again.")
            yield found.names
            if not found.more:
                return
            skip, before = skip + len(found.names), found.mtime_ns

    async def files(self, top: bytes) -> AsyncIterator[list[tuple[bytes, str]]]:
        """(path, file | other) of all that lies in a folder and in those below it."""
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
        """Every regular file outside the payload that no operating system left."""
        found: list[bytes] = []
        async for names in self.names(b""):
            for name, what in names:
                if what == "file":
                    found.append(name)
                elif what == "folder" and name != b"data":
                    async for below in self.files(name):
                        found += [path for path, kind in below if kind == "file"]
        return sorted(path for path in found if not _left_by_system(path))

    async def pieces(self, path: str) -> AsyncIterator[bytes]:
        """The bytes of a file, if it is there."""
        at = 0
        while True:
            try:
                request = messages.ReadText(self._place, f"{self.path}/{path}", at, PIECE)
                data = (await self._ask(request, messages.Text)).data
            except TaskFailedError as error:
                if error.detail == "FileNotFoundError" and not at:
                    return
                raise
            if not data:
                return
            yield data
            at += len(data)

    async def sizes(self, paths: list[bytes]) -> list[int]:
        """Sizes; -1 for what is no regular file any more."""
        request = messages.FileSizes(self._place, [self.below(path) for path in paths])
        return (await self._ask(request, messages.Sizes)).sizes

    async def digests(self, paths: list[bytes]) -> list[Digest]:
        """Read files and hash them."""
        source = Source(self._place.root, self._place.device, self._place.inode)
        files = [ToRead(number, self.below(path), 0, "other") for number, path in enumerate(paths)]
        return (await self._ask(messages.ReadBatch(source, files, keep=False), messages.Digests)).files

    async def make_data(self) -> None:
        """A bag has a payload folder, be it empty."""
        await self._ask(messages.MakeFolder(self._place, f"{self.path}/data"), messages.Done)

    async def sync(self) -> None:
        """The names in the folder are on the medium."""
        await self._ask(messages.SyncFolders(self._place, [self.path]), messages.Done)


def _left_by_system(path: bytes) -> bool:
    name = path.rpartition(b"/")[2]
    return name.startswith(b"._") or litter(name, is_folder=False) is not None
