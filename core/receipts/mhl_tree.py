"""An import as a tree: its files by path, and the directory hashes of ASC MHL.

A folder's content hash is the hash of its children's content hashes, sorted and joined. Its structure hash is the
hash, likewise, of one hash for each child: that of the child's name and digest (for a folder, its structure hash).
Source: ASC MHL specification, directory hashes.
"""

import os
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import xxhash

from core.checksums.names import HISTORY
from core.database import Read
from core.models import Outcome
from core.paths import join, relative
from core.receipts.summary import ReceiptHead

PAGE = 2000
"""Rows per query."""

_HELD = f"""
    SELECT f.id, f.path, f.size, f.mtime_ns, f.reason, t.xxh128 FROM file f CROSS JOIN item t ON t.id = f.item_id
    WHERE f.volume_id = (SELECT volume_id FROM import WHERE id = ?) AND f.path > ? AND f.import_id = ?
        AND f.id <= ? AND f.outcome IN ({int(Outcome.ARCHIVED)}, {int(Outcome.DUPLICATE)}) ORDER BY f.path LIMIT ?
"""  # noqa: S608 - constants
_FOLDERS = """
    SELECT CAST(path || x'2f' AS BLOB) AS key FROM folder WHERE import_id = ? AND key > ? ORDER BY key LIMIT ?
"""


class Held(NamedTuple):
    """One archived file of an import. `path`: below the source's root. `read`: whether this import read it."""

    id: int
    path: bytes
    size: int
    mtime_ns: int
    read: bool
    xxh128: bytes


class HashedFolder(NamedTuple):
    """A folder with its two directory hashes, XXH3-128."""

    path: bytes
    content: bytes
    structure: bytes


def in_history(path: bytes) -> bool:
    """Whether a path is in an ASC MHL history, which every history leaves out."""
    return HISTORY in path.split(b"/")


async def held(read: Read, found: ReceiptHead, *, histories: bool = False) -> AsyncIterator[list[Held]]:
    """An import's archived files, by path, some at a time; those in ASC MHL histories only with `histories`."""
    after = b""
    while rows := await read(_HELD, (found.import_id, after, found.import_id, found.last, PAGE)):
        after = rows[-1][1]
        files = [
            Held(id, relative(found.root, path), size, mtime_ns, not why, xxh128)
            for id, path, size, mtime_ns, why, xxh128 in rows
        ]
        yield [file for file in files if histories or not in_history(file.path)]


async def nested(read: Read, found: ReceiptHead) -> list[bytes]:
    """The folders below the root that have an ASC MHL history of their own."""
    histories: list[bytes] = []
    after = b""
    while rows := await read(_FOLDERS, (found.import_id, after, PAGE)):
        after = rows[-1][0]
        folders = [os.path.split(key.rstrip(b"/")) for (key,) in rows]
        histories += [above for above, name in folders if name == HISTORY and above and not in_history(above)]
    return histories


async def walk(read: Read, found: ReceiptHead) -> AsyncIterator[list[Held | bytes]]:
    """Files, and folders as their paths, some at a time: each folder is followed by all that it contains."""
    folders: list[bytes] = []
    last = b""

    async def until(key: bytes | None) -> AsyncIterator[bytes]:
        nonlocal folders, last
        while True:
            while folders and (key is None or folders[0] < key):
                yield folders.pop(0)[:-1]
            if folders or not (rows := await read(_FOLDERS, (found.import_id, last, PAGE))):
                return
            last = rows[-1][0]
            folders = [folder for (folder,) in rows if not in_history(folder)]

    async for files in held(read, found):
        page: list[Held | bytes] = []
        for file in files:
            page += [folder async for folder in until(file.path)]
            page.append(file)
        yield page
    yield [folder async for folder in until(None)]


class _Open:
    """A folder whose children are still to come."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.contents: list[bytes] = []
        self.structures: list[bytes] = []

    def add(self, name: bytes, content: bytes, structure: bytes) -> None:
        self.contents.append(content)
        self.structures.append(xxhash.xxh3_128_digest(name + structure))

    def hashed(self) -> HashedFolder:
        contents, structures = (b"".join(sorted(all_)) for all_ in (self.contents, self.structures))
        return HashedFolder(self.path, xxhash.xxh3_128_digest(contents), xxhash.xxh3_128_digest(structures))


class FolderHashes:
    """Hashes folders, given files and folders in the order of `walk`."""

    def __init__(self) -> None:
        self._open = [_Open(b"")]

    def add(self, one: Held | bytes) -> Iterator[HashedFolder]:
        """Add the next file or folder. Yields the folders that are complete now."""
        if isinstance(one, bytes):
            yield from self._enter(one)
            return
        folder, name = os.path.split(one.path)
        yield from self._enter(folder)
        self._open[-1].add(name, one.xxh128, one.xxh128)

    def close(self) -> Iterator[HashedFolder]:
        """Yield the folders that are left; the root is the last one."""
        yield from self._enter(b"")
        yield self._open[0].hashed()

    def _enter(self, folder: bytes) -> Iterator[HashedFolder]:
        while (top := self._open[-1].path) and folder != top and not folder.startswith(top + b"/"):
            hashed = self._open.pop().hashed()
            self._open[-1].add(os.path.basename(top), hashed.content, hashed.structure)
            yield hashed
        while (top := self._open[-1].path) != folder:
            name = folder[len(top) + 1 if top else 0 :].split(b"/", 1)[0]
            self._open.append(_Open(join(top, name)))
