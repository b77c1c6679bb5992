"""What workers do to an archive beside copying: open it, read and write Lading's own files in it."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from core.files import durable, noreplace
from core.files.closing import release
from core.files.tree import Tree
from core.volumes.space import space as room
from core.workers import journals, messages
from core.workers.folders import PRIVATE, SHARED, Folders, write_all
from core.workers.messages import Place

STAGING = ".lading/staging"
FOLDERS = {journals.FOLDER: SHARED, STAGING: PRIVATE, "locations": SHARED}
ARCHIVE_TOML = ".lading/archive.toml"


@contextmanager
def opened(place: Place) -> Iterator[Folders]:
    """The folders of an archive, closed afterwards. Raises LostError, OSError."""
    with Tree(place.root, place.device, place.inode) as tree, Folders(tree.fileno()) as folders:
        yield folders


def open_archive(request: messages.OpenArchive) -> messages.ArchiveFacts:
    """Open or make an archive; see OpenArchive. Raises FileNotFoundError when there is none, OSError."""
    if request.create:
        os.makedirs(request.root, exist_ok=True)
    resolved = os.path.realpath(request.root, strict=True)
    with Tree(resolved) as tree, Folders(tree.fileno()) as folders:
        if not request.create:
            # Before anything is made in a folder that is no archive.
            read(folders, ARCHIVE_TOML)
        for folder, mode in FOLDERS.items():
            folders.at(folder, mode)
        way = noreplace.probe(folders.at(STAGING))
        if request.create:
            text = f'id = "{_uuid4()}"\n'
            if write_new(folders, way, ARCHIVE_TOML, text.encode()):
                folders.sync()
        return messages.ArchiveFacts(resolved, tree.device, tree.inode, way, as_text(read(folders, ARCHIVE_TOML)))


def _uuid4() -> str:
    from uuid import uuid4

    return str(uuid4())


def look(request: messages.Look) -> messages.Looked:
    """What a path is that a person named. Raises OSError."""
    resolved = os.path.realpath(request.path, strict=True)
    facts = os.stat(resolved)
    only = b""
    if stat.S_ISREG(facts.st_mode):
        folder, _, only = resolved.rpartition(b"/")
        resolved = folder or b"/"
    elif not stat.S_ISDIR(facts.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "neither a folder nor a file")
    with Tree(resolved) as tree:
        tree.fileno()
        source = messages.Source(resolved, tree.device, tree.inode)
    above = [(found.st_dev, found.st_ino) for found in map(os.stat, _ancestors(resolved))]
    return messages.Looked(source, only, above)


def _ancestors(path: bytes) -> Iterator[bytes]:
    while path != b"/":
        yield path
        path = os.path.dirname(path)
    yield path


def as_text(data: bytes) -> str:
    """A small file of ours, damaged or not."""
    return data.decode(errors="replace")


def read(folders: Folders, path: str, offset: int = 0, length: int = 1 << 16) -> bytes:
    """Part of one of Lading's own files. Raises OSError."""
    fd = folders.open(path, os.O_RDONLY)
    try:
        return os.pread(fd, length, offset)
    finally:
        release(fd)


def _write(folders: Folders, path: str, data: bytes) -> None:
    fd = folders.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        write_all(fd, data)
        durable.full_flush(fd)
    except BaseException:
        release(fd)
        raise
    os.close(fd)


def temporary() -> str:
    """A new name in staging."""
    return f"{STAGING}/{os.urandom(8).hex()}"


def remove(folders: Folders, path: str) -> None:
    """Remove a file if it is there."""
    folder, _, name = path.rpartition("/")
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folders.at(folder))


def move(folders: Folders, way: str, path: str, target: str) -> None:
    """Give a file a name that must be free. Raises FileExistsError, OSError."""
    folder, _, name = path.rpartition("/")
    target_folder, _, target_name = target.rpartition("/")
    noreplace.publish(way, folders.at(folder), name, folders.at(target_folder), target_name)


def write_new(folders: Folders, way: str, path: str, data: bytes) -> bool:
    """Make a small file, complete or not at all; False when there is one, which stays. Raises OSError."""
    if way == noreplace.LOOK:
        # Two engines can both look and then rename, and the first would be lost. O_EXCL lets only one of them
        # win, though a file that is torn by a crash may be left.
        try:
            _write(folders, path, data)
        except FileExistsError:
            return False
        return True
    name = temporary()
    try:
        _write(folders, name, data)
        move(folders, way, name, path)
    except FileExistsError:
        return False
    finally:
        remove(folders, name)
    return True


def journal_names(request: messages.JournalNames) -> messages.Names:
    """The journals of a folder and their sizes, by name."""
    with opened(request.place) as folders:
        return messages.Names(journals.sizes(folders, request.folder))


def read_text(request: messages.ReadText) -> messages.Text:
    """Part of one of Lading's own files; a journal as one file, whatever parts it has."""
    one = journals.read if os.path.dirname(request.path) in journals.FOLDERS else read
    with opened(request.place) as folders:
        return messages.Text(one(folders, request.path, request.offset, request.length))


def append_journal(request: messages.AppendJournal) -> messages.Done:
    """Append to a journal, flushed to the medium if asked for."""
    parts = journals.in_parts(request.place)
    with opened(request.place) as folders:
        if not parts:
            # An archive that was on a network before.
            with suppress(FileNotFoundError):
                journals.join(folders, request.path, temporary())
        fd, _, part = journals.open_end(folders, request.path, parts)
        try:
            try:
                write_all(fd, request.data)
                if request.flush:
                    durable.full_flush(fd)
            except BaseException:
                release(fd)
                raise
            os.close(fd)
        except BaseException:
            if part:
                journals.withdraw(folders, part)
            raise
        if request.flush:
            folders.sync()
    return messages.Done()


def move_text(request: messages.MoveText) -> messages.Done:
    """Flush one of Lading's own files and give it its name."""
    with opened(request.place) as folders:
        fd = folders.open(request.path, os.O_RDONLY)
        try:
            durable.full_flush(fd)
        finally:
            release(fd)
        folder, _, name = request.path.rpartition("/")
        target_folder, _, target = request.target.rpartition("/")
        from_fd, to_fd = folders.at(folder), folders.at(target_folder, SHARED)
        os.rename(name, target, src_dir_fd=from_fd, dst_dir_fd=to_fd)
        folders.sync()
    return messages.Done()


def set_aside(request: messages.SetAside) -> messages.Done:
    """Move a damaged file out of its bag; it is kept. Raises FileExistsError, OSError."""
    with opened(request.place) as folders:
        folders.at(request.target.rpartition("/")[0], PRIVATE)
        with suppress(FileNotFoundError):
            move(folders, request.place.way, request.path, request.target)
        folders.sync()
    return messages.Done()


def try_writing(request: messages.TryWriting) -> messages.Done:
    """Write and flush a small file, which is removed again. Raises OSError."""
    with opened(request.place) as folders:
        name = f"{request.folder}/{os.urandom(8).hex()}"
        folders.at(request.folder, PRIVATE)
        try:
            _write(folders, name, b"\n")
        finally:
            remove(folders, name)
    return messages.Done()


def join_journal(request: messages.JoinJournal) -> messages.Done:
    """Make one file of a journal's parts."""
    with opened(request.place) as folders:
        journals.join(folders, request.path, temporary())
    return messages.Done()


def clean_staging(request: messages.CleanStaging) -> messages.Names:
    """Remove every import's staging but those to keep; what was removed."""
    with opened(request.place) as folders:
        staging = folders.at(STAGING)
        names = [name for name in os.listdir(staging) if name not in request.keep]
        return messages.Names([(name, _remove(staging, name)) for name in names])


def _remove(folder: int, name: str) -> int:
    """Remove a file or a whole folder of staging, never through a link; how many files went."""
    try:
        os.unlink(name, dir_fd=folder)
        return 1
    except FileNotFoundError:
        return 0
    except (IsADirectoryError, PermissionError):  # unlink(2) of a folder: EISDIR on Linux, EPERM on macOS
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        below = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        # A client that has lost its server lists what is not there: the next cleaning finds what is.
        if error.errno != errno.EIO:
            raise
        return 0
    try:
        count = sum(_remove(below, item) for item in os.listdir(below))
    finally:
        release(below)
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        # A worker of a dead engine that hangs may write once more; the next cleaning finds that.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EIO):
            raise
    return count


def presence(request: messages.Presence) -> messages.Present:
    """Which of the files are there, regular and of their size."""
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
    return messages.Present(there)


def sync_folders(request: messages.SyncFolders) -> messages.Done:
    """Flush the entries of folders."""
    with opened(request.place) as folders:
        for folder in request.folders:
            folders.at(folder)
        folders.sync()
    return messages.Done()


def space(request: messages.Space) -> messages.Room:
    """Room on the archive's volume. Raises LostError, OSError."""
    with opened(request.place):
        found = room(request.place.root)
    return messages.Room(found.total, found.available) if found else messages.Room(None, None)
