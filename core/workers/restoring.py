"""Archived files under their original names again, in a folder of the user's."""

import errno
import hashlib
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import xxhash

from core.files import durable, noreplace
from core.files.closing import release
from core.files.tree import Tree
from core.volumes.space import space
from core.workers import messages
from core.workers.control import BLOCK, WRITTEN, Slot
from core.workers.faults import fault_of
from core.workers.folders import PRIVATE, SHARED, Folders, write_all
from core.workers.messages import Fault, Place, Target, ToRestore
from core.workers.reading import digest_of, reader
from core.workers.shelf import ARCHIVE_TOML, opened

LEFT, MOMENT = 20, 0.1
"""How often staging is cleared until nobody writes there any more, and the seconds between."""

STAGING = ".lading-restore"
_RUN = re.compile(r"run-[0-9a-f]{12}")

NAMES = 10_000
"""Names tried for a file whose own is taken."""


class DamagedError(Exception):
    """What the archive holds is not what was archived."""


def open_target(request: messages.OpenTarget) -> messages.TargetOpened:
    """Open or make the folder to restore to. Raises OSError.

    What runs that were killed left in its staging goes.
    """
    nothing = Target(b"", 0, 0, "", "")
    resolved = os.path.realpath(request.path)
    if refused := _refused(resolved, request.place):
        return messages.TargetOpened(nothing, 0, refused)
    os.makedirs(resolved, exist_ok=True)
    staging = f"{STAGING}/run-{os.urandom(6).hex()}"
    with Tree(resolved) as tree, Folders(tree.fileno()) as folders:
        way = noreplace.probe(folders.at(staging, PRIVATE))
        for name in os.listdir(folders.at(STAGING)):
            if _RUN.fullmatch(name) and name != os.path.basename(staging):
                _clear(folders, f"{STAGING}/{name}")
        target = Target(resolved, tree.device, tree.inode, way, staging)
    # A file system that does not tell its room says so when it has none.
    room = space(resolved)
    return messages.TargetOpened(target, room.available if room else sys.maxsize)


def _refused(path: bytes, place: Place) -> str:
    folder = path
    while True:
        with suppress(OSError):
            os.lstat(os.path.join(folder, os.fsencode(ARCHIVE_TOML)))
            return "it lies in an archive"
        if folder == os.path.dirname(folder):
            break
        folder = os.path.dirname(folder)
    return "the archive lies in it" if place.root.startswith(os.path.join(path, b"")) else ""


@contextmanager
def _opened(target: Target) -> Iterator[Folders]:
    with Tree(target.root, target.device, target.inode) as tree, Folders(tree.fileno()) as folders:
        yield folders


class _Staged:
    """One file that is whole, but has not its name yet."""

    def __init__(self, file: ToRestore, name: str, fd: int) -> None:
        self.file = file
        self.name = name
        self.fd = fd


def restore(request: messages.Restore, arena: memoryview, slot: Slot) -> messages.Restored:
    """Copy, compare, flush, then publish, never replacing anything: what is there is equal, or both are kept."""
    results: dict[int, tuple[bytes, bool, Fault | None]] = {}
    staged: dict[int, _Staged] = {}
    with opened(request.place) as archive, _opened(request.target) as folders:
        staging = folders.at(request.target.staging, PRIVATE)
        try:
            for number, file in enumerate(request.files):
                slot.checkpoint()
                try:
                    _check(file.path)
                    folder, name = _at(folders, file)
                    if _equal(folder, name, file, arena, slot):
                        results[number] = file.path, True, None
                        continue
                    staged[number] = _copy(archive, staging, file, arena, slot)
                except DamagedError as error:
                    results[number] = b"", False, Fault("archive", str(error))
                except OSError as error:
                    results[number] = b"", False, fault_of(error, "target")
            fault = _flushed(list(staged.values()))
            for number, one in staged.items():
                try:
                    results[number] = (b"", False, fault) if fault else _named(request, folders, one, arena, slot)
                except OSError as error:
                    results[number] = b"", False, fault_of(error, "target")
            folders.sync()
        finally:
            for one in staged.values():
                if one.fd >= 0:
                    release(one.fd)
                with suppress(OSError):
                    os.unlink(one.name, dir_fd=staging)
    return messages.Restored([results[number] for number in range(len(request.files))])


def _check(path: bytes) -> None:
    """A journal that somebody made up must not lead out of the target. Raises OSError."""
    if b"\0" in path or any(name in (b"", b".", b"..") for name in path.split(b"/")):
        raise OSError(errno.EINVAL, "no path below a folder")


def _at(folders: Folders, file: ToRestore) -> tuple[int, bytes]:
    folder, _, name = file.path.rpartition(b"/")
    return folders.at(os.fsdecode(folder), SHARED), name


def _equal(folder: int, name: bytes, file: ToRestore, arena: memoryview, slot: Slot) -> bool:
    """Whether a regular file of that content has the name."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size != file.size:
            return False
        sha = hashlib.sha256()
        slot.begin("verify", file.size)
        return digest_of(reader(fd), arena, slot, sha.update) == (file.size, file.xxh128) and (
            sha.digest() == file.sha256
        )
    except OSError:
        return False
    finally:
        release(fd)


def _copy(archive: Folders, staging: int, file: ToRestore, arena: memoryview, slot: Slot) -> _Staged:
    """Copy one file to staging. Raises DamagedError, OSError."""
    try:
        source = archive.open(file.payload, os.O_RDONLY)
    except OSError as error:
        raise DamagedError(os.strerror(error.errno or 0)) from error
    name = os.urandom(8).hex()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(name, flags, 0o644, dir_fd=staging)
        try:
            _bytes(source, fd, file, arena, slot)
            os.utime(fd, ns=(file.mtime_ns, file.mtime_ns))
        except BaseException:
            release(fd)
            with suppress(OSError):
                os.unlink(name, dir_fd=staging)
            raise
    finally:
        release(source)
    return _Staged(file, name, fd)


def _bytes(source: int, fd: int, file: ToRestore, arena: memoryview, slot: Slot) -> None:
    xxh, sha, size = xxhash.xxh3_128(), hashlib.sha256(), 0
    slot.begin("copy", file.size)
    while True:
        slot.checkpoint()
        try:
            count = os.preadv(source, [arena[:BLOCK]], size)
        except OSError as error:
            raise DamagedError(f"{os.strerror(error.errno or 0)} at byte {size:,}") from error
        if not count:
            break
        data = arena[:count]
        xxh.update(data)
        sha.update(data)
        write_all(fd, data)
        size += count
        slot.advance(WRITTEN, count)
    if size != file.size:
        raise DamagedError(f"it has {size:,} bytes, not {file.size:,}")
    if (xxh.digest(), sha.digest()) != (file.xxh128, file.sha256):
        raise DamagedError("its content is not what was archived")


def _flushed(staged: list[_Staged]) -> Fault | None:
    try:
        durable.sync_files([one.fd for one in staged])
        for one in staged:
            # close(2) may be the first to tell of a full disk: NFS and SMB write late.
            fd, one.fd = one.fd, -1
            os.close(fd)
    except OSError as error:
        return fault_of(error, "target", "flush: ")
    return None


def _named(
    request: messages.Restore, folders: Folders, one: _Staged, arena: memoryview, slot: Slot
) -> tuple[bytes, bool, Fault | None]:
    """Give a file its name, or where something else has that, the first free one like it. Raises OSError."""
    folder, wanted = _at(folders, one.file)
    staging = folders.at(request.target.staging)
    above = one.file.path[: len(one.file.path) - len(wanted)]
    for count in range(1, NAMES):
        name = wanted if count == 1 else _other(wanted, count)
        try:
            noreplace.publish(request.target.way, staging, one.name, folder, os.fsdecode(name))
        except FileExistsError:
            if _equal(folder, name, one.file, arena, slot):
                return above + name, True, None
        else:
            return above + name, False, None
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _other(name: bytes, count: int) -> bytes:
    """`IMG_1-2.JPG`, not longer than a name may be."""
    stem, dot, ending = name.rpartition(b".")
    if not stem:
        stem, dot, ending = name, b"", b""
    mark = b"-%d" % count
    return stem[: 255 - len(mark + dot + ending)] + mark + dot + ending


def dress_folders(request: messages.DressFolders) -> messages.Dressed:
    """Make folders and give them their times, deepest first. Raises LostError, OSError."""
    faults: list[tuple[bytes, Fault]] = []
    with _opened(request.target) as root:
        for path, mtime_ns in request.folders:
            # One after the other: a card may have more folders than a process may have open.
            try:
                _check(path)
                with Folders(root.at("")) as folders:
                    os.utime(folders.at(os.fsdecode(path), SHARED), ns=(mtime_ns, mtime_ns))
            except OSError as error:
                faults.append((path, fault_of(error, "target")))
    return messages.Dressed(faults)


def close_target(request: messages.CloseTarget) -> messages.Done:
    """Remove the staging of this run, and the folder of all if no other is at work."""
    name = os.path.basename(request.target.staging)
    with _opened(request.target) as folders:
        for _ in range(LEFT):
            _clear(folders, request.target.staging)
            if name not in os.listdir(folders.at(STAGING)):
                break
            # A worker that was just killed may write once more.
            time.sleep(MOMENT)
        with suppress(OSError):
            os.rmdir(STAGING, dir_fd=folders.at(""))
    return messages.Done()


def _clear(folders: Folders, path: str) -> None:
    """Remove a folder that holds nothing but staged files."""
    with suppress(OSError):
        folder = folders.at(path)
        for name in os.listdir(folder):
            os.unlink(name, dir_fd=folder)
        above, _, last = path.rpartition("/")
        os.rmdir(last, dir_fd=folders.at(above))
