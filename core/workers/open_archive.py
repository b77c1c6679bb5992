"""Opening an archive or a source: its identity, its volume, how files are published there."""

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from core import archive_layout
from core.files import fsync, in_use, noreplace
from core.files.fds import release
from core.files.open_beneath import Tree
from core.volumes.mountpoint import on_volume, spelling
from core.workers import archive_messages, journal_files, messages, source_messages
from core.workers.archive_files import as_text, read, remove, temporary, write, write_new
from core.workers.dir_fds import MADE, Folders

ARCHIVE_FOLDERS = (archive_layout.JOURNALS, archive_layout.STAGING, archive_layout.LOCATIONS)


class NoIdError(FileNotFoundError):
    """An archive without its archive.toml."""


def open_archive(request: archive_messages.OpenArchive) -> archive_messages.ArchiveFacts:
    """Carry out OpenArchive. Raises FileNotFoundError when there is no archive, OSError."""
    if request.create:
        os.makedirs(request.root, exist_ok=True)
    resolved = os.path.realpath(request.root, strict=True)
    with Tree(resolved) as tree, Folders(tree.fileno()) as folders:
        # Checked before anything is made in a folder that is not an archive, or in one that has lost its id.
        try:
            read(folders, archive_layout.ARCHIVE_TOML)
        except FileNotFoundError:
            if _traces(folders):
                raise NoIdError(errno.ENOENT, "it has lost its id") from None
            if not request.create:
                raise
        if request.look:
            return _facts(tree, folders, resolved, "")
        for folder in ARCHIVE_FOLDERS:
            folders.at(folder, MADE)
        way = noreplace.probe(folders.at(archive_layout.STAGING))
        if request.create:
            text = request.text or f'id = "{_uuid4()}"\n'
            if write_new(folders, way, archive_layout.ARCHIVE_TOML, text.encode()):
                _date(folders)
                folders.sync()
        found = _facts(tree, folders, resolved, way)
        return msgspec.structs.replace(found, parts_from=journal_files.parts_from(folders))


def flushes_folder(folders: Folders, path: str, platform: str = sys.platform) -> bool:
    """Whether what is written can be flushed out of the drive's own cache. On macOS that is tried with an existing
    file; elsewhere fsync(2) does it."""
    if platform != "darwin":
        return True
    fd = folders.open(path, os.O_RDONLY)
    try:
        return fsync.full_flush(fd, platform)
    except OSError:
        return False
    finally:
        release(fd)


def _facts(tree: Tree, folders: Folders, root: bytes, way: str) -> archive_messages.ArchiveFacts:
    fd = folders.open(archive_layout.ARCHIVE_TOML, os.O_RDONLY)
    try:
        facts, text = os.fstat(fd), as_text(os.pread(fd, 1 << 16, 0))
    finally:
        release(fd)
    # Some file systems have no ctime of their own, and a hard link shares it.
    telling = facts.st_ctime_ns != facts.st_mtime_ns and facts.st_nlink == 1
    number = os.fstatvfs(tree.fileno()).f_fsid
    fsid = f"{number:x}" if number else ""
    mark = str(facts.st_ctime_ns) if telling else ""
    root = spelling(tree.fileno(), root)
    mount, below = on_volume(tree.fileno(), root)
    flushes = flushes_folder(folders, archive_layout.ARCHIVE_TOML)
    return archive_messages.ArchiveFacts(
        root, tree.device, tree.inode, way, text, mount, below, flushes, fsid, mark
    )


def _traces(folders: Folders) -> bool:
    """Whether there are journals, or locations with payload, so that the folder was an archive."""
    with suppress(FileNotFoundError, NotADirectoryError):
        if journal_files.all_parts(folders, archive_layout.JOURNALS):
            return True
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in folders.names(archive_layout.LOCATIONS):
            with suppress(OSError):
                folders.at(archive_layout.payload_folder(name))
                return True
    return False


def give_id(request: archive_messages.GiveId) -> messages.Done:
    """Write archive.toml: staged, flushed, then renamed over what is there. Raises OSError."""
    with Tree(request.root) as tree, Folders(tree.fileno()) as folders:
        for folder in ARCHIVE_FOLDERS:
            folders.at(folder, MADE)
        name = temporary()
        try:
            write(folders, name, request.text.encode())
            staging, _, staged = name.rpartition("/")
            folder, _, target = archive_layout.ARCHIVE_TOML.rpartition("/")
            in_use.rename(staged, target, folders.at(staging), folders.at(folder))
        finally:
            remove(folders, name)
        _date(folders)
        folders.sync()
    return messages.Done()


def _date(folders: Folders) -> None:
    """Set the mtime of archive.toml to a whole second, so that it differs from the ctime, which `_facts` relies
    on."""
    folder, _, name = archive_layout.ARCHIVE_TOML.rpartition("/")
    whole = time.time_ns() // 10**9 * 10**9
    with suppress(OSError):
        os.utime(name, ns=(whole, whole), dir_fd=folders.at(folder), follow_symlinks=False)


def _uuid4() -> str:
    from uuid import uuid4

    return str(uuid4())


def look(request: source_messages.LookAtPath) -> source_messages.Looked:
    """Carry out Look for a path that a person named. Raises OSError."""
    resolved = os.path.realpath(request.path, strict=True)
    facts = os.stat(resolved)
    only = b""
    if stat.S_ISREG(facts.st_mode):
        folder, _, only = resolved.rpartition(b"/")
        resolved = folder or b"/"
    elif not stat.S_ISDIR(facts.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "neither a folder nor a file")
    with Tree(resolved) as tree:
        root = tree.fileno()
        resolved = spelling(root, resolved)
        mount, below = on_volume(root, resolved)
        source = messages.Source(resolved, tree.device, tree.inode)
    above = [(found.st_dev, found.st_ino) for found in map(os.stat, _ancestors(resolved))]
    return source_messages.Looked(source, only, above, mount, below)


def _ancestors(path: bytes) -> Iterator[bytes]:
    while path != b"/":
        yield path
        path = os.path.dirname(path)
    yield path
