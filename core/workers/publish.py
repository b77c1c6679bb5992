"""Giving verified files their final names, never replacing anything."""

import errno
import hashlib
import os
import stat

import msgspec

from core.files import fsync, noreplace, page_cache
from core.files.fds import release
from core.models import Side
from core.workers.batch import Batch, BatchEntry
from core.workers.batch_messages import Published
from core.workers.dir_fds import MADE, Folders
from core.workers.faults import archive_fault
from core.workers.messages import Fault
from core.workers.read_source import digest_of, reader
from core.workers.shared_memory import CancelledByEngineError

# Some servers only sync files opened for writing; a file under its final name was flushed before it got that.
_NOT_FOR_READERS = fsync.UNSUPPORTED | {errno.EBADF, errno.EACCES, errno.EPERM, errno.EROFS}

NAME_ATTEMPTS = 10_000
"""The most names tried for files with equal XXH3-128, but different content."""


def publish(batch: Batch, arena: memoryview) -> Published:
    """Give every file its final name and flush the folders. Never raises, so that what was done is known.

    When it is cancelled it stops between two files; the rest get a fault.
    """
    batch.slot.begin("publish")
    result = Published([], [], [])
    with Folders(batch.root, whole=batch.whole) as folders:
        for number, held in list(batch.files.items()):
            if not held.payload or held.done:
                continue
            try:
                batch.slot.checkpoint()
                if not (held.flushed and held.verified):
                    raise OSError("it was not flushed and verified")
                arrived = _name(batch, folders, held, arena)
            except CancelledByEngineError:
                result.faults.append((number, Fault(Side.ARCHIVE, "cancelled")))
                batch.forget(number)
            except OSError as error:
                result.faults.append((number, archive_fault(error, batch.place, "publishing: ")))
                batch.forget(number)
            else:
                (result.published if arrived else result.taken).append((number, held.payload))
        try:
            if result.published or result.taken:
                folders.sync()
        except OSError as error:
            fault = msgspec.structs.replace(archive_fault(error, batch.place, "flushing folders: "), again=True)
            unknown = [number for number, _ in (*result.published, *result.taken)]
            for number in unknown:
                batch.forget(number)
            return Published([], [], result.faults + [(number, fault) for number in unknown])
    return result


def _name(batch: Batch, folders: Folders, held: BatchEntry, arena: memoryview) -> bool:
    """Publish one file. Returns False when its name is taken; then it has a new one that must be journaled
    first."""
    path, _, name = held.payload.rpartition("/")
    folder = folders.at(path, MADE)
    try:
        noreplace.publish(batch.place.way, batch.staging, held.staged, folder, name)
        held.staged = ""
    except FileExistsError:
        if not equal(batch, folder, name, held, arena):
            held.payload = f"{path}/{_other_name(batch, folder, held, arena)}"
            return False
        batch.remove(held)
    held.done = True
    return True


def equal(batch: Batch, folder: int, name: str, held: BatchEntry, arena: memoryview) -> bool:
    """Whether the file that has the name holds the same content, read past the cache, after it was flushed."""
    facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(facts.st_mode) or facts.st_size != held.digest.size:
        return False
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except PermissionError:
        return False
    try:
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in _NOT_FOR_READERS:
                return False
        page_cache.drop(fd, ours=True)
        sha = hashlib.sha256()
        try:
            found = digest_of(reader(fd), arena, batch.slot, sha.update)
        except OSError:
            return False
        return found == (held.digest.size, held.digest.xxh128) and sha.digest() == held.digest.sha256
    finally:
        release(fd)


def _other_name(batch: Batch, folder: int, held: BatchEntry, arena: memoryview) -> str:
    """The first numbered variant of the wanted name that is free, or holds the same content already. Raises
    OSError."""
    wanted = held.wanted.rpartition("/")[2]
    stem, dot, ending = wanted.rpartition(".") if "." in wanted else (wanted, "", "")
    for count in range(2, NAME_ATTEMPTS):
        name = f"{stem}-{count}{dot}{ending}"
        try:
            if equal(batch, folder, name, held, arena):
                return name
        except FileNotFoundError:
            return name
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), wanted)
