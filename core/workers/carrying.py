"""Bringing payload from one location of an archive to another: renamed, or copied; never replacing."""

import errno
import hashlib
import os
import stat
from contextlib import suppress

from core.files import cache, durable
from core.files.closing import release
from core.workers import messages
from core.workers.control import Slot
from core.workers.faults import fault_of
from core.workers.folders import SHARED, Folders, write_all
from core.workers.messages import Fault
from core.workers.reading import digest_of, reader
from core.workers.shelf import move, opened, remove, temporary

Expected = tuple[int, bytes, bytes]
"""Size, XXH3-128, SHA-256."""


def carry(request: messages.Carry, arena: memoryview, slot: Slot) -> messages.Carried:
    """Carry every file that can be, and flush the folders; again for what was carried before changes nothing."""
    faults: list[Fault | None] = []
    with opened(request.place) as folders:
        for was, payload, size, xxh128, sha256 in request.files:
            slot.begin("publish", size)
            try:
                _carry(folders, request, (was, payload), (size, xxh128, sha256), arena, slot)
            except OSError as error:
                faults.append(fault_of(error, "archive"))
            else:
                faults.append(None)
        folders.sync()
    return messages.Carried(faults)


def _carry(
    folders: Folders,
    request: messages.Carry,
    names: tuple[str, str],
    expected: Expected,
    arena: memoryview,
    slot: Slot,
) -> None:
    was, payload = names
    slot.checkpoint()
    folders.at(payload.rpartition("/")[0], SHARED)
    if _is_there(folders, payload):
        if not request.copy and not _is_there(folders, was):
            return  # it was carried before
        if _content(folders, payload, arena, slot) != expected:
            raise FileExistsError(errno.EEXIST, "something else has its name there")
        if not request.copy:
            # The same content under both names: one of them is enough, and it was read just now.
            with suppress(FileNotFoundError):
                remove(folders, was)
        return
    if not request.copy:
        move(folders, request.place.way, was, payload)
        return
    staged = temporary()
    try:
        _copy(folders, was, staged, expected, arena, slot)
        move(folders, request.place.way, staged, payload)
    finally:
        remove(folders, staged)


def _is_there(folders: Folders, path: str) -> bool:
    folder, _, name = path.rpartition("/")
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _content(folders: Folders, path: str, arena: memoryview, slot: Slot) -> Expected:
    """What a file holds, read past the cache."""
    fd = folders.open(path, os.O_RDONLY)
    try:
        cache.drop(fd)
        sha = hashlib.sha256()
        size, xxh128 = digest_of(reader(fd), arena, slot, sha.update)
    finally:
        release(fd)
    return size, xxh128, sha.digest()


def _copy(folders: Folders, was: str, staged: str, expected: Expected, arena: memoryview, slot: Slot) -> None:
    """Write an independent copy, on the medium and read back. Raises OSError, also for wrong content."""
    source = folders.open(was, os.O_RDONLY)
    try:
        fd = folders.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            digest_of(reader(source), arena, slot, lambda data: write_all(fd, data))
            facts = os.fstat(source)
            os.utime(fd, ns=(facts.st_atime_ns, facts.st_mtime_ns))
            durable.full_flush(fd)
        finally:
            release(fd)
    finally:
        release(source)
    if _content(folders, staged, arena, slot) != expected:
        raise OSError(errno.EIO, "its content is not what was archived")
