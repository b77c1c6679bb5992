"""Listing a source: every entry below it, each with what it is and why it is left out."""

import errno
import os
import stat
from collections.abc import Generator, Iterator
from itertools import islice

from core.files.closing import release
from core.files.tree import LostError, Tree
from core.media.cards import stem_key
from core.media.kinds import kind_of_name
from core.media.litter import APPLEDOUBLE_HEADER, is_appledouble, litter, maybe_appledouble
from core.paths import PatternSet
from core.workers.answers import plugged_in
from core.workers.control import Slot
from core.workers.faults import LOST
from core.workers.messages import Entry, ListTree
from core.workers.reading import ChangedError

ENTRIES = 512
"""Entries a reply holds at most."""

UNSEEN = 256
"""Entries one after the other that could only be answered with EIO: the whole medium gives nothing else."""

SORTED = 8192
"""Entries of one folder that are sorted together: the bound on memory in a folder with a million files."""

LIBRARY = "photo library not entered: import it with --libraries"
ICLOUD = "in iCloud only, not on this disk: fetch it with --icloud"
"""Reasons of what a person is asked about."""

# <sys/stat.h> of macOS: the content is not on this disk and is fetched when read.
_SF_DATALESS = 0x40000000

_SPECIAL = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def dataless(flags: int) -> bool:
    """Whether what a file holds is not on this disk, by the `st_flags` that stat(2) of macOS tells."""
    return bool(flags & _SF_DATALESS)


def _why_special(mode: int, name: str, folder: int) -> str:
    what = _SPECIAL.get(stat.S_IFMT(mode), "neither file nor folder")
    if stat.S_ISLNK(mode):
        try:
            return f"{what} to {os.readlink(name, dir_fd=folder)!r}"
        except OSError:
            return what
    return what


class Names:
    """The names in one folder, in sorted pieces. `close` may come at any time: on a pause nothing stays open.

    A folder of more than SORTED names that was closed is read again, and as many names are passed over as were
    seen: file systems keep their order while a folder does not change.
    """

    def __init__(self, tree: Tree, path: bytes) -> None:
        self._tree = tree
        self._path = path
        self._found: os._ScandirIterator[str] | None = None
        self._state: tuple[int, int, int] | None = None
        self._seen = 0

    def piece(self) -> list[str]:
        """The next names; none at the end. Raises ChangedError, LostError, OSError."""
        if self._found is None:
            self._open()
        assert self._found is not None  # noqa: S101 - for the type checker
        names = sorted(item.name for item in islice(self._found, SORTED))
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
    """One walk over a source, a folder at a time; links are never followed, only regular files are opened."""

    def __init__(self, request: ListTree, tree: Tree, slot: Slot) -> None:
        self._request = request
        self._tree = tree
        self._slot = slot
        self._exclude = PatternSet(request.exclude)
        self._avoid = frozenset(request.avoid)
        self._unseen = 0

    def entries(self) -> Generator[list[Entry], None, None]:
        """The entries in lists of at most ENTRIES. Raises LostError when the root is gone."""
        waiting = [b""]
        ready: list[Entry] = []
        while waiting:
            folder = waiting.pop()
            below: list[bytes] = []
            try:
                for entry in self._folder(folder):
                    if entry.what == "folder":
                        below.append(entry.path)
                    ready.append(entry)
                    if len(ready) >= ENTRIES:
                        yield ready
                        ready = []
            except ChangedError:
                ready.append(self._failed(folder, "it changed while it was listed"))
            except OSError as error:
                self._still_there(error)
                ready.append(self._failed(folder, f"cannot be listed: {os.strerror(error.errno or 0)}"))
            waiting.extend(reversed(below))
        yield ready

    def _still_there(self, error: OSError) -> None:
        """Raises LostError when the root itself is gone, or nothing can be read: no single entry is to blame."""
        self._unseen = self._unseen + 1 if error.errno == errno.EIO else 0
        if error.errno in LOST or self._unseen >= UNSEEN or not plugged_in(self._tree.device):
            raise LostError(os.fsdecode(self._tree.root)) from error
        self._tree.close()
        try:
            os.stat(self._tree.fileno())
        except OSError as error:
            raise LostError(os.fsdecode(self._tree.root)) from error

    def _folder(self, path: bytes) -> Iterator[Entry]:
        if self._request.only and not path:
            yield self._named(path, os.fsdecode(self._request.only))
            return
        names = Names(self._tree, path)
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
        # Not kept: a pause closes it.
        fd = self._tree.folder(folder)
        try:
            facts = os.stat(text, dir_fd=fd, follow_symlinks=False)
            self._unseen = 0
        except OSError as error:
            self._still_there(error)
            return self._failed(path, f"cannot be looked at: {os.strerror(error.errno or 0)}")
        regular = stat.S_ISREG(facts.st_mode)
        what, reason = self._what(path, name, text, facts, fd)
        kind = (kind_of_name(name) if regular else None) or ""
        size = facts.st_size if regular else 0
        return Entry(path, what, size, facts.st_mtime_ns, str(kind), stem_key(path), reason)

    def _failed(self, path: bytes, reason: str) -> Entry:
        return Entry(path, "failed", 0, 0, "other", stem_key(path), reason)

    def _what(self, path: bytes, name: bytes, text: str, facts: os.stat_result, fd: int) -> tuple[str, str]:
        regular, is_folder = stat.S_ISREG(facts.st_mode), stat.S_ISDIR(facts.st_mode)
        if (is_folder or regular) and (why := litter(name, is_folder)):
            return "litter", why
        if pattern := self._exclude.excluded(path):
            return "skipped", f"excluded by {pattern!r}"
        if is_folder:
            if (facts.st_dev, facts.st_ino) in self._avoid:
                return "skipped", "the archive itself"
            if not self._request.libraries and name.lower().endswith(b".photoslibrary"):
                return "skipped", LIBRARY
            return "folder", ""
        if not regular:
            return "skipped", _why_special(facts.st_mode, text, fd)
        if not self._request.dataless and dataless(getattr(facts, "st_flags", 0)):
            return "skipped", ICLOUD
        if maybe_appledouble(name) and self._is_appledouble(path):
            return "litter", "AppleDouble"
        return "file", ""

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
