"""Restoring archived files under their original names into a folder of the user's."""

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

from core import archive_layout
from core.files import fsync, noreplace, times
from core.files.fds import release
from core.files.open_beneath import Tree
from core.models import Side
from core.paths import cut
from core.volumes.space import space
from core.words import counted
from core.workers import messages, restore_messages
from core.workers.archive_files import opened, remove_tree
from core.workers.dir_fds import MADE, Folders, write_all
from core.workers.faults import fault_of
from core.workers.messages import Fault, Place
from core.workers.read_source import digest_of, reader
from core.workers.restore_messages import Target, ToRestore
from core.workers.shared_memory import BLOCK, WRITTEN, Slot

MOST_OPEN = 128
"""The most folders of the target kept open, besides the files of a request; a tree may be deeper than that."""

LEFT, MOMENT = 20, 0.1
"""How often staging is cleared until nothing writes there any more, and the seconds between."""

RESTORE_STAGING = ".lading-restore"
DOWNLOADS = "downloads-"
"""What the names of folders in staging begin with that hold payload brought from a remote."""

_RUN = re.compile(r"run-[0-9a-f]{12}")

NAME_ATTEMPTS = 10_000
"""The most names tried for a file whose own name is taken."""


class DamagedError(Exception):
    """The content of an archived file is not what was archived."""


def open_target(request: restore_messages.OpenTarget) -> restore_messages.TargetOpened:
    """Open or make the folder to restore to. Raises OSError.

    Files that killed runs left in its staging are removed.
    """
    nothing = Target(b"", 0, 0, "", "")
    resolved = os.path.realpath(request.path)
    if refused := _refused(resolved, request.place):
        return restore_messages.TargetOpened(nothing, 0, refused)
    os.makedirs(resolved, exist_ok=True)
    staging = f"{RESTORE_STAGING}/run-{os.urandom(6).hex()}"
    with Tree(resolved) as tree, Folders(tree.fileno()) as folders:
        way = noreplace.probe(folders.at(staging, MADE))
        for name in os.listdir(folders.at(RESTORE_STAGING)):
            if _RUN.fullmatch(name) and name != os.path.basename(staging):
                _clear(folders, f"{RESTORE_STAGING}/{name}")
        target = Target(resolved, tree.device, tree.inode, way, staging)
    # Where a file system does not report its space, a full one is noticed while writing.
    room = space(resolved)
    return restore_messages.TargetOpened(target, room.available if room else sys.maxsize)


def _refused(path: bytes, place: Place) -> str:
    folder = path
    while True:
        with suppress(OSError):
            toml = os.lstat(os.path.join(folder, os.fsencode(archive_layout.ARCHIVE_TOML)))
            # Above its shares smbnetfs shows a folder of any name that is asked for.
            if not stat.S_ISDIR(toml.st_mode):
                return "it lies in an archive"
        if folder == os.path.dirname(folder):
            break
        folder = os.path.dirname(folder)
    return "the archive lies in it" if place.root.startswith(os.path.join(path, b"")) else ""


@contextmanager
def target_folders(target: Target) -> Iterator[Folders]:
    """Open the folders of the target; closes them afterwards. Raises LostError, OSError when it is gone."""
    root = Tree(target.root, target.device, target.inode)
    with root as tree, Folders(tree.fileno(), most=MOST_OPEN) as folders:
        yield folders


class _Staged:
    """One file that is complete, but does not have its name yet."""

    def __init__(self, file: ToRestore, name: str, fd: int) -> None:
        self.file = file
        self.name = name
        self.fd = fd


def restore(request: restore_messages.Restore, arena: memoryview, slot: Slot) -> restore_messages.Restored:
    """Copy, compare, flush, then publish, never replacing anything: a file that is there already is equal, or both
    are kept."""
    results: dict[int, tuple[bytes, bool, Fault | None]] = {}
    staged: dict[int, _Staged] = {}
    with (
        opened(request.place) as archive,
        target_folders(request.target) as folders,
        target_folders(request.target) as own,
    ):
        staging = own.at(request.target.staging, MADE)
        try:
            for number, file in enumerate(request.files):
                slot.checkpoint()
                try:
                    check(file.path)
                    folder, name = _open_parent(folders, file)
                    if _equal(folder, name, file, arena, slot):
                        results[number] = file.path, True, None
                        continue
                    staged[number] = _copy(archive, staging, file, arena, slot)
                except DamagedError as error:
                    results[number] = b"", False, Fault(Side.ARCHIVE, str(error))
                except OSError as error:
                    results[number] = b"", False, fault_of(error, Side.TARGET)
            fault = _flushed(list(staged.values()))
            for number, one in staged.items():
                try:
                    named = (b"", False, fault) if fault else _named(request, folders, staging, one, arena, slot)
                    results[number] = named
                except OSError as error:
                    results[number] = b"", False, fault_of(error, Side.TARGET)
            folders.sync()
        finally:
            for one in staged.values():
                if one.fd >= 0:
                    release(one.fd)
                with suppress(OSError):
                    os.unlink(one.name, dir_fd=staging)
    return restore_messages.Restored([results[number] for number in range(len(request.files))])


def check(path: bytes) -> None:
    """Refuse a path that leads out of the target, which a forged journal may hold. Raises OSError."""
    if b"\0" in path or any(name in (b"", b".", b"..") for name in path.split(b"/")):
        raise OSError(errno.EPERM, "no path below a folder")


def _open_parent(folders: Folders, file: ToRestore) -> tuple[int, bytes]:
    folder, _, name = file.path.rpartition(b"/")
    return folders.at(os.fsdecode(folder), MADE), name


def _equal(folder: int, name: bytes, file: ToRestore, arena: memoryview, slot: Slot) -> bool:
    """Whether a regular file with the content of `file` has this name."""
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
        fd = os.open(name, flags, 0o666, dir_fd=staging)
        try:
            _bytes(source, fd, file, arena, slot)
            times.put(fd, file.mtime_ns, file.far)
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
        raise DamagedError(f"it has {counted(size, 'byte')}, not {file.size:,}")
    if (xxh.digest(), sha.digest()) != (file.xxh128, file.sha256):
        raise DamagedError("its content is not what was archived")


def _flushed(staged: list[_Staged]) -> Fault | None:
    try:
        fsync.sync_files([one.fd for one in staged])
        for one in staged:
            # close(2) may be the first to report a full disk: NFS and SMB write late.
            fd, one.fd = one.fd, -1
            os.close(fd)
    except OSError as error:
        return fault_of(error, Side.TARGET, "flush: ")
    return None


def _named(
    request: restore_messages.Restore, folders: Folders, staging: int, one: _Staged, arena: memoryview, slot: Slot
) -> tuple[bytes, bool, Fault | None]:
    """Give a file its name or, where something else has it, the first free numbered one. Returns (path, whether an
    equal file was there, fault). Raises OSError."""
    folder, wanted = _open_parent(folders, one.file)
    above = one.file.path[: len(one.file.path) - len(wanted)]
    for count in range(1, NAME_ATTEMPTS):
        name = wanted if count == 1 else other_name(wanted, count)
        try:
            noreplace.publish(request.target.way, staging, one.name, folder, os.fsdecode(name))
        except FileExistsError:
            if _equal(folder, name, one.file, arena, slot):
                return above + name, True, None
        else:
            return above + name, False, None
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def other_name(name: bytes, count: int) -> bytes:
    """`IMG_1-2.JPG`, not longer than a name may be."""
    stem, dot, ending = name.rpartition(b".")
    if not stem:
        stem, dot, ending = name, b"", b""
    mark = b"-%d" % count
    return cut(stem, max(0, 255 - len(mark + dot + ending))) + mark + dot + ending


def set_folder_times(request: restore_messages.SetFolderTimes) -> restore_messages.FolderFaults:
    """Make folders and set their times, deepest first. Raises LostError, OSError."""
    faults: list[tuple[bytes, Fault]] = []
    with target_folders(request.target) as root:
        for path, mtime_ns, far in request.folders:
            try:
                check(path)
                times.put(root.at(os.fsdecode(path), MADE), mtime_ns, far)
            except OSError as error:
                faults.append((path, fault_of(error, Side.TARGET)))
    return restore_messages.FolderFaults(faults)


def close_target(request: restore_messages.CloseTarget) -> messages.Done:
    """Remove the staging of this run, and the staging folder of all runs if no other one is active."""
    name = os.path.basename(request.target.staging)
    with target_folders(request.target) as folders:
        for _ in range(LEFT):
            _clear(folders, request.target.staging)
            if name not in os.listdir(folders.at(RESTORE_STAGING)):
                break
            # A worker that was just killed may write once more.
            time.sleep(MOMENT)
        with suppress(OSError):
            os.rmdir(RESTORE_STAGING, dir_fd=folders.at(""))
    return messages.Done()


def _clear(folders: Folders, path: str) -> None:
    """Remove a folder that holds only staged files, and folders of downloads; what is open stays."""
    with suppress(OSError):
        above, _, last = path.rpartition("/")
        remove_tree(folders.at(above), last, iter(()))
