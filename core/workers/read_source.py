"""Reading a source: every byte once, with both digests, and noticing when a file changes meanwhile.

A file that is taken from another archive has its SHA-256 already, and is only compared.
"""

import errno
import hashlib
import mmap
import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

import xxhash

from core.checksums.algorithms import Hashers
from core.files import page_cache, times, xattrs
from core.files.fds import release
from core.files.open_beneath import Tree
from core.media.file_types import kind_of_content
from core.workers.doubtful_size import MADE_UP, doubt
from core.workers.faults import ReadError
from core.workers.journal_rows import ReadFile
from core.workers.shared_memory import BLOCK, READ, VERIFIED, Slot
from core.workers.source_messages import Digest, SourceMetadata, Taken, ToRead

ARENA = 8 * BLOCK
"""Bytes of small files that a batch holds in memory; larger files are streamed through the same memory."""

RETRY_READ_SIZE = 4096
"""Bytes per read(2) where a larger one has failed."""

HALF = ARENA // 2
"""Bytes passed to the hashing thread at a time: each hand-over costs both threads a wait for the GIL."""

TYPE_PREFIX = 512
"""Bytes at the start of a file that tell its type where its name does not."""

CHANGED = "it changed while it was read, twice"
"""The cause of a file that is not archived because something writes to it."""

CHANGING, WRONG_SIZE, OTHER = errno.ETXTBSY, errno.ERANGE, errno.EXDEV
"""Codes of faults that are not errors of the system. CHANGING: the file was written to while it was read.
WRONG_SIZE: its size is not the one that its file system gives. OTHER: its content is not the one that was asked
for. They are errnos that reading does not return."""

OTHER_CONTENT = "the other archive holds something else than was read of the source"
"""The fault of a file whose content in the leader's archive is not the one that was read of the source."""

Update = Callable[[memoryview], None]


class ChangedError(Exception):
    """The file changed while it was read."""


class OtherContentError(Exception):
    """The leader's archive holds other content than the leader read of the source."""


class WrongSizeError(ChangedError):
    """More or fewer bytes can be read of the file than its file system reports, although it has not changed.

    The text names only sizes from MADE_UP, because files with the same fault are reported together.
    """

    def __init__(self, size: int, but: str) -> None:
        said = f"its size as {size:,}" if size in MADE_UP else "a wrong size"
        super().__init__(f"its file system gives {said}, but {but}")


class Opened:
    """An open source file that is closed while the worker is paused, and checked to be the same file afterwards.

    Raises LostError, OSError.
    """

    def __init__(self, tree: Tree, path: bytes, slot: Slot, *, attributes: bool = False) -> None:
        """`attributes`: its extended attributes are wanted, too."""
        self._tree = tree
        self._path = path
        self._slot = slot
        self._fd = tree.open(path)
        try:
            self.facts = os.fstat(self._fd)
            self.attributes = xattrs.of(self._fd) if attributes else xattrs.Attributes({}, [])
        except BaseException:
            self.close()
            raise
        page_cache.uncached(self._fd)
        slot.on_pause.append(self.close)

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self._slot.on_pause.remove(self.close)
        self.close()

    def _reopened(self) -> int:
        """The descriptor; after a pause the file is opened again. Raises ChangedError, LostError, OSError."""
        if self._fd < 0:
            self._fd = self._tree.open(self._path)
            page_cache.uncached(self._fd)
            facts = os.fstat(self._fd)
            # An empty file may get another inode number each time: FAT by FSKit (macOS 15) makes one up whenever
            # it is asked (msdosfs, msdos_appex/FATVolume.m, getFileID).
            other = facts.st_size and (facts.st_dev, facts.st_ino) != (self.facts.st_dev, self.facts.st_ino)
            if other or not self.same():
                raise ChangedError
        return self._fd

    def read(self, view: memoryview, offset: int) -> int:
        """Fill `view` from `offset`. Returns the bytes read, fewer than asked for only at the end of the file.

        Raises ChangedError, LostError, OSError.
        """
        fd, filled, step = self._reopened(), 0, len(view)
        while filled < len(view):
            try:
                count = os.preadv(fd, [view[filled : filled + step]], offset + filled)
            except OSError as error:
                if error.errno == errno.EIO and step > RETRY_READ_SIZE:
                    # Some file systems fail a large read for one bad sector in it; small reads find which one.
                    step = RETRY_READ_SIZE
                    continue
                raise ReadError(error, f"at byte {offset + filled:,}") from error
            if not count:
                break
            filled += count
        return filled

    def same(self) -> bool:
        """Whether size and mtime are those at opening. Raises ChangedError, LostError, OSError."""
        facts = os.fstat(self._fd if self._fd >= 0 else self._reopened())
        return (facts.st_size, facts.st_mtime_ns) == (self.facts.st_size, self.facts.st_mtime_ns)

    def doubt(self) -> str:
        """Why the size that the file system gives must be wrong, if it must (core.workers.doubtful_size); else
        empty. Raises ChangedError, LostError, OSError."""
        return doubt(self._reopened(), self.facts)

    def drop_cache(self) -> None:
        """Drop cached pages, as far as the system allows, so that later reads come from the medium."""
        page_cache.drop(self._reopened())

    def close(self) -> None:
        """Close the descriptor; a later read opens the file again."""
        if self._fd >= 0:
            release(self._fd)
            self._fd = -1


def reader(fd: int) -> Callable[[memoryview, int], int]:
    """A function for `digest_of` that reads from a descriptor."""
    return lambda view, offset: os.preadv(fd, [view], offset)


def digest_of(
    read: Callable[[memoryview, int], int], arena: memoryview, slot: Slot, also: Update | None = None
) -> tuple[int, bytes]:
    """Size and XXH3-128 of what `read` returns, block by block; `also` gets every block, too. Raises what `read`
    raises."""
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


def _path_to_open(file: ToRead) -> bytes:
    """The path to be opened: on the source, or in the archive that the file is taken from."""
    return file.taken.path if file.taken else file.path


class _Hasher:
    """A thread that computes SHA-256 in parallel with reading and writing; hashlib releases the GIL."""

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
        """Hash `view`, then put it back into `free`."""
        self._work.put((update, view))


class Reader:
    """Reads files of one source through one arena."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._arena = memoryview(mmap.mmap(-1, ARENA))
        self._past_end = memoryview(bytearray(1))
        self._hasher: _Hasher | None = None

    @property
    def arena(self) -> memoryview:
        """The memory that small files are read into and large ones are streamed through."""
        return self._arena

    def small(self, tree: Tree, file: ToRead, start: int) -> ReadFile:
        """Read one file into the arena from `start`.

        Raises OverflowError when it does not fit there, ChangedError when it changed meanwhile, OtherContentError,
        LostError, OSError.
        """
        with Opened(tree, _path_to_open(file), self._slot, attributes=file.with_attributes) as opened:
            size = opened.facts.st_size
            if start + size > ARENA:
                raise OverflowError
            data = self._arena[start : start + size]
            # Reading goes on to the end of the file, so that a growing file is noticed.
            filled = opened.read(data, 0)
            self._whole(opened, filled)
            self._slot.advance(READ, size)
            sha = file.taken.sha256 if file.taken else hashlib.sha256(data).digest()
            others = Hashers(file.also)
            others.update(data)
            return self._read(file, opened, xxhash.xxh3_128_digest(data), sha, bytes(data[:TYPE_PREFIX]), others)

    def _whole(self, opened: Opened, filled: int) -> None:
        """Raises ChangedError unless exactly `filled` bytes can be read, and the file is as it was."""
        size = opened.facts.st_size
        more = filled > size or (filled == size and opened.read(self._past_end, size) > 0)
        if not opened.same():
            raise ChangedError
        if more or filled < size:
            raise WrongSizeError(size, f"{'more' if more else 'less'} of it can be read")
        if why := opened.doubt():
            raise WrongSizeError(size, why)

    @staticmethod
    def _read(file: ToRead, opened: Opened, xxh: bytes, sha: bytes, head: bytes, others: Hashers) -> ReadFile:
        facts, kind = opened.facts, file.kind or str(kind_of_content(head))
        if (taken := file.taken) is not None:
            if (facts.st_size, xxh) != (file.size, taken.xxh128):
                raise OtherContentError
            digest = Digest(file.number, file.size, taken.mtime_ns, xxh, sha, kind, unkept=taken.unkept)
            digest.others = others.digests()
            return ReadFile(digest, taken.facts)
        digest = Digest(file.number, facts.st_size, times.clamped(facts.st_mtime_ns), xxh, sha, kind)
        digest.unkept, digest.others = opened.attributes.unkept_text(), others.digests()
        attributes = {os.fsencode(name): value for name, value in opened.attributes.values.items()}
        born = getattr(facts, "st_birthtime", None)
        return ReadFile(
            digest, SourceMetadata(facts.st_mode & 0o7777, times.far(facts.st_mtime_ns), born, attributes)
        )

    def large(self, tree: Tree, file: ToRead, write: Update | None) -> ReadFile:
        """Stream one file through both digests, and to `write` if there is one.

        Raises ChangedError, OtherContentError, LostError, OSError, and what `write` raises.
        """
        with Opened(tree, _path_to_open(file), self._slot, attributes=file.with_attributes) as opened:
            self._slot.begin("copy" if write else "hash", opened.facts.st_size)
            others = Hashers(file.also)
            xxh, sha, head = self._stream(opened, write, others, file.taken)
            self._whole(opened, opened.facts.st_size)
            return self._read(file, opened, xxh, sha, head, others)

    def _stream(
        self, opened: Opened, write: Update | None, others: Hashers, taken: Taken | None
    ) -> tuple[bytes, bytes, bytes]:
        if self._hasher is None:
            self._hasher = _Hasher()
        free, size = self._hasher.free, opened.facts.st_size
        halves = self._arena[:HALF], self._arena[HALF:]
        for half in halves:
            free.put(half)
        xxh, sha = xxhash.xxh3_128(), hashlib.sha256()
        head, offset = b"", 0

        def beside(data: memoryview) -> None:
            if taken is None:
                sha.update(data)
            others.update(data)

        try:
            while offset < size:
                half, filled = free.get(), 0
                try:
                    while filled < HALF and offset < size:
                        self._slot.checkpoint()
                        count = opened.read(half[filled : filled + BLOCK], offset)
                        if not count:
                            self._whole(opened, offset)
                        data = half[filled : filled + count]
                        head = head or bytes(data[:TYPE_PREFIX])
                        offset += count
                        filled += count
                        xxh.update(data)
                        self._slot.advance(READ, count)
                        if write is not None:
                            write(data)
                finally:
                    self._hasher.put(beside, half[:filled])
        finally:
            # When both halves are back, the thread is done with this file.
            for _ in halves:
                free.get()
        if offset != size:
            self._whole(opened, offset)
        return xxh.digest(), taken.sha256 if taken else sha.digest(), head
