"""Copies of archived files for the system's viewer, in the state folder.

A viewer never gets the payload itself: it may save into it, and macOS notes on a file when it was opened last,
which is a `._` file in the bag on exFAT and SMB. A copy costs time, so it has a limit; of a film above that the
proxy is copied.
"""

import asyncio
import os
import shutil
import time
from contextlib import suppress

from core.aio import to_the_end
from core.archives.liveness import while_answering
from core.archives.readonly import FoundArchive
from core.catalog import Catalog, item_details
from core.catalog.item_details import HeldPayload
from core.engine.restore_check import RestoreCheck
from core.errors import ArchiveError, UsageError, WorkerDiedError
from core.media.viewable import REFUSAL, viewable
from core.models import Side
from core.paths import cut, display, portable
from core.words import counted
from core.workers import messages, restore_messages, text_messages
from core.workers.pool import Pool, TaskFailedError
from core.workers.restore_messages import Restored, Target, ToRestore

FOLDER = "views"
"""The folder for them in the state folder."""

LARGEST_COPY = 512 << 20
"""The most bytes of one copy."""

KEPT, DAY = 2 << 30, 86_400.0
"""The most bytes of all copies, and the seconds after which one is removed: when the next one is made, or an
engine starts."""

LONGEST_NAME = 200
"""The most bytes of a name."""

PIECE = 4 << 20
"""Bytes of a proxy per read."""


class ViewCopies:
    """Makes read-only copies, one at a time. They outlast the engine, because a viewer may be slow to begin."""

    def __init__(self, pool: Pool, catalog: Catalog, restore_check: RestoreCheck, home: str) -> None:
        self._pool = pool
        self._catalog = catalog
        self._restore_check = restore_check
        self._folder = os.path.join(home, FOLDER)
        self._turn = asyncio.Lock()

    async def remove_old(self) -> None:
        """Remove what is too old, or too much."""
        await asyncio.to_thread(_remove_old, self._folder, "")

    async def of(self, sha256: bytes, name: str) -> str:
        """The path of a copy, called `name`, of the content with this SHA-256, compared with that; of a film that
        is too large, a copy of its proxy. Raises UsageError, ArchiveError."""
        found = await item_details.payloads(self._catalog.database.read, sha256)
        if not found:
            raise UsageError("that content is not in an archive.", "See `lading find`.")
        called = _name(name)
        if not viewable(os.fsencode(called)):
            raise UsageError(REFUSAL, "Restore it, and open it there.")
        folder = os.path.join(self._folder, sha256.hex()[:32])
        async with self._turn:
            await asyncio.to_thread(_remove_old, self._folder, folder)
            for number, item in enumerate(found, 1):
                try:
                    reading = await self._restore_check.copy(item.archive_id)
                    made = self._made(reading, item, folder, called)
                    return await while_answering(self._pool, reading.place, made)
                except ArchiveError:
                    # Another archive may have it, too.
                    if number == len(found):
                        raise
        raise AssertionError

    async def _made(self, reading: FoundArchive, item: HeldPayload, folder: str, name: str) -> str:
        await asyncio.to_thread(os.makedirs, folder, 0o700, exist_ok=True)
        try:
            if item.size <= LARGEST_COPY:
                path = await self._whole(reading, item, folder, name)
            elif item.proxy:
                path = await self._proxy(reading, item.proxy, os.path.join(folder, f"{name} proxy.mp4"))
            else:
                raise UsageError(
                    f"it has {counted(item.size, 'byte')}, and up to {LARGEST_COPY:,} are copied for a viewer.",
                    "Restore it, or: lading serve.",
                )
            await asyncio.to_thread(os.chmod, path, 0o400)
        except TaskFailedError as error:
            raise ArchiveError(f"{error.fault.text}.", "See to the archive, then look again.") from error
        except WorkerDiedError as error:
            raise ArchiveError(f"{error.cause}.", "Look again.") from error
        except OSError as error:
            raise UsageError(f"{folder} cannot be written to: {error.strerror}.", "See to that disk.") from error
        return path

    async def _whole(self, reading: FoundArchive, item: HeldPayload, folder: str, name: str) -> str:
        """A copy of the payload, made and compared as by a restore."""
        target = await self._opened(reading, item, folder)
        file = ToRestore(os.fsencode(name), item.path, item.size, time.time_ns(), item.xxh128, item.sha256)
        try:
            async with self._pool.worker("view") as worker:
                wanted = restore_messages.Restore(reading.place, target, [file])
                ((path, _, fault),) = (await worker.ask(wanted, Restored)).files
        finally:
            await to_the_end(self._close(target))
        if fault is not None and fault.side == Side.ARCHIVE:
            await self._restore_check.read_doubtful(reading, [item.xxh128])
            raise ArchiveError(f"{fault.text}.", "lading audit --heal SRC brings it again.", title="Damaged")
        if fault is not None:
            raise UsageError(f"{folder} cannot be written to: {fault.text}.", "See to that disk.")
        return os.path.join(folder, os.fsdecode(path))

    async def _opened(self, reading: FoundArchive, item: HeldPayload, folder: str) -> Target:
        request = restore_messages.OpenTarget(os.fsencode(folder), reading.place)
        async with self._pool.worker("view") as worker:
            opened = await worker.ask(request, restore_messages.TargetOpened)
        if opened.refused:
            raise UsageError(f"{folder} cannot be used: {opened.refused}.", "Set another LADING_HOME.")
        if item.size > opened.available:
            raise UsageError(f"{folder} lacks room for {counted(item.size, 'byte')}.", "Make room there.")
        return opened.target

    async def _close(self, target: Target) -> None:
        with suppress(TaskFailedError, WorkerDiedError):
            async with self._pool.worker("view") as worker:
                await worker.ask(restore_messages.CloseTarget(target), messages.Done)

    async def _proxy(self, reading: FoundArchive, proxy: str, path: str) -> str:
        """A copy of a proxy, of which no digest is known."""
        at = 0
        with suppress(FileNotFoundError):
            await asyncio.to_thread(os.unlink, path)
        async with self._pool.worker("view") as worker:
            while data := (
                await worker.ask(text_messages.ReadText(reading.place, proxy, at, PIECE), text_messages.TextRead)
            ).data:
                await asyncio.to_thread(_append, path, data)
                at += len(data)
        return path


def _name(name: str) -> str:
    """The last part of an original name, as any file system can hold it."""
    last = portable(os.fsencode(name.rpartition("/")[2]))
    stem, ending = os.path.splitext(last)
    return display(cut(stem, LONGEST_NAME - len(ending)) + ending) if len(ending) < LONGEST_NAME else ""


def _append(path: str, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "ab") as file:
        file.write(data)


def _remove_old(folder: str, wanted: str) -> None:
    """Remove copies that are older than DAY, then the oldest until KEPT has room for one more; never the one at
    `wanted`."""
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError), os.scandir(entry) as files:
                size = sum(file.stat(follow_symlinks=False).st_size for file in files)
                found.append((entry.stat().st_mtime, size, entry.path))
    left = sum(size for _, size, _ in found)
    for changed, size, path in sorted(found):
        if path != wanted and (left > KEPT - LARGEST_COPY or changed < time.time() - DAY):
            shutil.rmtree(path, ignore_errors=True)
            left -= size
