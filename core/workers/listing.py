"""Listing a source: every entry below it, each with what it is and why it is left out."""

import os
import stat
from collections.abc import Iterator

from core.cards import stem_key
from core.files.tree import LostError, Tree
from core.litter import APPLEDOUBLE_HEADER, is_appledouble, litter, maybe_appledouble
from core.media import kind_of_name
from core.paths import PatternSet
from core.workers.control import Slot
from core.workers.messages import Entry, ListTree

ENTRIES = 512
"""Entries a reply holds at most."""

SORTED = 8192
"""Entries of one folder that are sorted together: the bound on memory in a folder with a million files."""

# <sys/stat.h> of macOS: the content is not on this disk and is fetched when read.
_SF_DATALESS = 0x40000000

_SPECIAL = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def _why_special(mode: int, name: str, folder: int) -> str:
    what = _SPECIAL.get(stat.S_IFMT(mode), "neither file nor folder")
    if stat.S_ISLNK(mode):
        try:
            return f"{what} to {os.readlink(name, dir_fd=folder)!r}"
        except OSError:
            return what
    return what


class Listing:
    """One walk over a source, a folder at a time; links are never followed, only regular files are opened."""

    def __init__(self, request: ListTree, tree: Tree, slot: Slot) -> None:
        self._request = request
        self._tree = tree
        self._slot = slot
        self._exclude = PatternSet(request.exclude)
        self._avoid = frozenset(request.avoid)

    def entries(self) -> Iterator[list[Entry]]:
        """The entries in lists of at most ENTRIES. Raises LostError when the root is gone."""
        waiting = [b""]
        ready: list[Entry] = []
        while waiting:
            folder = waiting.pop()
            below: list[bytes] = []
            try:
                for entry in self._folder(folder, below):
                    ready.append(entry)
                    if len(ready) >= ENTRIES:
                        yield ready
                        ready = []
            except OSError as error:
                self._still_there()
                ready.append(self._failed(folder, f"cannot be listed: {os.strerror(error.errno or 0)}"))
            waiting.extend(reversed(below))
        yield ready

    def _still_there(self) -> None:
        """Raises LostError when the root itself is gone: then no single folder is to blame."""
        self._tree.close()
        try:
            os.stat(self._tree.fileno())
        except OSError as error:
            raise LostError(os.fsdecode(self._tree.root)) from error

    def _folder(self, folder: bytes, below: list[bytes]) -> Iterator[Entry]:
        fd = self._tree.folder(folder)
        with os.scandir(fd) as found:
            part: list[os.DirEntry[str]] = []
            for item in found:
                self._slot.checkpoint()
                if self._request.only and os.fsencode(item.name) != self._request.only:
                    continue
                part.append(item)
                if len(part) >= SORTED:
                    yield from self._part(folder, fd, part, below)
                    part = []
            yield from self._part(folder, fd, part, below)

    def _part(self, folder: bytes, fd: int, part: list["os.DirEntry[str]"], below: list[bytes]) -> Iterator[Entry]:
        part.sort(key=lambda item: item.name)
        for item in part:
            self._slot.checkpoint()
            name = os.fsencode(item.name)
            path = folder + b"/" + name if folder else name
            try:
                facts = item.stat(follow_symlinks=False)
            except OSError as error:
                yield self._failed(path, f"cannot be looked at: {os.strerror(error.errno or 0)}")
                continue
            entry = self._entry(path, name, item.name, facts, fd)
            if entry.what == "folder":
                below.append(path)
            yield entry

    def _failed(self, path: bytes, reason: str) -> Entry:
        return Entry(path, "failed", 0, 0, "other", stem_key(path), reason)

    def _entry(self, path: bytes, name: bytes, text: str, facts: os.stat_result, fd: int) -> Entry:
        is_folder = stat.S_ISDIR(facts.st_mode)
        size = facts.st_size if stat.S_ISREG(facts.st_mode) else 0
        kind = (kind_of_name(name) if stat.S_ISREG(facts.st_mode) else None) or ""
        what, reason = self._what(path, name, text, facts, fd, is_folder)
        return Entry(path, what, size, facts.st_mtime_ns, str(kind), stem_key(path), reason)

    def _what(
        self, path: bytes, name: bytes, text: str, facts: os.stat_result, fd: int, is_folder: bool
    ) -> tuple[str, str]:
        regular = stat.S_ISREG(facts.st_mode)
        if (is_folder or regular) and (why := litter(name, is_folder)):
            return "litter", why
        if pattern := self._exclude.excluded(path):
            return "skipped", f"excluded by {pattern!r}"
        if is_folder:
            if (facts.st_dev, facts.st_ino) in self._avoid:
                return "skipped", "the archive itself"
            if not self._request.libraries and name.lower().endswith(b".photoslibrary"):
                return "skipped", "photo library not entered: import it with --libraries"
            return "folder", ""
        if not regular:
            return "skipped", _why_special(facts.st_mode, text, fd)
        if not self._request.dataless and getattr(facts, "st_flags", 0) & _SF_DATALESS:
            return "skipped", "in iCloud only, not on this disk: fetch it with --icloud"
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
            os.close(fd)
