"""What workers do to an archive beside copying: open it, lock it, read and write Lading's own files in it."""

import errno
import hashlib
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from core.files import cache, durable, noreplace
from core.files.tree import Tree
from core.space import space as room
from core.workers import batch, messages
from core.workers.control import Slot
from core.workers.faults import fault_of
from core.workers.messages import Fault, Place

FOLDERS = (".lading/imports", ".lading/staging", "locations")
ARCHIVE_TOML = ".lading/archive.toml"
LOCK = ".lading/lock"


@contextmanager
def opened(place: Place) -> Iterator[int]:
    """A descriptor of the archive's root, closed afterwards. Raises LostError, OSError."""
    with Tree(place.root, place.device, place.inode) as tree:
        yield tree.fileno()


def open_archive(request: messages.OpenArchive) -> messages.ArchiveFacts:
    """Open or make an archive; see OpenArchive. Raises FileNotFoundError when there is none, OSError."""
    if request.create:
        os.makedirs(request.root, exist_ok=True)
    resolved = os.path.realpath(request.root, strict=True)
    with Tree(resolved) as tree:
        root = tree.fileno()
        if request.create:
            changed: dict[str, None] = {"": None}
            for folder in FOLDERS:
                mode = batch.PRIVATE if folder.endswith("staging") else batch.SHARED
                changed.update(dict.fromkeys(batch.make_folders(root, folder, mode)))
            _write_new(root, ARCHIVE_TOML, f'id = "{uuid.uuid4()}"\n'.encode())
            durable.sync_folders([*changed, ".lading"], root)
        text = _read(root, ARCHIVE_TOML, 0, 1 << 16)
        staging = batch.open_folder(root, ".lading/staging")
        try:
            way = noreplace.probe(staging)
        finally:
            os.close(staging)
        return messages.ArchiveFacts(resolved, tree.device, tree.inode, way, text.decode(errors="replace"))


def look(request: messages.Look) -> messages.Looked:
    """What a path is that a person named. Raises OSError."""
    resolved = os.path.realpath(request.path, strict=True)
    facts = os.stat(resolved)
    only = b""
    if stat.S_ISREG(facts.st_mode):
        resolved, _, only = resolved.rpartition(b"/")
        resolved = resolved or b"/"
        facts = os.stat(resolved)
    elif not stat.S_ISDIR(facts.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "neither a folder nor a file")
    os.close(os.open(resolved, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    above = [(found.st_dev, found.st_ino) for found in map(os.stat, _ancestors(resolved))]
    return messages.Looked(messages.Source(resolved, facts.st_dev, facts.st_ino), only, above)


def _ancestors(path: bytes) -> Iterator[bytes]:
    while path != b"/":
        yield path
        path = os.path.dirname(path)
    yield path


def _write_new(root: int, path: str, data: bytes) -> None:
    """Make a small file, complete or not at all; an existing one stays."""
    temporary = f".lading/staging/{uuid.uuid4().hex}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=root)
    try:
        batch.write_all(fd, memoryview(data))
        durable.full_flush(fd)
    finally:
        os.close(fd)
    way = noreplace.LOOK
    for offered in (noreplace.RENAME, noreplace.LINK):
        try:
            noreplace.publish(offered, root, temporary, root, path)
        except FileExistsError:
            break
        except OSError:
            continue
        return
    else:
        try:
            noreplace.publish(way, root, temporary, root, path)
            return
        except FileExistsError:
            pass
    os.unlink(temporary, dir_fd=root)


def _read(root: int, path: str, offset: int, length: int) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
    try:
        return os.pread(fd, length, offset)
    finally:
        os.close(fd)


def lock(request: messages.Lock) -> messages.Held:
    """Write the lock if there is none, or only the stale `replace`; the text that stands there now."""
    with opened(request.place) as root:
        if request.replace:
            # Move the stale lock aside under a name of our own: only one engine can, and if a fresh lock
            # was caught instead, it is put back.
            aside = f"{LOCK}.{uuid.uuid4().hex}"
            try:
                os.rename(LOCK, aside, src_dir_fd=root, dst_dir_fd=root)
            except FileNotFoundError:
                pass
            else:
                if _read(root, aside, 0, 4096).decode(errors="replace") != request.replace:
                    noreplace.publish(request.place.way, root, aside, root, LOCK)
                else:
                    os.unlink(aside, dir_fd=root)
        _write_new(root, LOCK, request.text.encode())
        return messages.Held(_read(root, LOCK, 0, 4096).decode(errors="replace"))


def beat(request: messages.Beat) -> messages.Held:
    """Write the lock anew, if it still is ours."""
    with opened(request.place) as root:
        try:
            found = _read(root, LOCK, 0, 4096).decode(errors="replace")
        except FileNotFoundError:
            return messages.Held("")
        if found != request.old:
            return messages.Held(found)
        temporary = f"{LOCK}.{uuid.uuid4().hex}"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=root)
        try:
            batch.write_all(fd, memoryview(request.text.encode()))
        finally:
            os.close(fd)
        os.rename(temporary, LOCK, src_dir_fd=root, dst_dir_fd=root)
        return messages.Held(request.text)


def unlock(request: messages.Unlock) -> messages.Done:
    """Remove the lock if it is ours."""
    with opened(request.place) as root:
        try:
            if _read(root, LOCK, 0, 4096).decode(errors="replace") == request.text:
                os.unlink(LOCK, dir_fd=root)
        except FileNotFoundError:
            pass
    return messages.Done()


def journal_names(request: messages.JournalNames) -> messages.Names:
    """The journals and their sizes, by name."""
    with opened(request.place) as root:
        folder = batch.open_folder(root, ".lading/imports")
        try:
            with os.scandir(folder) as found:
                names = [
                    (item.name, item.stat(follow_symlinks=False).st_size)
                    for item in found
                    if item.name.endswith(".jsonl") and item.is_file(follow_symlinks=False)
                ]
        finally:
            os.close(folder)
    return messages.Names(sorted(names))


def read_text(request: messages.ReadText) -> messages.Text:
    """Part of one of Lading's own files."""
    with opened(request.place) as root:
        return messages.Text(_read(root, request.path, request.offset, request.length))


def append_text(request: messages.AppendText) -> messages.Done:
    """Append to one of Lading's own files, after a newline if its last line is torn."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    with opened(request.place) as root:
        folder = request.path.rpartition("/")[0]
        changed = batch.make_folders(root, folder, batch.SHARED)
        fd = os.open(request.path, flags | (os.O_TRUNC if request.fresh else 0), 0o644, dir_fd=root)
        try:
            size = os.fstat(fd).st_size
            torn = size and os.pread(fd, 1, size - 1) != b"\n"
            batch.write_all(fd, memoryview(b"\n" + request.data if torn else request.data))
            if request.flush:
                durable.full_flush(fd)
        finally:
            os.close(fd)
        if request.flush:
            durable.sync_folders([*changed, folder], root)
    return messages.Done()


def move_text(request: messages.MoveText) -> messages.Done:
    """Flush one of Lading's own files and give it its name."""
    with opened(request.place) as root:
        fd = os.open(request.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
        try:
            durable.full_flush(fd)
        finally:
            os.close(fd)
        os.rename(request.path, request.target, src_dir_fd=root, dst_dir_fd=root)
        durable.sync_folders([request.target.rpartition("/")[0]], root)
    return messages.Done()


def clean_staging(request: messages.CleanStaging) -> messages.Names:
    """Remove every import's staging but those to keep; what was removed."""
    with opened(request.place) as root:
        staging = batch.open_folder(root, ".lading/staging")
        try:
            names = [name for name in os.listdir(staging) if name not in request.keep]
            return messages.Names([(name, _remove(staging, name)) for name in names])
        finally:
            os.close(staging)


def _remove(folder: int, name: str) -> int:
    """Remove a file or a whole folder of staging, never through a link; how many files went."""
    try:
        os.unlink(name, dir_fd=folder)
        return 1
    except (IsADirectoryError, PermissionError):  # unlink(2) of a folder: EISDIR on Linux, EPERM on macOS
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        count = sum(_remove(below, item) for item in os.listdir(below))
    finally:
        os.close(below)
    os.rmdir(name, dir_fd=folder)
    return count


def presence(request: messages.Presence) -> messages.Present:
    """Which of the files are there, regular and of their size."""
    there: list[bool] = []
    with opened(request.place) as root:
        for path, size in request.files:
            try:
                facts = os.stat(path, dir_fd=root, follow_symlinks=False)
            except (FileNotFoundError, NotADirectoryError):
                there.append(False)
            else:
                there.append(facts.st_size == size)
    return messages.Present(there)


def sync_folders(request: messages.SyncFolders) -> messages.Done:
    """Flush the entries of folders."""
    with opened(request.place) as root:
        durable.sync_folders(request.folders, root)
    return messages.Done()


def audit(request: messages.Audit, arena: memoryview, slot: Slot) -> messages.Audited:
    """Read archived files past the cache and compare both digests."""
    results: list[tuple[str, Fault | None]] = []
    with opened(request.place) as root:
        for path, size, xxh128, sha256 in request.files:
            slot.begin("audit", size)
            try:
                fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=root)
            except OSError as error:
                results.append(("", fault_of(error, "archive")))
                continue
            try:
                dropped = cache.drop(fd)
                sha = hashlib.sha256()
                found, digest = batch.digest_of(fd, arena, slot, sha)
            except OSError as error:
                results.append(("", fault_of(error, "archive")))
                continue
            finally:
                os.close(fd)
            if found != size:
                results.append(("", Fault("archive", f"it has {found:,} bytes, not {size:,}")))
            elif (digest, sha.digest()) != (xxh128, sha256):
                results.append(("", Fault("archive", "its content is not what was archived")))
            else:
                results.append((batch.reached(request.place.level, dropped), None))
    return messages.Audited(results)


def space(request: messages.Space) -> messages.Room:
    """Room on the archive's volume. Raises OSError."""
    found = room(request.place.root)
    return messages.Room(found.total, found.available)
