"""Comparing the folders of two archives by names alone: no file is read."""

import os
from collections.abc import Iterable
from contextlib import suppress

from core.workers import archive_messages
from core.workers.archive_files import opened
from core.workers.archive_listing import what_is
from core.workers.dir_fds import Folders

FILES_PER_REPLY = 8192
"""Files after which a reply ends, with the folder that was reached."""


def compare_trees(request: archive_messages.CompareTrees) -> archive_messages.TreesCompared:
    """Carry out CompareTrees. Folders come in the order of their names, each before those in it. Raises LostError,
    OSError."""
    start = _parts(request.after)
    lacking: list[bytes] = []
    extra = 0
    with opened(request.place) as folders, opened(request.other) as others:
        waiting = [os.fsencode(request.folder)]
        while waiting:
            folder = waiting.pop()
            place = _parts(folder)
            if place < start and start[: len(place)] != place:
                continue  # an earlier reply had it and everything in it
            here, there = _entries(folders, folder), _entries(others, folder)
            below = {os.fsencode(name) for names in (here, there) for name in names.of("folder")}
            waiting += [os.path.join(folder, name) for name in sorted(below, reverse=True)]
            if place <= start:
                continue
            # The kind of an entry (`what_is`) costs more than its name, so it is asked only for names that one
            # archive lacks. Nearly all are in both.
            only_here, only_there = here.files - there.files, there.files - here.files
            lacking += [os.path.join(folder, os.fsencode(name)) for name in sorted(here.of("file", only_here))]
            extra += len(there.of("file", only_there))
            if len(lacking) >= FILES_PER_REPLY and waiting:
                return archive_messages.TreesCompared(lacking, extra, folder)
    for one in (request.place, request.other):
        # A missing folder may mean that the whole volume is gone: this raises LostError then.
        with opened(one):
            pass
    return archive_messages.TreesCompared(lacking, extra, b"")


def _parts(folder: bytes) -> tuple[bytes, ...]:
    return tuple(folder.split(b"/")) if folder else ()


class _Entries:
    """The entries of a folder that is open as the descriptor `folder`; `files` are the names of regular files."""

    def __init__(self, entries: Iterable["os.DirEntry[str]"] = (), folder: int = -1) -> None:
        self._folder = folder
        self._by_name = {entry.name: entry for entry in entries}
        self.files = {name for name, entry in self._by_name.items() if entry.is_file(follow_symlinks=False)}

    def of(self, kind: str, names: "set[str] | None" = None) -> list[str]:
        """The names of entries of this kind (`what_is`), among `names`; None: among all but regular files."""
        names = self._by_name.keys() - self.files if names is None else names
        return [name for name in names if what_is(self._by_name[name], self._folder) == kind]


def _entries(folders: Folders, path: bytes) -> _Entries:
    """The entries of a folder; none when there is no such folder."""
    with suppress(FileNotFoundError, NotADirectoryError):
        folder = folders.at(os.fsdecode(path))
        with os.scandir(folder) as entries:
            return _Entries(list(entries), folder)
    return _Entries()
