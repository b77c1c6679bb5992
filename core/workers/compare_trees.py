"""Comparing the folders of two archives by names alone: no file is read."""

import os
from contextlib import suppress

from core.workers import archive_messages
from core.workers.archive_files import opened
from core.workers.archive_listing import what_is
from core.workers.dir_fds import Folders

MOST = 8192
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
            here, there = _names(folders, folder), _names(others, folder)
            below = {name for names in (here, there) for name, what in names.items() if what == "folder"}
            waiting += [os.path.join(folder, name) for name in sorted(below, reverse=True)]
            if place <= start:
                continue
            files = {name for name, what in here.items() if what == "file"}
            known = {name for name, what in there.items() if what == "file"}
            lacking += [os.path.join(folder, name) for name in sorted(files - known)]
            extra += len(known - files)
            if len(lacking) >= MOST and waiting:
                return archive_messages.TreesCompared(lacking, extra, folder)
    for one in (request.place, request.other):
        # A missing folder may mean that the whole volume is gone: this raises LostError then.
        with opened(one):
            pass
    return archive_messages.TreesCompared(lacking, extra, b"")


def _parts(folder: bytes) -> tuple[bytes, ...]:
    return tuple(folder.split(b"/")) if folder else ()


def _names(folders: Folders, path: bytes) -> dict[bytes, str]:
    """The kinds of a folder's entries, by name; empty when there is no such folder."""
    found: dict[bytes, str] = {}
    with suppress(FileNotFoundError, NotADirectoryError):
        folder = folders.at(os.fsdecode(path))
        with os.scandir(folder) as entries:
            for entry in entries:
                found[os.fsencode(entry.name)] = what_is(entry, folder)
    return found
