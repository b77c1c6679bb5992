"""Listing a folder for picking from it: one level at a time; files are never opened."""

import glob
import os
import shlex
import stat
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args
from urllib.parse import unquote, urlsplit

from core.media.system_junk import litter
from core.models import Count, Value
from core.paths import display

ENTRIES_SHOWN = 2000
"""The most entries of one folder that are shown."""

PATHS_OFFERED = 1000
"""The most completions of a path, and the most paths that a search finds."""


class PathEntry(Value, frozen=True, kw_only=True):
    """A file or folder. `name` is raw bytes; `count` is known for a file, and for a folder after it was walked."""

    name: bytes
    folder: bool
    count: Count | None = None
    mtime_ns: int = 0
    """In nanoseconds since 1970 UTC."""


Order = Literal["name", "size", "date"]
"""How a folder's entries are ordered: by name, or the largest or the newest first."""

ORDERS: tuple[Order, ...] = get_args(Order)


def entries(path: bytes, order: Order = "name") -> tuple[list[PathEntry], int]:
    """The first of a folder's entries without junk files, folders before files; and how many more there are.

    Raises OSError.
    """
    found: list[PathEntry] = []
    with os.scandir(path) as listing:
        for one in listing:
            folder = one.is_dir(follow_symlinks=False)
            if litter(one.name, folder):
                continue
            facts = one.stat(follow_symlinks=False)
            count = None if folder else Count(files=1, bytes=facts.st_size)
            found.append(PathEntry(name=one.name, folder=folder, count=count, mtime_ns=facts.st_mtime_ns))
    found = ordered(found, order)
    return found[:ENTRIES_SHOWN], max(0, len(found) - ENTRIES_SHOWN)


def ordered(found: Iterable[PathEntry], order: Order, sizes: Mapping[bytes, int] | None = None) -> list[PathEntry]:
    """Entries in this order, folders before files. `sizes`: the bytes in folders by name, as far as they are
    known."""
    known = sizes or {}

    def key(entry: PathEntry) -> tuple[bool, int, bytes]:
        size = entry.count.bytes if entry.count else known.get(entry.name, 0)
        rank = {"name": 0, "size": -size, "date": -entry.mtime_ns}[order]
        return not entry.folder, rank, entry.name.lower()

    return sorted(found, key=key)


def count_below(path: bytes, stopped: threading.Event) -> Count:
    """Count files and bytes below a folder, without following links; ends early once `stopped` is set."""
    files = size = 0
    waiting = [path]
    while waiting and not stopped.is_set():
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


def find_below(folder: bytes, words: str, stopped: threading.Event) -> list[bytes]:
    """Find the first paths below a folder with these words in their name, regardless of case, without following
    links; ends early once `stopped` is set."""
    wanted = words.casefold()
    found: list[bytes] = []
    waiting = [b""]
    while waiting and not stopped.is_set() and len(found) < PATHS_OFFERED:
        below = waiting.pop()
        try:
            with os.scandir(os.path.join(folder, below)) as listing:
                entries = sorted(listing, key=lambda one: one.name.lower())
        except OSError:
            continue
        deeper = []
        for one in entries:
            is_folder = one.is_dir(follow_symlinks=False)
            if litter(one.name, is_folder):
                continue
            path = os.path.join(below, one.name)
            found += [path] if wanted in display(one.name).casefold() else []
            deeper += [path] if is_folder else []
        waiting += reversed(deeper)
    return found[:PATHS_OFFERED]


def completions(typed: str, *, folders: bool = False) -> list[str]:
    """Paths that begin with `typed`, with ~ or a variable as it was typed, folders with a slash at their end;
    empty where the folder cannot be listed."""
    folder, begun = os.path.split(_expanded(os.path.expandvars(typed)))
    # A name that is itself ~ or a variable cannot be kept as it was typed.
    before = typed.removesuffix(begun) if typed.endswith(begun) else os.path.join(folder, "")
    try:
        with os.scandir(folder or ".") as listing:
            found = [
                before + one.name + ("/" if one.is_dir() else "")
                for one in listing
                if one.name.lower().startswith(begun.lower())
                and (begun.startswith(".") or not one.name.startswith("."))
                and (one.is_dir() or not folders)
            ]
    except (OSError, ValueError):
        return []
    return sorted(found)[:PATHS_OFFERED]


def offers(typed: str, recent: Sequence[str], *, folders: bool = False) -> list[str]:
    """Recent places that have `typed` anywhere in them, then completions of it; for an empty text only the
    first."""
    wanted = typed.casefold()
    found = [place for place in recent if wanted in place.casefold() and place != typed]
    return [*found, *(one for one in completions(typed, folders=folders) if one not in found)] if typed else found


def paths_in(text: str) -> list[str]:
    """The absolute paths in a text: a single one, as `path_in` takes it, or several with blanks between them, as a
    terminal types dropped files. A pattern such as *.MP4 is replaced by the paths that match it."""
    whole = absolute(path_in(text))
    if os.path.lexists(whole):
        return [whole]
    try:
        words = shlex.split(text)
    except ValueError:
        return [whole]
    found: list[str] = []
    for word in words:
        path = absolute(_of_uri(word) if word.startswith("file://") else os.path.expandvars(word))
        found += [path] if os.path.lexists(path) else sorted(glob.glob(path)) or [path]
    return list(dict.fromkeys(found)) if any(map(os.path.lexists, found)) else [whole]


def path_in(text: str) -> str:
    """The path in a text that was typed, or that a terminal typed for a dropped file: quoted, with backslashes, or
    as file://. Variables such as $HOME are expanded."""
    if text.startswith("file://"):
        return _of_uri(text)
    for path in (text, os.path.expandvars(text)):
        if os.path.lexists(_expanded(path)):
            return path
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    return os.path.expandvars(words[0] if len(words) == 1 else text)


def absolute(path: str) -> str:
    """The absolute path of one that was typed, which may begin with ~."""
    return os.path.abspath(_expanded(path))


def _expanded(path: str) -> str:
    try:
        return os.path.expanduser(path)
    except ValueError:
        # ~ before what cannot be the name of a user.
        return path


def _of_uri(uri: str) -> str:
    """The path in a file:// URI; the text itself if it is none."""
    try:
        return unquote(urlsplit(uri).path)
    except ValueError:
        # A host in brackets that is no address.
        return uri


def kind_of(path: str) -> str:
    """`folder`, `file`, or the error of a path."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "It is neither a folder nor a file"
