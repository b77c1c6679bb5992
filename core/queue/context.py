"""What tasks get from the engine (`core.tasks.task.Context`)."""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from core.database import Database
from core.errors import ArchiveError, WorkerDiedError
from core.queue.holding import NAME, Holding
from core.tasks.task import ItemFacts
from core.workers import messages
from core.workers.pool import Pool, TaskFailedError, TaskStoppedError

PUBLISHING = 4
"""Files brought into archives at once."""

PIECE = 4 << 20
"""Bytes of a file of ours read together."""

_ITEMS = """
    SELECT i.id, i.archive_id, i.location_id, a.path, i.path, i.size, i.kind, i.xxh128, i.sha256,
           (SELECT path FROM file WHERE item_id = i.id LIMIT 1)
    FROM item AS i JOIN archive AS a ON a.id = i.archive_id WHERE i.id IN (SELECT value FROM json_each(?))
"""


class EngineContext:
    """The catalog, the archives and a worker that writes into them, as tasks see them."""

    def __init__(self, scratch: str, database: Database, pool: Pool, archives: Holding) -> None:
        self._scratch = scratch
        self._database = database
        self._pool = pool
        self._archives = archives
        self._publishing = asyncio.Semaphore(PUBLISHING)

    @property
    def scratch(self) -> str:
        """A local folder for intermediate files; emptied when the engine starts."""
        return self._scratch

    async def items(self, ids: Sequence[int]) -> Mapping[int, ItemFacts]:
        """The facts of items, by id."""
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
        """Rows of a query on committed data."""
        return await self._database.read_aside(sql, parameters)

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        """Copy a local file to its name in the archive, replacing what stood there; it is removed here.

        Raises LadingError.
        """
        staged = f".lading/staging/{NAME}/{secrets.token_hex(8)}"
        request = messages.Put(self._archives.place(archive_id), os.fsencode(local), staged, target)
        async with self._publishing:
            try:
                async with self._pool.worker(NAME) as worker:
                    await worker.ask(request, messages.Done)
            except TaskFailedError as error:
                raise ArchiveError(f"{target} cannot be written: {error.fault.text}.") from error
            except TaskStoppedError as error:
                raise WorkerDiedError(f"{target} was not written") from error

    async def text(self, archive_id: int, path: str) -> bytes | None:
        """One of Lading's own small files in the archive; None when it is not there. Raises LadingError."""
        place, data = self._archives.place(archive_id), b""
        try:
            async with self._pool.worker(NAME) as worker:
                while piece := (
                    await worker.ask(messages.ReadText(place, path, len(data), PIECE), messages.Text)
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
        """Sizes and first bytes of Lading's own files in the archive; -1 and nothing for one that is not there.

        Raises LadingError.
        """
        place = self._archives.place(archive_id)
        found: list[tuple[int, bytes]] = []
        try:
            async with self._pool.worker(NAME) as worker:
                sizes = messages.FileSizes(place, [os.fsencode(path) for path in paths])
                for path, size in zip(paths, (await worker.ask(sizes, messages.Sizes)).sizes, strict=True):
                    head = messages.ReadText(place, path, 0, length)
                    found.append((size, (await worker.ask(head, messages.Text)).data if size > 0 else b""))
        except TaskFailedError as error:
            raise ArchiveError(f"{paths[0]} cannot be read: {error.fault.text}.") from error
        except TaskStoppedError as error:
            raise WorkerDiedError(f"{paths[0]} was not read") from error
        return found
