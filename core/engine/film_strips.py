"""Strips: six frames of a film in one picture, for display. A strip is made when it is asked for, in a process
that can be killed, and is not stored in the archive."""

import asyncio
import os
import shutil
import tempfile
from collections import OrderedDict

from core.catalog import Catalog, item_details
from core.derivatives.messages import MakeStrip, OrderRefusedError
from core.derivatives.pool import Makers
from core.engine.restore_check import RestoreCheck
from core.errors import ArchiveError, WorkerDiedError

STRIPS_KEPT = 64
"""The most strips in memory, about 50 kB each."""


class FilmStrips:
    """Makes strips one at a time, and keeps the last STRIPS_KEPT ones."""

    def __init__(self, catalog: Catalog, restore_check: RestoreCheck) -> None:
        self._catalog = catalog
        self._restore_check = restore_check
        self._makers = Makers()
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._lost: set[bytes] = set()
        """Films of which a maker has died or hung; they are decoded by programs only."""

    async def of(self, sha256: bytes) -> bytes:
        """The strip of the film with this SHA-256, a JPEG file; empty if there is no such film, or it cannot be
        decoded. Raises ArchiveError."""
        async with self._turn:
            if sha256 not in self._kept:
                self._kept[sha256] = await self._make(sha256)
                while len(self._kept) > STRIPS_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(sha256)
            return self._kept[sha256]

    async def _make(self, sha256: bytes) -> bytes:
        for archive_id, payload, proxy in await item_details.films(self._catalog.database.read, sha256):
            root = (await self._restore_check.copy(archive_id)).place.root
            # A proxy is decoded faster; if it is missing, the film may still be there.
            for path in filter(None, (proxy, payload)):
                if data := await self._made(os.path.join(root, os.fsencode(path))):
                    return data
        return b""

    async def _made(self, path: bytes) -> bytes:
        folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="lading-strip-")
        try:
            programs_only = path in self._lost
            order = MakeStrip(path, os.fsencode(folder), "strip", programs_only)
            made = await self._makers.make(order, lambda _: None)
            if not made.files:
                return b""
            return await asyncio.to_thread(_read, os.path.join(folder, made.files[0].name))
        except OrderRefusedError as error:
            if not error.final:
                self._lost.add(path)
            return b""
        except WorkerDiedError as error:
            self._lost.add(path)
            raise ArchiveError(f"the film cannot be shown: {error}.", "Look at it again.") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def close(self) -> None:
        """Kill every child process."""
        await self._makers.close()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
