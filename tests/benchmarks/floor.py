"""The floor: the same bytes written, flushed and read back. `python -m tests.benchmarks.floor SOURCE DESTINATION`

Nothing is hashed or recorded: what the disk and the kernel take for that is the least that an import can take.
"""

import os
import sys

from core.files import fsync, page_cache
from tests.benchmarks.sets import READ_SIZE

BATCH = 8 << 20
"""Bytes that are written before they are flushed and read back, as an import does."""


def main() -> None:
    """One thread, one batch after the other."""
    source, destination = map(os.fsencode, sys.argv[1:3])
    block = memoryview(bytearray(READ_SIZE))
    whole = os.open(destination, os.O_RDONLY)
    batch: list[bytes] = []
    size = 0
    for folder, _, names in os.walk(source):
        below = os.path.join(destination, os.path.relpath(folder, source))
        os.makedirs(below, exist_ok=True)
        for name in sorted(names):
            path = os.path.join(below, name)
            size += copy(os.path.join(folder, name), path, block)
            batch.append(path)
            if size >= BATCH:
                settle(batch, whole, block)
                batch, size = [], 0
    settle(batch, whole, block)


def copy(source: bytes, path: bytes, block: memoryview) -> int:
    """Write one file; its bytes."""
    size = 0
    with open(source, "rb", buffering=0) as read, open(path, "xb", buffering=0) as written:
        while count := read.readinto(block):
            written.write(block[:count])
            size += count
    return size


def settle(batch: list[bytes], whole: int, block: memoryview) -> None:
    """Flush what was written, and read it back past the cache."""
    fds = [os.open(path, os.O_RDONLY) for path in batch]
    fsync.sync_files(fds, whole if fsync.syncs_whole() else -1)
    for fd in fds:
        page_cache.drop(fd, ours=True)
        page_cache.read_ahead(fd)
    for fd in fds:
        while os.readv(fd, [block]):
            pass
        os.close(fd)


if __name__ == "__main__":
    main()
