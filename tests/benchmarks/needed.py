"""What the promises need: the system calls and digests that an import cannot do without, made by a bare loop.

`python -m tests.benchmarks.needed SOURCE DESTINATION`

Each file is read once, with both digests, staged, flushed, read back past the cache, compared and published
without replacing; the folders are flushed. There is no catalog, no journal, no second process, and no answer to
what may go wrong. What this takes beside `floor` is the price of the promises; what an import takes beside this is
its own.
"""

import hashlib
import os
import sys

import xxhash

from core.archives.archive import filesystem_of
from core.files import fsync, noreplace, page_cache
from core.volumes.filesystems import StorageKind
from core.volumes.mountpoint import on_volume
from tests.benchmarks.floor import BATCH
from tests.benchmarks.sets import READ_SIZE

FOLDER = os.O_RDONLY | os.O_DIRECTORY
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL


class Loop:
    """One thread, one batch after the other."""

    def __init__(self, destination: bytes) -> None:
        for folder in (b"staging", b"payload"):
            os.mkdir(os.path.join(destination, folder))
        self.root = os.open(destination, FOLDER)
        mount, _ = on_volume(self.root, destination)
        self.network = filesystem_of(mount).kind is StorageKind.NETWORK
        self.staging = os.open("staging", FOLDER, dir_fd=self.root)
        self.payload = os.open("payload", FOLDER, dir_fd=self.root)
        self.way = noreplace.probe(self.staging)
        self.block = memoryview(bytearray(READ_SIZE))
        self.staged: list[tuple[str, int, str, bytes]] = []
        self.count = 0

    def copy(self, path: bytes) -> int:
        """Read and stage one file; its bytes."""
        read = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        name, size = str(self.count), 0
        written = os.open(name, NEW, 0o666, dir_fd=self.staging)
        xxh, sha = xxhash.xxh3_128(), hashlib.sha256()
        facts = os.fstat(read)
        while count := os.preadv(read, [self.block], size):
            data = self.block[:count]
            xxh.update(data)
            sha.update(data)
            os.write(written, data)
            size += count
        again = os.fstat(read)
        if (again.st_size, again.st_mtime_ns) != (size, facts.st_mtime_ns):
            raise RuntimeError("it changed while it was read")
        os.close(read)
        os.utime(written, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
        self.staged.append((name, written, sha.hexdigest(), xxh.digest()))
        self.count += 1
        return size

    def settle(self) -> None:
        """Flush what was staged, read it back past the cache, publish it, and flush the folders."""
        whole = fsync.syncs_whole() and not self.network
        fsync.sync_files([fd for _, fd, _, _ in self.staged], self.staging if whole else -1)
        for _, fd, _, _ in self.staged:
            page_cache.drop(fd, ours=True)
            page_cache.read_ahead(fd)
        folders: dict[str, int] = {}
        for name, fd, sha, digest in self.staged:
            xxh, size = xxhash.xxh3_128(), 0
            while count := os.preadv(fd, [self.block], size):
                xxh.update(self.block[:count])
                size += count
            os.close(fd)
            if xxh.digest() != digest:
                raise RuntimeError("what was read back is not what was written")
            folder = self._folder(folders, digest.hex()[:2])
            noreplace.publish(self.way, self.staging, name, folder, sha)
        fsync.sync_folders([*folders.values(), self.payload], self.root, whole)
        for fd in folders.values():
            os.close(fd)
        self.staged = []

    def _folder(self, folders: dict[str, int], name: str) -> int:
        if name not in folders:
            try:
                folders[name] = os.open(name, FOLDER, dir_fd=self.payload)
            except FileNotFoundError:
                os.mkdir(name, dir_fd=self.payload)
                folders[name] = os.open(name, FOLDER, dir_fd=self.payload)
        return folders[name]


def main() -> None:
    """Copy the files of one folder into an empty one."""
    source, destination = map(os.fsencode, sys.argv[1:3])
    loop, size = Loop(destination), 0
    for folder, _, names in os.walk(source):
        for name in sorted(names):
            size += loop.copy(os.path.join(folder, name))
            if size >= BATCH:
                loop.settle()
                size = 0
    loop.settle()


if __name__ == "__main__":
    main()
