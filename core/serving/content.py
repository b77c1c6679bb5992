"""Reading archived files: below the archive's root, never through a link; a file that is read whole is
compared."""

import hashlib
import io
import os
from collections.abc import Callable

import msgspec
import xxhash

from core.files.fds import release
from core.files.open_beneath import LostError, Tree
from core.serving.timed_calls import TimedCalls
from core.words import counted

BLOCK = 1 << 20
"""Bytes per read."""


class Payload(msgspec.Struct, frozen=True):
    """One archived file: its path below the archive's root, and its expected size and digests."""

    path: str
    size: int
    xxh128: bytes
    sha256: bytes


class ContentDamagedError(OSError):
    """The content of a file is not what was archived."""


class Root:
    """The archive's folder, known by its device and inode since serving began: another folder that was put in its
    place is not read."""

    def __init__(self, path: str, calls: TimedCalls) -> None:
        self._path = os.fsencode(path)
        self._calls = calls
        self._device, self._inode = calls.call(self._look)

    def _look(self) -> tuple[int, int]:
        try:
            with Tree(self._path) as tree:
                tree.fileno()
                return tree.device, tree.inode
        except LostError as error:
            raise error.__cause__ or OSError("the archive is not where it was") from None

    def open(self, path: str) -> int:
        """Open a regular file. Returns its descriptor. Raises OSError."""
        return self._calls.call(lambda: self._open(path))

    def _open(self, path: str) -> int:
        if ".." in path.split("/"):
            raise FileNotFoundError(path)
        try:
            with Tree(self._path, self._device, self._inode) as tree:
                return tree.open(os.fsencode(path))
        except LostError as error:
            raise OSError("the archive is not where it was") from error

    def open_or_read(self, path: str) -> tuple[int, int, bytes]:
        """Open a regular file, and read a small one. Returns (descriptor, size, b""); for a file of at most BLOCK
        bytes, which is closed again, (-1, size, content). So a small file takes one call instead of four. Raises
        OSError."""

        def work() -> tuple[int, int, bytes]:
            fd = self._open(path)
            try:
                size = os.fstat(fd).st_size
                data = b""
                while size <= BLOCK and (more := os.pread(fd, size - len(data), len(data))):
                    data = data + more if data else more
            except BaseException:
                release(fd)
                raise
            if size > BLOCK:
                return fd, size, b""
            release(fd)
            return -1, size, data

        return self._calls.call(work)

    def size(self, fd: int) -> int:
        """The size of an open file. Raises OSError."""
        return self._calls.call(lambda: os.fstat(fd).st_size)

    def read(self, fd: int, at: int, length: int) -> bytes:
        """Up to `length` bytes of an open file from `at`. Raises OSError."""
        return self._calls.call(lambda: os.pread(fd, length, at))

    def close(self, fd: int) -> None:
        """Close a descriptor; waits only for a limited time."""
        self._calls.call(lambda: release(fd))


class ArchivedStream(io.RawIOBase):
    """An archived file as a stream. When it is read from beginning to end it is compared with both digests, and
    its last bytes are only returned when they are equal: the transfer of a damaged file ends with an error.

    `damaged` is called with the file and what is wrong.
    """

    def __init__(self, root: Root, payload: Payload, damaged: Callable[[Payload, str], None]) -> None:
        self._root = root
        self._payload = payload
        self._damaged = damaged
        self._fd, self._small = -1, b""
        self._at = 0
        self._hashed = 0
        self._digests = (xxhash.xxh3_128(), hashlib.sha256())
        try:
            self._fd, found, self._small = root.open_or_read(payload.path)
        except FileNotFoundError:
            raise self._wrong("it is gone") from None
        if found != payload.size:
            self.close()
            raise self._wrong(f"it has {counted(found, 'byte')}, not {payload.size:,}")

    def readable(self) -> bool:
        """Always True."""
        return True

    def seekable(self) -> bool:
        """Always True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._payload.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes, fewer than asked for at the end only. Raises OSError."""
        left = max(0, self._payload.size - self._at)
        wanted = min(left, BLOCK if size < 0 else size)
        parts, got = list[bytes](), 0
        while got < wanted:
            at = self._at + got
            if self._fd < 0:
                data = self._small[at : at + wanted - got]
            else:
                data = self._root.read(self._fd, at, wanted - got)
            if not data:
                raise self._wrong("it ends too early")
            parts.append(data)
            got += len(data)
        whole = b"".join(parts)
        if self._hashed == self._at:
            for digest in self._digests:
                digest.update(whole)
            self._hashed += len(whole)
            if whole and self._hashed == self._payload.size:
                self._compare()
        self._at += len(whole)
        return whole

    def _compare(self) -> None:
        digests = tuple(digest.digest() for digest in self._digests)
        if digests != (self._payload.xxh128, self._payload.sha256):
            raise self._wrong("its content is not what was archived")

    def _wrong(self, why: str) -> ContentDamagedError:
        self._damaged(self._payload, why)
        return ContentDamagedError(f"{self._payload.path}: {why}")

    def close(self) -> None:
        """Close the file; errors are ignored."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            try:
                self._root.close(fd)
            except OSError:
                return
            finally:
                super().close()
