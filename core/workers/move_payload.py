"""Moving payload from one location of an archive to another: renamed, or copied; never replacing anything."""

import errno
import hashlib
import os
import stat

from core.content import Content
from core.files import fsync, page_cache
from core.files.fds import release
from core.workers import archive_messages
from core.workers.archive_files import discard, move, opened, temporary
from core.workers.dir_fds import MADE, Folders, write_all
from core.workers.faults import archive_fault
from core.workers.messages import Fault
from core.workers.read_source import digest_of, reader
from core.workers.shared_memory import Slot


def carry(request: archive_messages.Carry, arena: memoryview, slot: Slot) -> archive_messages.Carried:
    """Move every file that can be moved, and flush the folders. A file that was moved before stays as it is."""
    faults: list[Fault | None] = []
    with opened(request.place) as folders:
        for was, payload, size, xxh128, sha256 in request.files:
            slot.begin("publish", size)
            try:
                _carry(folders, request, (was, payload), Content(size, xxh128, sha256), arena, slot)
            except OSError as error:
                faults.append(archive_fault(error, request.place))
            else:
                faults.append(None)
        folders.sync()
    return archive_messages.Carried(faults)


def _carry(
    folders: Folders,
    request: archive_messages.Carry,
    names: tuple[str, str],
    expected: Content,
    arena: memoryview,
    slot: Slot,
) -> None:
    was, payload = names
    slot.checkpoint()
    folders.at(payload.rpartition("/")[0], MADE)
    if _is_there(folders, payload):
        if not request.copy and not _is_there(folders, was):
            return  # it was moved before
        if _content(folders, payload, arena, slot) != expected:
            raise FileExistsError(errno.EEXIST, "something else has its name there")
        if not request.copy:
            # The same content has both names, and was read just now: one of them is enough.
            discard(folders, was)
        return
    if not request.copy:
        move(folders, request.place.way, was, payload)
        return
    staged = temporary()
    try:
        _copy(folders, was, staged, expected, arena, slot)
        move(folders, request.place.way, staged, payload)
    finally:
        discard(folders, staged)


def _is_there(folders: Folders, path: str) -> bool:
    folder, _, name = path.rpartition("/")
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _content(folders: Folders, path: str, arena: memoryview, slot: Slot) -> Content:
    """The content of a file, read past the cache."""
    fd = folders.open(path, os.O_RDONLY)
    try:
        page_cache.drop(fd, ours=True)
        sha = hashlib.sha256()
        size, xxh128 = digest_of(reader(fd), arena, slot, sha.update)
    finally:
        release(fd)
    return Content(size, xxh128, sha.digest())


def _copy(folders: Folders, was: str, staged: str, expected: Content, arena: memoryview, slot: Slot) -> None:
    """Write an independent copy, flush it and read it back. Raises OSError, also for wrong content."""
    source = folders.open(was, os.O_RDONLY)
    try:
        fd = folders.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            digest_of(reader(source), arena, slot, lambda data: write_all(fd, data))
            facts = os.fstat(source)
            os.utime(fd, ns=(facts.st_atime_ns, facts.st_mtime_ns))
            fsync.full_flush(fd)
        finally:
            release(fd)
    finally:
        release(source)
    if _content(folders, staged, arena, slot) != expected:
        raise OSError(errno.EIO, "its content is not what was archived")
