"""The existing ASC MHL history of a tree. Workers read it, and its manifests are compared with its chain."""

import os
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

import aiosqlite

from core import sqlite
from core.checksums.algorithms import c4
from core.checksums.names import CHAIN, HISTORY, Checksum, composed
from core.errors import UsageError
from core.paths import display, join
from core.receipts.mhl_tree import Held
from core.workers import archive_messages, source_messages, text_messages
from core.workers.messages import Place, Request, Source
from core.workers.pool import Pool, TaskFailedError
from core.workers.source_messages import Digest, ToRead

R = TypeVar("R")

LARGEST_CHAIN = 4 << 20
"""The most bytes of a chain: about ten thousand generations."""

LAST_ELEMENT = b"</ascmhldirectory>"
_GENERATION = re.compile(rb"(\d{4,})(?:_.*)?\.mhl", re.DOTALL)
_SETUP = "CREATE TABLE known (key BLOB, algorithm TEXT, digest BLOB, PRIMARY KEY (key, algorithm)) WITHOUT ROWID"


class Reference(NamedTuple):
    """A manifest of a nested history: its path below the tree's root, and its C4 ID."""

    path: bytes
    c4: str


class HistoryTree:
    """A folder that a history is read from or written into. Methods raise what asking a worker raises."""

    def __init__(self, pool: Pool, place: Place) -> None:
        self._pool = pool
        self.place = place
        self._source = Source(place.root, place.device, place.inode)

    async def ask(self, request: Request, wanted: type[R]) -> R:
        """Ask a worker. Returns its reply, a `wanted`."""
        async with self._pool.worker("mhl") as worker:
            return await worker.ask(request, wanted)

    async def names(self, folder: bytes) -> list[bytes]:
        """The names in a folder, sorted, without partial files; empty if it does not exist."""
        names: list[bytes] = []
        more = True
        while more:
            try:
                request = archive_messages.ListFolder(self.place, folder, len(names))
                listed = await self.ask(request, archive_messages.FolderListed)
            except TaskFailedError as error:
                if error.detail != "FileNotFoundError":
                    raise
                return []
            names += [name for name, _ in listed.names]
            more = listed.more
        return sorted(name for name in names if not name.endswith(b".part"))

    async def checksums(self, path: bytes, take: Callable[[list[Checksum]], Awaitable[None]]) -> None:
        """Await `take` with the checksums of the list at `path`, some at a time. Raises UsageError if it cannot be
        parsed."""
        async with self._pool.worker("mhl") as worker:
            part = await worker.ask(source_messages.ReadList(self._source, path), source_messages.ListPart)
            await take(part.listed)
            while part.more:
                part = await worker.ask(source_messages.ReadListMore(), source_messages.ListPart)
                await take(part.listed)
        if part.fault:
            raise damaged_history(path, part.fault)

    async def digests(self, paths: Sequence[bytes], also: tuple[str, ...]) -> list[Digest]:
        """The digests of files, in their order, with those of the algorithms `also`."""
        files = [ToRead(number, path, 0, "other", also, content_only=True) for number, path in enumerate(paths)]
        request = source_messages.ReadBatch(self._source, files, keep=False)
        return (await self.ask(request, source_messages.Digests)).files


def damaged_history(path: bytes, why: str) -> UsageError:
    """The error for a history that cannot be continued."""
    return UsageError(
        f"the ASC MHL history cannot be continued: {display(path)}: {why}.",
        "Restore it again, or move the folder ascmhl away to begin a new one.",
    )


class Previous:
    """A tree's history. `generation`: the highest number so far, 0 without a history. `chain`: the bytes of its
    chain file. Checksums are held in a temporary database, `scratch`."""

    def __init__(self, tree: HistoryTree, scratch: aiosqlite.Connection) -> None:
        self.tree = tree
        self.generation = 0
        self.chain = b""
        self._scratch = scratch

    @classmethod
    @asynccontextmanager
    async def open(cls, tree: HistoryTree) -> AsyncIterator["Previous"]:
        """Read the history of a tree, which may have none. Raises UsageError if it is damaged."""
        with tempfile.TemporaryDirectory(prefix="lading-mhl-") as folder:
            async with sqlite.connect(os.path.join(folder, "known.db")) as scratch:
                await scratch.execute(_SETUP)
                found = cls(tree, scratch)
                await found._load()
                yield found

    async def _load(self) -> None:
        numbers = await self._generations(HISTORY)
        if not numbers:
            return
        chain = join(HISTORY, CHAIN)
        self.chain = (
            await self.tree.ask(
                text_messages.ReadText(self.tree.place, os.fsdecode(chain), 0, LARGEST_CHAIN),
                text_messages.TextRead,
            )
        ).data
        if not self.chain.rstrip().endswith(LAST_ELEMENT):
            raise damaged_history(chain, "it is not as the specification has it")
        listed: dict[bytes, bytes] = {}

        async def chained(page: list[Checksum]) -> None:
            listed.update((one.path, one.digest) for one in page)

        await self.tree.checksums(chain, chained)
        for path, digest in listed.items():
            (read,) = await self.tree.digests([path], ("sha512",))
            if read.fault is not None:
                raise damaged_history(path, str(read.fault))
            if read.others["sha512"] != digest:
                raise damaged_history(path, "it is not what the chain says")
        for number, name in sorted(numbers):
            if (path := join(HISTORY, name)) not in listed:
                raise damaged_history(path, "the chain does not know it")
            self.generation = number
            await self.tree.checksums(path, self._keep)

    async def _keep(self, page: list[Checksum]) -> None:
        rows = [(composed(one.path), one.algorithm, one.digest) for one in page if one.algorithm]
        await self._scratch.executemany("INSERT OR IGNORE INTO known VALUES (?, ?, ?)", rows)

    async def _generations(self, folder: bytes) -> list[tuple[int, bytes]]:
        """(generation, name) of the manifests in a folder, in the order of names. Raises UsageError if the folder
        is not empty and has no chain."""
        names = await self.tree.names(folder)
        if names and CHAIN not in names:
            raise damaged_history(folder, f"it has no {CHAIN.decode()}")
        return [(int(found[1]), name) for name in names if (found := _GENERATION.fullmatch(name))]

    async def known(self, files: Collection[Held]) -> dict[bytes, dict[str, bytes]]:
        """The checksums that the history has of files, by path and algorithm; if there are several, the oldest."""
        keys = {composed(file.path): file.path for file in files}
        found: dict[bytes, dict[str, bytes]] = {}
        sql = "SELECT algorithm, digest FROM known WHERE key = ?"
        for key, path in keys.items():
            if rows := await self._scratch.execute_fetchall(sql, (key,)):
                found[path] = {str(row[0]): bytes(row[1]) for row in rows}
        return found

    async def reference(self, folder: bytes) -> Reference | None:
        """The newest manifest of a nested history; None if `folder` has no history. Raises UsageError if it is
        damaged."""
        history = join(folder, HISTORY)
        numbers = await self._generations(history)
        if not numbers:
            return None
        path = join(history, max(numbers)[1])
        (read,) = await self.tree.digests([path], ("sha512",))
        if read.fault is not None:
            raise damaged_history(path, str(read.fault))
        return Reference(path, c4(read.others["sha512"]))
