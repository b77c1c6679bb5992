"""Reading a source: every byte once, both digests, whatever happens meanwhile."""

import errno
import hashlib
import mmap
import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

import xxhash

from core.files import cache, xattrs
from core.files.closing import release
from core.files.tree import Tree
from core.media.kinds import kind_of_content
from core.workers.control import BLOCK, READ, VERIFIED, Slot
from core.workers.messages import Digest, ToRead
from core.workers.rows import Read

ARENA = 8 * BLOCK
"""Bytes of small files that a batch holds in memory; a larger file is streamed through the same bytes."""

PAGE = 4096
"""Bytes read at once where a larger read has failed."""

HALF = ARENA // 2
"""Bytes handed to the thread that hashes: each hand-over costs both sides a wait for the interpreter's lock."""

HEAD = 512
"""First bytes that tell the kind of a file whose name does not."""

Update = Callable[[memoryview], None]


class ChangedError(Exception):
    """The file changed while it was read."""


class Opened:
    """An open source file that is closed while the worker is paused, and is the same file afterwards.

    Raises LostError, OSError.
    """

    def __init__(self, tree: Tree, path: bytes, slot: Slot) -> None:
        self._tree = tree
        self._path = path
        self._slot = slot
        self._fd = tree.open(path)
        try:
            self.facts = os.fstat(self._fd)
            self.attributes = xattrs.of(self._fd)
        except BaseException:
            self.close()
            raise
        cache.uncached(self._fd)
        slot.on_pause.append(self.close)

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self._slot.on_pause.remove(self.close)
        self.close()

    def _again(self) -> int:
        """The descriptor; after a pause a new one. Raises ChangedError, LostError, OSError."""
        if self._fd < 0:
            self._fd = self._tree.open(self._path)
            cache.uncached(self._fd)
            if not self.same():
                raise ChangedError
        return self._fd

    def read(self, view: memoryview, offset: int) -> int:
        """Fill `view` from `offset`; the bytes read, fewer only at the end.

        Raises ChangedError, LostError, OSError.
        """
        fd, filled, step = self._again(), 0, len(view)
        while filled < len(view):
            try:
                count = os.preadv(fd, [view[filled : filled + step]], offset + filled)
            except OSError as error:
                if error.errno == errno.EIO and step > PAGE:
                    # Some file systems fail a large read for one sector in it: which one is it?
                    step = PAGE
                    continue
                raise OSError(error.errno, f"{error.strerror} at byte {offset + filled:,}") from error
            if not count:
                break
            filled += count
        return filled

    def same(self) -> bool:
        """Whether the file still is what it was when it was opened. Raises ChangedError, LostError, OSError."""
        facts = os.fstat(self._fd if self._fd >= 0 else self._again())
        return self._state(facts) == self._state(self.facts)

    @staticmethod
    def _state(facts: os.stat_result) -> tuple[int, int, int, int]:
        return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns

    def drop_cache(self) -> None:
        """Read from the medium from now on, as far as the system allows."""
        cache.drop(self._again())

    def close(self) -> None:
        """Close the descriptor; a later read opens the file again."""
        if self._fd >= 0:
            release(self._fd)
            self._fd = -1


def reader(fd: int) -> Callable[[memoryview, int], int]:
    """Reading from a descriptor, for `digest_of`."""
    return lambda view, offset: os.preadv(fd, [view], offset)


def digest_of(
    read: Callable[[memoryview, int], int], arena: memoryview, slot: Slot, also: Update | None = None
) -> tuple[int, bytes]:
    """Size and XXH3-128 of what `read` gives, block by block; `also` is fed too. Raises what `read` raises."""
    xxh, size, block = xxhash.xxh3_128(), 0, arena[:BLOCK]
    while True:
        slot.checkpoint()
        count = read(block, size)
        if not count:
            return size, xxh.digest()
        data = block[:count]
        xxh.update(data)
        if also is not None:
            also(data)
        size += count
        slot.advance(VERIFIED, count)


class _Hasher:
    """A thread that computes SHA-256 beside reading and writing; hashlib releases the interpreter's lock."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Update, memoryview]] = SimpleQueue()
        self.free: SimpleQueue[memoryview] = SimpleQueue()
        Thread(target=self._run, daemon=True, name="sha256").start()

    def _run(self) -> None:
        while True:
            update, view = self._work.get()
            update(view)
            self.free.put(view)

    def put(self, update: Update, view: memoryview) -> None:
        """Digest `view` and give it back to `free`."""
        self._work.put((update, view))


class Reader:
    """Reads files of one source into one arena."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._arena = memoryview(mmap.mmap(-1, ARENA))
        self._past_end = memoryview(bytearray(1))
        self._hasher: _Hasher | None = None

    @property
    def arena(self) -> memoryview:
        """The bytes that small files are read into and large ones pass through."""
        return self._arena

    def small(self, tree: Tree, file: ToRead, start: int) -> Read:
        """Read one file into the arena from `start`.

        Raises OverflowError when it does not fit there, ChangedError when it changed meanwhile, LostError,
        OSError.
        """
        with Opened(tree, file.path, self._slot) as opened:
            size = opened.facts.st_size
            if start + size > ARENA:
                raise OverflowError
            data = self._arena[start : start + size]
            # The end is looked for as well, so that a file that grows is noticed.
            if opened.read(data, 0) != size or opened.read(self._past_end, size) or not opened.same():
                raise ChangedError
            self._slot.advance(READ, size)
            digests = xxhash.xxh3_128_digest(data), hashlib.sha256(data).digest()
            return self._read(file, opened, *digests, bytes(data[:HEAD]))

    @staticmethod
    def _read(file: ToRead, opened: Opened, xxh: bytes, sha: bytes, head: bytes) -> Read:
        facts, kind = opened.facts, file.kind or str(kind_of_content(head))
        digest = Digest(file.number, facts.st_size, facts.st_mtime_ns, xxh, sha, kind)
        return Read(digest, facts, opened.attributes)

    def large(self, tree: Tree, file: ToRead, write: Update | None) -> Read:
        """Stream one file through both digests, and through `write` where there is one.

        Raises ChangedError, LostError, OSError, and what `write` raises.
        """
        with Opened(tree, file.path, self._slot) as opened:
            self._slot.begin("copy" if write else "hash", opened.facts.st_size)
            xxh, sha, head = self._stream(opened, write)
            if opened.read(self._past_end, opened.facts.st_size) or not opened.same():
                raise ChangedError
            return self._read(file, opened, xxh, sha, head)

    def _stream(self, opened: Opened, write: Update | None) -> tuple[bytes, bytes, bytes]:
        if self._hasher is None:
            self._hasher = _Hasher()
        free, size = self._hasher.free, opened.facts.st_size
        halves = self._arena[:HALF], self._arena[HALF:]
        for half in halves:
            free.put(half)
        xxh, sha = xxhash.xxh3_128(), hashlib.sha256()
        head, offset = b"", 0
        try:
            while offset < size:
                half, filled = free.get(), 0
                try:
                    while filled < HALF and offset < size:
                        self._slot.checkpoint()
                        count = opened.read(half[filled : filled + BLOCK], offset)
                        if not count:
                            raise ChangedError
                        data = half[filled : filled + count]
                        head = head or bytes(data[:HEAD])
                        offset += count
                        filled += count
                        xxh.update(data)
                        self._slot.advance(READ, count)
                        if write is not None:
                            write(data)
                finally:
                    self._hasher.put(sha.update, half[:filled])
        finally:
            # Both halves back home: the thread is done with this file.
            for _ in halves:
                free.get()
        if offset != size:
            raise ChangedError
        return xxh.digest(), sha.digest(), head
