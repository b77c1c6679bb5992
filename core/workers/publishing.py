"""Giving verified files their final names, never replacing anything."""

import errno
import hashlib
import os
import stat

import msgspec

from core.files import cache, durable, noreplace
from core.files.closing import release
from core.workers.batch import Batch, Held
from core.workers.control import StoppedError
from core.workers.faults import fault_of
from core.workers.folders import SHARED, Folders
from core.workers.messages import Arrived, Fault
from core.workers.reading import digest_of, reader

# Some servers sync only what may be written; what stands under a final name was flushed before it got it.
_NOT_FOR_READERS = durable.UNSUPPORTED | {errno.EBADF, errno.EACCES, errno.EPERM, errno.EROFS}

NAMES = 10_000
"""Names tried for files that have one digest and different content."""


def publish(batch: Batch, arena: memoryview) -> Arrived:
    """Give every file its final name and flush the folders; never raises, so that what was done is known.

    A cancelled publish stops between two files; the rest get a fault.
    """
    batch.slot.begin("publish")
    result = Arrived([], [], [])
    with Folders(batch.root, whole=batch.whole) as folders:
        for number, held in list(batch.files.items()):
            if not held.payload or held.done:
                continue
            try:
                batch.slot.checkpoint()
                if not (held.flushed and held.verified):
                    raise OSError("it was not flushed and verified")
                arrived = _name(batch, folders, held, arena)
            except StoppedError:
                result.faults.append((number, Fault("archive", "cancelled")))
                batch.forget(number)
            except OSError as error:
                result.faults.append((number, fault_of(error, "archive", "publishing: ")))
                batch.forget(number)
            else:
                (result.published if arrived else result.taken).append((number, held.payload))
        try:
            if result.published or result.taken:
                folders.sync()
        except OSError as error:
            fault = msgspec.structs.replace(fault_of(error, "archive", "flushing folders: "), again=True)
            unknown = [number for number, _ in (*result.published, *result.taken)]
            for number in unknown:
                batch.forget(number)
            return Arrived([], [], result.faults + [(number, fault) for number in unknown])
    return result


def _name(batch: Batch, folders: Folders, held: Held, arena: memoryview) -> bool:
    """Publish one file; False when its name is taken, and it has a new one that must be journaled first."""
    path, _, name = held.payload.rpartition("/")
    folder = folders.at(path, SHARED)
    try:
        noreplace.publish(batch.place.way, batch.staging, held.staged, folder, name)
        held.staged = ""
    except FileExistsError:
        if not _equal(batch, folder, name, held, arena):
            held.payload = f"{path}/{_other_name(batch, folder, held, arena)}"
            return False
        batch.remove(held)
    held.done = True
    return True


def _equal(batch: Batch, folder: int, name: str, held: Held, arena: memoryview) -> bool:
    """Whether what has the name is a file of the same content, read past the cache, and flushed."""
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
        cache.drop(fd)
        sha = hashlib.sha256()
        try:
            found = digest_of(reader(fd), arena, batch.slot, sha.update)
        except OSError:
            return False
        return found == (held.digest.size, held.digest.xxh128) and sha.digest() == held.digest.sha256
    finally:
        release(fd)


def _other_name(batch: Batch, folder: int, held: Held, arena: memoryview) -> str:
    """The first name like the wanted one that is free, or holds the same content already. Raises OSError."""
    wanted = held.wanted.rpartition("/")[2]
    stem, dot, ending = wanted.rpartition(".") if "." in wanted else (wanted, "", "")
    for count in range(2, NAMES):
        name = f"{stem}-{count}{dot}{ending}"
        try:
            if _equal(batch, folder, name, held, arena):
                return name
        except FileNotFoundError:
            return name
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), wanted)
