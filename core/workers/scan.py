"""Listing a source: every entry below it, each with its kind and, where it is left out, the reason."""

import errno
import os
import stat
from collections.abc import Generator, Iterator
from itertools import islice

from core.checksums.names import HISTORY, is_list
from core.files import times
from core.files.dataless import dataless
from core.files.fds import release
from core.files.open_beneath import LostError, Tree
from core.media import left_out
from core.media.file_types import kind_of_path
from core.media.stems import stem_key
from core.media.system_junk import APPLEDOUBLE_HEADER, LOST_AND_FOUND, is_appledouble, litter, maybe_appledouble
from core.paths import PatternSet
from core.workers.faults import LOST, words
from core.workers.health_check import plugged_in
from core.workers.read_source import ChangedError
from core.workers.shared_memory import Slot
from core.workers.source_messages import Entry, ListTree

ENTRIES = 512
"""The most entries in a reply."""

UNSEEN = 256
"""Consecutive entries that failed with EIO after which the whole medium counts as unreadable."""

SORTED = 8192
"""Entries of one folder that are sorted together, which limits the memory for a folder with a million files."""


def _why_special(mode: int, name: str, folder: int) -> left_out.Why:
    if not stat.S_ISLNK(mode):
        return left_out.special(mode)
    try:
        return left_out.linked(os.readlink(name, dir_fd=folder))
    except OSError:
        return left_out.linked("")


def _lists_first(name: str) -> tuple[bool, str]:
    """The sort key of a name: checksum lists come first, so that they are known before their files are read."""
    raw = os.fsencode(name)
    return not (raw == HISTORY or is_list(raw)), name


class FolderNames:
    """The names in one folder, in sorted pieces. `close` may be called at any time, so that nothing is open during
    a pause.

    A folder of more than SORTED names that was closed is read again, and the names already seen are skipped by
    their number: file systems keep their order while a folder does not change.
    """

    def __init__(self, tree: Tree, path: bytes) -> None:
        self._tree = tree
        self._path = path
        self._found: os._ScandirIterator[str] | None = None
        self._state: tuple[int, int, int] | None = None
        self._seen = 0

    def piece(self) -> list[str]:
        """The next names; empty at the end. Raises ChangedError, LostError, OSError."""
        if self._found is None:
            self._open()
        assert self._found is not None  # noqa: S101 - for the type checker
        names = sorted((item.name for item in islice(self._found, SORTED)), key=_lists_first)
        self._seen += len(names)
        return names

    def _open(self) -> None:
        folder = self._tree.folder(self._path)
        facts = os.fstat(folder)
        state = facts.st_dev, facts.st_ino, facts.st_mtime_ns
        if self._state is not None and state != self._state:
            raise ChangedError
        self._state = state
        self._found = os.scandir(folder)
        for _ in islice(self._found, self._seen):
            continue

    def close(self) -> None:
        """Close the folder; the next piece opens it again."""
        if self._found is not None:
            self._found.close()
            self._found = None


class Listing:
    """One walk over a source, one folder at a time; links are never followed, and only regular files are
    opened."""

    def __init__(self, request: ListTree, tree: Tree, slot: Slot) -> None:
        self._request = request
        self._tree = tree
        self._slot = slot
        self._exclude = PatternSet(request.exclude)
        self._avoid = frozenset(request.avoid)
        self._unseen = 0
        self.complete = False
        """Whether no entries follow those that `entries` has yielded."""

    def entries(self) -> Generator[list[Entry], None, None]:
        """The entries in lists of at most ENTRIES. Raises LostError when the root is gone."""
        waiting = [b""]
        ready: list[Entry] = []
        while waiting:
            folder = waiting.pop()
            below: list[bytes] = []
            try:
                for entry in self._walk(folder, below):
                    ready.append(entry)
                    if len(ready) >= ENTRIES:
                        yield ready
                        ready = []
            except ChangedError:
                ready.append(self._failed(folder, "it changed while it was listed"))
            except OSError as error:
                self._still_there(error)
                ready.append(self._failed(folder, f"cannot be listed: {words(error)}", error.errno))
            waiting.extend(reversed(below))
        self.complete = True
        yield ready

    def _walk(self, folder: bytes, below: list[bytes]) -> Iterator[Entry]:
        """The entries of a folder, and of its folder of checksum lists; other folders wait in `below`.

        Raises LostError, and for the folder itself ChangedError and OSError.
        """
        for entry in self._folder(folder):
            yield entry
            if entry.what != "folder":
                continue
            if os.path.basename(entry.path) != HISTORY or os.path.basename(folder) == HISTORY:
                below.append(entry.path)
            else:
                try:
                    yield from self._walk(entry.path, below)
                except ChangedError:
                    yield self._failed(entry.path, "it changed while it was listed")
                except OSError as error:
                    self._still_there(error)
                    yield self._failed(entry.path, f"cannot be listed: {words(error)}", error.errno)

    def _still_there(self, error: OSError) -> None:
        """Raises LostError when the root itself is gone, or nothing can be read, so that the cause is not a single
        entry."""
        self._unseen = self._unseen + 1 if error.errno == errno.EIO else 0
        if error.errno in LOST or self._unseen >= UNSEEN or not plugged_in(self._tree.device):
            raise LostError(os.fsdecode(self._tree.root)) from error
        try:
            self._tree.anew()
        except OSError as error:
            raise LostError(os.fsdecode(self._tree.root)) from error

    def _folder(self, path: bytes) -> Iterator[Entry]:
        if self._request.only and not path:
            yield self._named(path, os.fsdecode(self._request.only))
            return
        names = FolderNames(self._tree, path)
        self._slot.on_pause.append(names.close)
        try:
            while piece := names.piece():
                for name in piece:
                    self._slot.checkpoint()
                    yield self._named(path, name)
        finally:
            self._slot.on_pause.remove(names.close)
            names.close()

    def _named(self, folder: bytes, text: str) -> Entry:
        name = os.fsencode(text)
        path = folder + b"/" + name if folder else name
        # The descriptor is not kept, because a pause closes it.
        fd = self._tree.folder(folder)
        try:
            facts = os.stat(text, dir_fd=fd, follow_symlinks=False)
            self._unseen = 0
        except OSError as error:
            self._still_there(error)
            return self._failed(path, f"cannot be looked at: {words(error)}", error.errno)
        regular = stat.S_ISREG(facts.st_mode)
        what, why = self._what(path, name, text, facts, fd)
        reason, sort, target = (why, "", b"") if isinstance(why, str) else why
        kind = (kind_of_path(path) if regular else None) or ""
        size = facts.st_size if regular else 0
        mtime_ns = times.clamped(facts.st_mtime_ns)
        far = times.far(facts.st_mtime_ns)
        away = self._request.dataless and what == "file" and dataless(getattr(facts, "st_flags", 0))
        return Entry(path, what, size, mtime_ns, str(kind), stem_key(path), reason, far, 0, away, sort, target)

    def _failed(self, path: bytes, reason: str, code: int | None = None) -> Entry:
        return Entry(path, "failed", 0, 0, "other", stem_key(path), reason, "", code or 0)

    def _what(
        self, path: bytes, name: bytes, text: str, facts: os.stat_result, fd: int
    ) -> tuple[str, str | left_out.Why]:
        regular, is_folder = stat.S_ISREG(facts.st_mode), stat.S_ISDIR(facts.st_mode)
        if (is_folder or regular) and (why := litter(name, is_folder)):
            return "litter", why
        if is_folder and path == LOST_AND_FOUND and self._is_the_file_systems(text, facts, fd):
            return "litter", "lost+found of the file system, which only root may read"
        if pattern := self._exclude.excluded(path):
            return "skipped", left_out.excluded(pattern)
        if is_folder:
            if (facts.st_dev, facts.st_ino) in self._avoid:
                return "skipped", left_out.ARCHIVE
            if not self._request.dataless and dataless(getattr(facts, "st_flags", 0)):
                return "skipped", left_out.ICLOUD_FOLDER
            if not self._request.libraries and name.lower().endswith(b".photoslibrary"):
                return "skipped", left_out.LIBRARY
            return "folder", ""
        if not regular:
            return "skipped", _why_special(facts.st_mode, text, fd)
        if not self._request.dataless and dataless(getattr(facts, "st_flags", 0)):
            return "skipped", left_out.ICLOUD
        if maybe_appledouble(name) and self._is_appledouble(path):
            return "litter", "AppleDouble"
        return "file", ""

    @staticmethod
    def _is_the_file_systems(name: str, facts: os.stat_result, root: int) -> bool:
        """Whether mkfs(8) made this folder of the root: it belongs to root, is at the top of a volume, and we may
        not read it.

        One that can be read is listed, because what a check of the disk put into it may be a person's files.
        """
        if facts.st_uid != 0 or stat.S_IMODE(facts.st_mode) != 0o700:
            return False
        try:
            above, here = os.stat("..", dir_fd=root), os.fstat(root)
            if above.st_dev == here.st_dev and above.st_ino != here.st_ino:
                return False
            release(os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root))
        except OSError as error:
            return error.errno == errno.EACCES
        return False

    def _is_appledouble(self, path: bytes) -> bool:
        try:
            fd = self._tree.open(path)
        except OSError:
            return False
        try:
            return is_appledouble(os.read(fd, APPLEDOUBLE_HEADER))
        except OSError:
            return False
        finally:
            release(fd)
