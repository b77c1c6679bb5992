"""The archive's lock file, as workers handle it; importing/lock.py decides."""

import os

from core.files import noreplace
from core.workers import messages
from core.workers.folders import Folders
from core.workers.shelf import as_text, move, opened, read, remove, temporary, write_new

LOCK = ".lading/lock"

UNREADABLE = "?"
"""Stands for a lock with nothing in it, so that it can be told from none, and replaced."""


def _text(folders: Folders, path: str = LOCK) -> str:
    """What a lock says, "" when there is none."""
    try:
        return as_text(read(folders, path)) or UNREADABLE
    except FileNotFoundError:
        return ""


def lock(request: messages.Lock) -> messages.Held:
    """Write the lock if there is none, or only the stale `replace`; the text that stands there now."""
    with opened(request.place) as folders:
        if request.replace and _text(folders) == request.replace:
            _take_away(folders, request)
        write_new(folders, request.place.way, LOCK, request.text.encode())
        return messages.Held(_text(folders))


def _take_away(folders: Folders, request: messages.Lock) -> None:
    """Move the stale lock aside under a name of our own: only one engine can.

    If a fresh one was caught instead it is put back; one that came meanwhile wins.
    """
    aside = temporary()
    folder, _, name = LOCK.rpartition("/")
    target_folder, _, target = aside.rpartition("/")
    try:
        os.rename(name, target, src_dir_fd=folders.at(folder), dst_dir_fd=folders.at(target_folder))
    except FileNotFoundError:
        return
    try:
        if _text(folders, aside) != request.replace:
            move(folders, request.place.way, aside, LOCK)
    except FileExistsError:
        pass
    finally:
        remove(folders, aside)


def beat(request: messages.Beat) -> messages.Held:
    """Write the lock anew, if it still is ours."""
    with opened(request.place) as folders:
        found = _text(folders)
        if found != request.old:
            return messages.Held(found)
        new = temporary()
        try:
            write_new(folders, noreplace.LOOK, new, request.text.encode())
            folder, _, name = new.rpartition("/")
            target_folder, _, target = LOCK.rpartition("/")
            os.rename(name, target, src_dir_fd=folders.at(folder), dst_dir_fd=folders.at(target_folder))
        finally:
            remove(folders, new)
        return messages.Held(request.text)


def unlock(request: messages.Unlock) -> messages.Done:
    """Remove the lock if it is ours."""
    with opened(request.place) as folders:
        if _text(folders) == request.text:
            remove(folders, LOCK)
    return messages.Done()
