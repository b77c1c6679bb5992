"""The addresses of a page's pictures and films: relative in the archive, absolute, or embedded in the page."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

from core.workers import text_messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

PIECE = 3 << 18
"""Bytes per read: a multiple of three, so that pieces of Base64 can be concatenated."""

TYPES = {".jpg": "image/jpeg", ".mp4": "video/mp4"}
"""MIME types of thumbnails and proxies, by extension."""


class KnownAddresses:
    """Addresses that are known without reading anything, each in one piece."""

    def pieces(self, archive: bytes, path: str) -> tuple[str, ...]:
        """The address of the file that is, or will be, at `path` below the root of an archive."""
        raise NotImplementedError


class Relative(KnownAddresses):
    """For a page `depth` folders below the archive's root: it works wherever the archive is opened, and files made
    later appear."""

    def __init__(self, depth: int) -> None:
        self._above = "../" * depth

    def pieces(self, archive: bytes, path: str) -> tuple[str, ...]:
        """The address relative to the page."""
        return (self._above + quote(path),)


class Absolute(KnownAddresses):
    """For a page that is anywhere on this machine."""

    def pieces(self, archive: bytes, path: str) -> tuple[str, ...]:
        """The address as a file URL."""
        return (f"file://{quote(archive)}/{quote(path)}",)


class Embedded:
    """For a page that is sent to others: `data:` addresses (RFC 2397), read by workers. `find` returns the current
    place of the archive that the catalog has at a root."""

    def __init__(self, pool: Pool, find: Callable[[bytes], Awaitable[Place]]) -> None:
        self._pool = pool
        self._find = find
        self._places: dict[bytes, Place] = {}

    async def pieces(self, archive: bytes, path: str) -> AsyncIterator[str]:
        """The address piece by piece; nothing where the file does not exist. Raises ArchiveError, TaskFailedError,
        WorkerDiedError."""
        if archive not in self._places:
            self._places[archive] = await self._find(archive)
        place, at = self._places[archive], 0
        while data := await self._read(place, path, at):
            if not at:
                yield f"data:{TYPES[path[-4:]]};base64,"
            yield base64.b64encode(data).decode()
            at += len(data)
            if len(data) < PIECE:
                return

    async def _read(self, place: Place, path: str, at: int) -> bytes:
        try:
            async with self._pool.worker("report") as worker:
                return (
                    await worker.ask(text_messages.ReadText(place, path, at, PIECE), text_messages.TextRead)
                ).data
        except TaskFailedError as error:
            if error.detail != "FileNotFoundError" or at:
                raise
            return b""


Links = KnownAddresses | Embedded
