"""Reading a source: every byte once, both digests, whatever happens meanwhile."""

import hashlib
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread

import xxhash

from core.files import cache, xattrs
from core.files.tree import Tree
from core.media import kind_of_content
from core.workers.control import BLOCK, READ, Slot
from core.workers.messages import Digest, ToRead

ARENA = 8 * BLOCK
"""Bytes of small files that a batch holds in memory; a larger file is streamed through the same bytes."""


class ChangedError(Exception):
    """The file changed while it was read."""


@dataclass
class Read:
    """What was read of one file: its digest, and what the system said of it before the first byte."""

    digest: Digest
    facts: os.stat_result
    attributes: dict[str, bytes]


class Opened:
    """An open source file that can be closed for a pause, and is the same file afterwards."""

    def __init__(self, tree: Tree, path: bytes) -> None:
        self._tree = tree
        self._path = path
        self._fd = tree.open(path)
        self.facts = os.fstat(self._fd)
        self.attributes = xattrs.of(self._fd)
        cache.uncached(self._fd)

    def read(self, view: memoryview, offset: int) -> int:
        """Fill `view` from `offset`; the bytes read, fewer only at the end. Raises OSError, ChangedError."""
        if self._fd < 0:
            self._fd = self._tree.open(self._path)
            if self._state(os.fstat(self._fd)) != self._state(self.facts):
                raise ChangedError
        filled = 0
        while filled < len(view):
            try:
                count = os.preadv(self._fd, [view[filled:]], offset + filled)
            except OSError as error:
                raise OSError(error.errno, f"{error.strerror} at byte {offset + filled:,}") from error
            if not count:
                break
            filled += count
        return filled

    def same(self) -> bool:
        """Whether the file still is what it was when it was opened."""
        return self._fd < 0 or self._state(os.fstat(self._fd)) == self._state(self.facts)

    @staticmethod
    def _state(facts: os.stat_result) -> tuple[int, int, int, int]:
        return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns

    def close(self) -> None:
        """Close the descriptor; a later read opens the file again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class _Hasher:
    """A thread that computes SHA-256 beside reading and writing; hashlib releases the interpreter's lock."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Callable[[memoryview], None] | None, memoryview]] = SimpleQueue()
        self.free: SimpleQueue[memoryview] = SimpleQueue()
        Thread(target=self._run, daemon=True, name="sha256").start()

    def _run(self) -> None:
        while True:
            update, view = self._work.get()
            if update is not None:
                update(view)
            self.free.put(view)

    def put(self, update: Callable[[memoryview], None], view: memoryview) -> None:
        self._work.put((update, view))


class Reader:
    """Reads files of one source into one arena."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._arena = memoryview(mmap.mmap(-1, ARENA))
        self._hasher: _Hasher | None = None

    @property
    def arena(self) -> memoryview:
        """The bytes that small files are read into and large ones pass through."""
        return self._arena

    def small(self, tree: Tree, file: ToRead, start: int) -> Read:
        """Read one file into the arena from `start`.

        Raises OverflowError when it does not fit there, ChangedError when it changed meanwhile, OSError.
        """
        opened = Opened(tree, file.path)
        try:
            size = opened.facts.st_size
            if start + size > ARENA:
                raise OverflowError
            data = self._arena[start : start + size]
            # The end is looked for once more, so that a file that grows is noticed.
            if opened.read(data, 0) != size or opened.read(memoryview(bytearray(1)), size) or not opened.same():
                raise ChangedError
            self._slot.advance(READ, size)
            digest = Digest(
                file.number,
                size,
                opened.facts.st_mtime_ns,
                xxhash.xxh3_128_digest(data),
                hashlib.sha256(data).digest(),
                file.kind or str(kind_of_content(bytes(data[:512]))),
            )
            return Read(digest, opened.facts, opened.attributes)
        finally:
            opened.close()

    def large(self, tree: Tree, file: ToRead, write: Callable[[memoryview], None] | None) -> Read:
        """Stream one file through both digests, and through `write` where there is one.

        Raises OSError, ChangedError.
        """
        opened = Opened(tree, file.path)
        self._slot.on_pause.insert(0, opened.close)
        try:
            self._slot.begin("copy" if write else "hash", opened.facts.st_size)
            xxh, sha, head = self._stream(opened, write)
            if not opened.same():
                raise ChangedError
            kind = file.kind or str(kind_of_content(head))
            facts = opened.facts
            digest = Digest(file.number, facts.st_size, facts.st_mtime_ns, xxh, sha, kind)
            return Read(digest, facts, opened.attributes)
        finally:
            self._slot.on_pause.remove(opened.close)
            opened.close()

    def _stream(self, opened: Opened, write: Callable[[memoryview], None] | None) -> tuple[bytes, bytes, bytes]:
        if self._hasher is None:
            self._hasher = _Hasher()
        free = self._hasher.free
        blocks = [self._arena[at : at + BLOCK] for at in range(0, ARENA, BLOCK)]
        for block in blocks:
            free.put(block)
        xxh, sha = xxhash.xxh3_128(), hashlib.sha256()
        head, offset = b"", 0
        try:
            while True:
                self._slot.checkpoint()
                block, count = free.get(), 0
                try:
                    if offset < opened.facts.st_size:
                        count = opened.read(block, offset)
                finally:
                    if not count:
                        free.put(block)
                if not count:
                    break
                data = block[:count]
                offset += count
                if not head:
                    head = bytes(data[:512])
                self._hasher.put(sha.update, data)
                xxh.update(data)
                self._slot.advance(READ, count)
                if write is not None:
                    write(data)
        finally:
            # Every block back home: the thread is done with this file.
            for _ in blocks:
                free.get()
        if offset != opened.facts.st_size:
            raise ChangedError
        return xxh.digest(), sha.digest(), head
