"""Listing the folders of an archive: names without stat(2) of each file, sizes only where they are asked for."""

import errno
import os
import stat
from itertools import islice

import xxhash

from core.files import page_cache, times
from core.files.fds import release
from core.files.open_beneath import Tree
from core.models import Side
from core.workers import archive_messages, messages
from core.workers.archive_files import opened
from core.workers.dir_fds import MADE
from core.workers.faults import fault_of
from core.workers.messages import Fault
from core.workers.remove_junk import what_junk
from core.workers.shared_memory import BLOCK

NAMES_PER_REPLY = 8192
"""The most names in one reply."""

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


def list_folder(request: archive_messages.ListFolder) -> archive_messages.FolderListed:
    """The names in a folder, in the order of scandir(3), sorted within one reply. Raises OSError."""
    with opened(request.place) as folders:
        folder = folders.at(os.fsdecode(request.path))
        mtime_ns = times.clamped(os.fstat(folder).st_mtime_ns)
        with os.scandir(folder) as found:
            entries = list(islice(found, request.skip, request.skip + NAMES_PER_REPLY + 1))
            names = sorted(
                (os.fsencode(entry.name), what_is(entry, folder)) for entry in entries[:NAMES_PER_REPLY]
            )
    return archive_messages.FolderListed(names, len(entries) > NAMES_PER_REPLY, mtime_ns)


def what_is(entry: os.DirEntry[str], folder: int) -> str:
    """The kind of a directory entry: file, folder, other or junk."""
    is_folder = entry.is_dir(follow_symlinks=False)
    if not is_folder and not entry.is_file(follow_symlinks=False):
        return "other"
    if what_junk(entry.name, folder, is_folder):
        return "junk"
    return "folder" if is_folder else "file"


def file_sizes(request: archive_messages.FileSizes) -> archive_messages.Sizes:
    """Sizes of files in order, -1 for what is not a regular file (any more). Raises OSError."""
    sizes: list[int] = []
    with opened(request.place) as folders:
        for path in request.paths:
            folder, _, name = os.fsdecode(path).rpartition("/")
            try:
                facts = os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                sizes.append(-1)
            else:
                sizes.append(facts.st_size if stat.S_ISREG(facts.st_mode) else -1)
    return archive_messages.Sizes(sizes)


def blocks(request: archive_messages.Blocks) -> archive_messages.BlocksRead:
    """Digests of blocks of files, in order. Raises LostError, OSError."""
    place, found = request.place, list[tuple[bytes, Fault | None]]()
    with Tree(place.root, place.device, place.inode) as tree:
        for path, offset, length in request.files:
            try:
                fd = tree.open(path)
                try:
                    page_cache.uncached(fd)
                    page_cache.drop(fd)
                    found.append((_digest(fd, offset, length), None))
                finally:
                    release(fd)
            except OSError as error:
                found.append((b"", fault_of(error, Side.UNKNOWN)))
    return archive_messages.BlocksRead(found)


def _digest(fd: int, offset: int, length: int) -> bytes:
    """The XXH3-128 of a block, or of the part of it that the file has. Raises OSError."""
    xxh, end = xxhash.xxh3_128(), offset + length
    while offset < end and (data := os.pread(fd, min(BLOCK, end - offset), offset)):
        xxh.update(data)
        offset += len(data)
    return xxh.digest()


def make_folder(request: archive_messages.MakeFolder) -> messages.Done:
    """Make a folder and its missing parents; an existing one stays. Raises OSError."""
    with opened(request.place) as folders:
        folders.at(request.path, MADE)
        folders.sync()
    return messages.Done()
