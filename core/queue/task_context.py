"""What the engine provides to tasks (`core.tasks.task.Context`)."""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from core import archive_layout
from core.database import Database
from core.errors import ArchiveError, WorkerDiedError
from core.queue.archive_leases import NAME, ArchiveLeases
from core.tasks.task import ItemFacts
from core.workers import archive_messages, messages, text_messages
from core.workers.pool import Pool, TaskFailedError, TaskStoppedError

PUBLISHING = 4
"""The most files that are published to archives at once."""

PIECE = 4 << 20
"""Bytes per read."""

_ITEMS = """
    SELECT i.id, i.archive_id, i.location_id, a.path, i.path, i.size, i.kind, i.xxh128, i.sha256,
           (SELECT path FROM file WHERE item_id = i.id LIMIT 1)
    FROM item AS i JOIN archive AS a ON a.id = i.archive_id WHERE i.id IN (SELECT value FROM json_each(?))
"""


class EngineContext:
    """The catalog and the archives as tasks use them; a worker writes to the archives."""

    def __init__(self, scratch: str, database: Database, pool: Pool, archives: ArchiveLeases) -> None:
        self._scratch = scratch
        self._database = database
        self._pool = pool
        self._archives = archives
        self._publishing = asyncio.Semaphore(PUBLISHING)

    @property
    def scratch(self) -> str:
        """A local folder for intermediate files; it is emptied when the engine starts."""
        return self._scratch

    async def items(self, ids: Sequence[int]) -> Mapping[int, ItemFacts]:
        """The facts about items, by id."""
        return {
            id: ItemFacts(
                id=id,
                archive_id=archive,
                location_id=location,
                path=os.path.join(os.fsdecode(root), path),
                name=os.path.basename(name or os.fsencode(path)),
                size=size,
                kind=kind,
                xxh128=xxh128.hex(),
                sha256=sha256.hex(),
            )
            for id, archive, location, root, path, size, kind, xxh128, sha256, name in await self.read(
                _ITEMS, (json.dumps(list(ids)),)
            )
        }

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns the rows of a query on committed data."""
        return await self._database.read_aside(sql, parameters)

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        """Copy a local file to its path in the archive, replacing a file there; the local file is removed.

        Raises LadingError.
        """
        staged = archive_layout.staging(NAME, secrets.token_hex(8))
        request = text_messages.Put(self._archives.place(archive_id), os.fsencode(local), staged, target)
        async with self._publishing:
            try:
                async with self._pool.worker(NAME) as worker:
                    await worker.ask(request, messages.Done)
            except TaskFailedError as error:
                raise ArchiveError(f"{target} cannot be written: {error.fault.text}.") from error
            except TaskStoppedError as error:
                raise WorkerDiedError(f"{target} was not written") from error

    async def text(self, archive_id: int, path: str) -> bytes | None:
        """The content of one of Lading's own small files in the archive; None when there is none. Raises
        LadingError."""
        place, data = self._archives.place(archive_id), b""
        try:
            async with self._pool.worker(NAME) as worker:
                while piece := (
                    await worker.ask(text_messages.ReadText(place, path, len(data), PIECE), text_messages.TextRead)
                ).data:
                    data += piece
        except TaskFailedError as error:
            if error.detail == "FileNotFoundError":
                return None
            raise ArchiveError(f"{path} cannot be read: {error.fault.text}.") from error
        except TaskStoppedError as error:
            raise WorkerDiedError(f"{path} was not read") from error
        return data

    async def heads(self, archive_id: int, paths: Sequence[str], length: int) -> list[tuple[int, bytes]]:
        """(size, first bytes) of Lading's own files in the archive; (-1, b"") for a file that is missing.

        Raises LadingError.
        """
        place = self._archives.place(archive_id)
        found: list[tuple[int, bytes]] = []
        try:
            async with self._pool.worker(NAME) as worker:
                sizes = archive_messages.FileSizes(place, [os.fsencode(path) for path in paths])
                for path, size in zip(paths, (await worker.ask(sizes, archive_messages.Sizes)).sizes, strict=True):
                    head = text_messages.ReadText(place, path, 0, length)
                    found.append(
                        (size, (await worker.ask(head, text_messages.TextRead)).data if size > 0 else b"")
                    )
        except TaskFailedError as error:
            raise ArchiveError(f"{paths[0]} cannot be read: {error.fault.text}.") from error
        except TaskStoppedError as error:
            raise WorkerDiedError(f"{paths[0]} was not read") from error
        return found
