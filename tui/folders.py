"""What lies in a folder, for picking from it: listed one level at a time, and never opened."""

import os
import shlex
import stat

from core.media.litter import litter
from core.models import Count, Value

MOST = 2000
"""Entries of one folder that are shown at most."""

OFFERED = 8
"""Completions of a path at most."""


class Entry(Value, frozen=True, kw_only=True):
    """A file or folder. `name` is raw; `count` is known for a file, and for a folder once it was walked."""

    name: bytes
    folder: bool
    count: Count | None = None


def entries(path: bytes) -> tuple[list[Entry], int]:
    """A folder's entries, folders first, without litter; and how many more there are. Raises OSError."""
    found: list[Entry] = []
    with os.scandir(path) as listing:
        for one in listing:
            folder = one.is_dir(follow_symlinks=False)
            if litter(one.name, folder):
                continue
            size = 0 if folder else one.stat(follow_symlinks=False).st_size
            found.append(Entry(name=one.name, folder=folder, count=None if folder else Count(files=1, bytes=size)))
    found.sort(key=lambda entry: (not entry.folder, entry.name.lower()))
    return found[:MOST], max(0, len(found) - MOST)


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
    """Paths that begin as typed, folders with a slash at their end. Nothing for what cannot be listed."""
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
    """A path out of what a terminal makes of one dropped on it: quoted, or with backslashes."""
    if os.path.lexists(os.path.expanduser(text)):
        return text
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    return words[0] if len(words) == 1 else text


def kind_of(path: str) -> str:
    """`folder`, `file`, or what is wrong with a path."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "It is neither a folder nor a file"
