"""Listing a folder for picking from it: one level at a time; files are never opened."""

import os
import shlex
import stat
from urllib.parse import unquote, urlsplit

from core.media.system_junk import litter
from core.models import Count, Value

ENTRIES_SHOWN = 2000
"""The most entries of one folder that are shown."""

OFFERED = 8
"""The most completions of a path."""


class Entry(Value, frozen=True, kw_only=True):
    """A file or folder. `name` is raw bytes; `count` is known for a file, and for a folder after it was walked."""

    name: bytes
    folder: bool
    count: Count | None = None


def entries(path: bytes) -> tuple[list[Entry], int]:
    """A folder's entries, folders first, without junk files; and how many more there are. Raises OSError."""
    found: list[Entry] = []
    with os.scandir(path) as listing:
        for one in listing:
            folder = one.is_dir(follow_symlinks=False)
            if litter(one.name, folder):
                continue
            size = 0 if folder else one.stat(follow_symlinks=False).st_size
            found.append(Entry(name=one.name, folder=folder, count=None if folder else Count(files=1, bytes=size)))
    found.sort(key=lambda entry: (not entry.folder, entry.name.lower()))
    return found[:ENTRIES_SHOWN], max(0, len(found) - ENTRIES_SHOWN)


def walked(path: bytes, stopped: "list[bool]") -> Count:
    """Files and bytes below a folder, without following links; stops when `stopped` is no longer empty."""
    files = size = 0
    waiting = [path]
    while waiting and not stopped:
        try:
            with os.scandir(waiting.pop()) as listing:
                for one in listing:
                    folder = one.is_dir(follow_symlinks=False)
                    if litter(one.name, folder):
                        continue
                    if folder:
                        waiting.append(one.path)
                    else:
                        files += 1
                        size += one.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return Count(files=files, bytes=size)


def completions(typed: str, *, folders: bool = False) -> list[str]:
    """Paths that begin with `typed`, folders with a slash at their end; empty where the folder cannot be
    listed."""
    expanded = os.path.expanduser(typed)
    folder, begun = os.path.split(expanded)
    try:
        with os.scandir(folder or ".") as listing:
            found = [
                os.path.join(folder, one.name) + ("/" if one.is_dir() else "")
                for one in listing
                if one.name.lower().startswith(begun.lower())
                and (begun.startswith(".") or not one.name.startswith("."))
                and (one.is_dir() or not folders)
            ]
    except (OSError, ValueError):
        return []
    return sorted(found)[:OFFERED]


def pasted(text: str) -> str:
    """The path in a text that was typed, or that a terminal typed for a dropped file: quoted, with backslashes, or
    as file://. Variables such as $HOME are expanded."""
    if text.startswith("file://"):
        return unquote(urlsplit(text).path)
    if os.path.lexists(os.path.expanduser(text)):
        return text
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    return os.path.expandvars(words[0] if len(words) == 1 else text)


def kind_of(path: str) -> str:
    """`folder`, `file`, or the error of a path."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "It is neither a folder nor a file"
