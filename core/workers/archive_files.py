"""Operations on an archive other than copying: reading and writing Lading's own files in it, cleaning its
staging."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from core import archive_layout
from core.files import fsync, in_use, noreplace
from core.files.fds import release
from core.files.open_beneath import Tree
from core.volumes.space import space as room
from core.workers import archive_messages, journal_files, messages, text_messages
from core.workers.dir_fds import MADE, Folders, write_all
from core.workers.messages import Place

CLEANING = (0.1,) * 20
"""Seconds to wait, one after the other, while files that are to be removed from staging are open."""


@contextmanager
def opened(place: Place) -> Iterator[Folders]:
    """Open the folders of an archive; closes them afterwards. Raises LostError, OSError."""
    with Tree(place.root, place.device, place.inode) as tree, Folders(tree.fileno()) as folders:
        yield folders


def as_text(data: bytes) -> str:
    """Decode one of Lading's own small files, damaged or not."""
    return data.decode(errors="replace")


def read(folders: Folders, path: str, offset: int = 0, length: int = 1 << 16) -> bytes:
    """Read `length` bytes from `offset` of one of Lading's own files, fewer only at its end. Raises OSError."""
    fd, data = folders.open(path, os.O_RDONLY), b""
    try:
        # Some file systems return less than is there.
        while len(data) < length and (more := os.pread(fd, length - len(data), offset + len(data))):
            data += more
        return data
    finally:
        release(fd)


def write(folders: Folders, path: str, data: bytes) -> None:
    """Write a new small file and flush it. Raises FileExistsError, OSError."""
    fd = folders.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        write_all(fd, data)
        fsync.full_flush(fd)
    except BaseException:
        release(fd)
        raise
    os.close(fd)


def temporary() -> str:
    """A new path in staging."""
    return f"{archive_layout.STAGING}/{os.urandom(8).hex()}"


def remove(folders: Folders, path: str) -> None:
    """Remove a staged file if it exists, which was only written."""
    folder, _, name = path.rpartition("/")
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folders.at(folder))


def discard(folders: Folders, path: str) -> None:
    """Remove a file of the archive if it exists, by way of its staging: it may just have been read, and then is
    still open for a moment on some servers. Raises OSError."""
    folder, _, name = path.rpartition("/")
    staging, _, aside = temporary().rpartition("/")
    with suppress(FileNotFoundError):
        in_use.remove(name, folders.at(folder), aside, folders.at(staging, MADE))


def move(folders: Folders, way: str, path: str, target: str) -> None:
    """Rename a file to `target`, which must be free. Raises FileExistsError, OSError."""
    folder, _, name = path.rpartition("/")
    target_folder, _, target_name = target.rpartition("/")
    noreplace.publish(way, folders.at(folder), name, folders.at(target_folder), target_name)


def write_new(folders: Folders, way: str, path: str, data: bytes) -> bool:
    """Write a new small file, complete or not at all. Returns False when there is one already, which stays as it
    is. Raises OSError."""
    if way == noreplace.LOOK:
        # Two engines can both check and then rename, and the first file would be lost. With O_EXCL only one of
        # them succeeds, although a crash may leave a torn file.
        try:
            write(folders, path, data)
        except FileExistsError:
            return False
        return True
    name = temporary()
    try:
        write(folders, name, data)
        move(folders, way, name, path)
    except FileExistsError:
        return False
    finally:
        remove(folders, name)
    return True


def journal_names(request: text_messages.JournalNames) -> archive_messages.NamesCounted:
    """(name, bytes) of the journals in a folder; none if the archive, as a backup may, lacks the folder."""
    with opened(request.place) as folders:
        try:
            return archive_messages.NamesCounted(journal_files.sizes(folders, request.folder))
        except FileNotFoundError:
            return archive_messages.NamesCounted([])


def read_text(request: text_messages.ReadText) -> text_messages.TextRead:
    """Read part of one of Lading's own files; a journal is read as one file, whatever parts it has."""
    one = journal_files.read if os.path.dirname(request.path) in journal_files.JOURNAL_FOLDERS else read
    with opened(request.place) as folders:
        return text_messages.TextRead(one(folders, request.path, request.offset, request.length))


def append_journal(request: text_messages.AppendJournal) -> messages.Done:
    """Append to a journal, and flush it if asked to."""
    with opened(request.place) as folders:
        if not journal_files.in_parts(request.place):
            # The archive may have been on a network before, with journals in parts.
            with suppress(FileNotFoundError):
                journal_files.join(folders, request.path, temporary())
        fd, _, part = journal_files.open_end(folders, request.path, request.place)
        try:
            try:
                write_all(fd, request.data)
                if request.flush:
                    fsync.full_flush(fd)
            except BaseException:
                release(fd)
                raise
            os.close(fd)
        except BaseException:
            if part:
                journal_files.withdraw(folders, part)
            raise
        if request.flush:
            folders.sync()
    return messages.Done()


def move_text(request: text_messages.MoveText) -> messages.Done:
    """Flush one of Lading's own files and rename it to its target."""
    with opened(request.place) as folders:
        fd = folders.open(request.path, os.O_RDONLY)
        try:
            fsync.full_flush(fd)
        finally:
            release(fd)
        folder, _, name = request.path.rpartition("/")
        target_folder, _, target = request.target.rpartition("/")
        from_fd, to_fd = folders.at(folder), folders.at(target_folder, MADE)
        in_use.rename(name, target, from_fd, to_fd)
        folders.sync()
    return messages.Done()


def set_aside(request: archive_messages.SetAside) -> messages.Done:
    """Move a damaged file out of its bag, where it is kept. Raises FileExistsError, OSError."""
    with opened(request.place) as folders:
        folders.at(request.target.rpartition("/")[0], MADE)
        with suppress(FileNotFoundError):
            move(folders, request.place.way, request.path, request.target)
        folders.sync()
    return messages.Done()


def try_writing(request: archive_messages.TryWriting) -> messages.Done:
    """Write and flush a small file, then remove it. Raises OSError."""
    with opened(request.place) as folders:
        name = f"{request.folder}/{os.urandom(8).hex()}"
        folders.at(request.folder, MADE)
        try:
            write(folders, name, b"\n")
        finally:
            remove(folders, name)
    return messages.Done()


def join_journal(request: text_messages.JoinJournal) -> messages.Done:
    """Join a journal's parts into one file."""
    with opened(request.place) as folders:
        journal_files.join(folders, request.path, temporary())
    return messages.Done()


def clean_staging(request: archive_messages.CleanStaging) -> archive_messages.NamesCounted:
    """Remove what some owners, or all, have staged. Returns (name, files removed)."""
    with opened(request.place) as folders:
        staging = folders.at(archive_layout.STAGING)
        owners, waits = request.owners, iter(CLEANING)
        names = [name for name in os.listdir(staging) if owners is None or name in owners]
        return archive_messages.NamesCounted([(name, remove_tree(staging, name, waits)) for name in names])


def remove_tree(folder: int, name: str, waits: Iterator[float]) -> int:
    """Remove a file or a whole folder of staging, never through a link. Returns how many files were removed.

    `waits`: the seconds left to wait for files that are open.
    """
    try:
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            in_use.remove(name, folder, os.urandom(8).hex(), folder, waits)
            return 1
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        below = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        return 0
    except OSError as error:
        # A client that has lost its server may list names that do not exist. The next cleaning removes what is
        # left.
        if error.errno not in in_use.CODES:
            raise
        return 0
    try:
        count = sum(remove_tree(below, item, waits) for item in os.listdir(below))
    finally:
        release(below)
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        # A stuck worker of a dead engine may write once more; the next cleaning removes that.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EIO):
            raise
    return count


def presence(request: archive_messages.Presence) -> archive_messages.Present:
    """For each file whether it exists, is a regular file and has its size."""
    there: list[bool] = []
    with opened(request.place) as folders:
        for path, size in request.files:
            folder, _, name = path.rpartition("/")
            try:
                facts = os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                    raise
                there.append(False)
            else:
                there.append(stat.S_ISREG(facts.st_mode) and facts.st_size == size)
    if not all(there):
        # A missing file may mean that the whole volume is gone: this raises LostError then.
        with opened(request.place):
            pass
    return archive_messages.Present(there)


def sync_folders(request: archive_messages.SyncFolders) -> messages.Done:
    """Flush the entries of these folders."""
    with opened(request.place) as folders:
        for folder in request.folders:
            folders.at(folder)
        folders.sync()
    return messages.Done()


def space(request: archive_messages.Space) -> archive_messages.SpaceFound:
    """The free and total bytes of the archive's volume. Raises LostError, OSError."""
    with opened(request.place):
        found = room(request.place.root)
    return (
        archive_messages.SpaceFound(found.total, found.available, found.files)
        if found
        else archive_messages.SpaceFound(None, None)
    )
