"""The floor: the same bytes written, flushed and read back. `python -m tests.benchmarks.floor SOURCE DESTINATION…`

Nothing is hashed or recorded: what the disk and the kernel take for that is the least that an import can take.
"""

import os
import sys
from contextlib import ExitStack

from core.files import fsync, page_cache
from tests.benchmarks.sets import READ_SIZE

BATCH = 8 << 20
"""Bytes that are written before they are flushed and read back, as an import does."""


def main() -> None:
    """One thread, one batch after the other, to each destination in turn."""
    source, *destinations = map(os.fsencode, sys.argv[1:])
    block = memoryview(bytearray(READ_SIZE))
    roots = [os.open(destination, os.O_RDONLY) for destination in destinations]
    batch: list[bytes] = []
    size = 0
    for folder, _, names in os.walk(source):
        below = os.path.relpath(folder, source)
        for destination in destinations:
            os.makedirs(os.path.join(destination, below), exist_ok=True)
        for name in sorted(names):
            path = os.path.join(below, name)
            size += copy(os.path.join(source, path), [os.path.join(one, path) for one in destinations], block)
            batch.append(path)
            if size >= BATCH:
                settle(batch, destinations, roots, block)
                batch, size = [], 0
    settle(batch, destinations, roots, block)


def copy(source: bytes, paths: list[bytes], block: memoryview) -> int:
    """Write one file to all paths, read once; its bytes."""
    size = 0
    with ExitStack() as stack:
        read = stack.enter_context(open(source, "rb", buffering=0))
        written = [stack.enter_context(open(path, "xb", buffering=0)) for path in paths]
        while count := read.readinto(block):
            for file in written:
                file.write(block[:count])
            size += count
    return size


def settle(batch: list[bytes], destinations: list[bytes], roots: list[int], block: memoryview) -> None:
    """Flush what was written, and read it back past the cache."""
    for destination, root in zip(destinations, roots, strict=True):
        fds = [os.open(os.path.join(destination, path), os.O_RDONLY) for path in batch]
        fsync.sync_files(fds, root if fsync.syncs_whole() else -1)
        for fd in fds:
            page_cache.drop(fd, ours=True, once=True)
            page_cache.read_ahead(fd)
        for fd in fds:
            while os.readv(fd, [block]):
                pass
            os.close(fd)


if __name__ == "__main__":
    main()
