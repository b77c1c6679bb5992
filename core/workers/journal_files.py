"""Journals as files: a single file that grows or, on a network, parts that are written once and never changed.

Not every client of a file server can append to a file (rclone without a cache and libsmbclient cannot), and after
a broken session it is unknown how much of an appended line has arrived. `ID.jsonl.TIME-TAG` are the parts of
`ID.jsonl`: they are read after it, in the order of their times, as if they were one file. Each begins with an
empty line, so that a torn part damages no other. Imports have journals, and so do moves.

The times are in the order in which the parts were written, also where a clock was set back meanwhile, or the clock
of another machine was ahead: they begin behind all that are there when an archive is opened, and go on by the
monotonic clock, which all processes of a machine share.
"""

import os
import re
import time
from collections import defaultdict
from contextlib import suppress

from core import archive_layout
from core.files import fsync, in_use
from core.files.fds import release
from core.workers.dir_fds import MADE, Folders, write_all
from core.workers.messages import Place

JOURNAL_FOLDERS = (archive_layout.JOURNALS, archive_layout.MOVES)

_PART = re.compile(rf"(.+{re.escape(archive_layout.JOURNAL_ENDING)})\.(\d{{20}})-[0-9a-f]{{8}}")
_PIECE = 1 << 20
LATEST_PART = 1 << 62
"""Nanoseconds since 1970 (2116): new parts come after all that are there up to this time. A later one is no
clock's."""


def in_parts(place: Place) -> bool:
    """Whether journals are written in parts: on a network."""
    return place.network


def all_parts(folders: Folders, folder: str) -> dict[str, list[str]]:
    """The files of every journal in `folder`, in their order, by the journal's name. Raises OSError."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in folders.names(folder):
        if name.startswith("."):
            continue  # what a file manager put beside a journal
        if name.endswith(archive_layout.JOURNAL_ENDING):
            found[name].append(("", name))
        elif part := _PART.fullmatch(name):
            found[part[1]].append((part[2], name))
    return {name: [file for _, file in sorted(files)] for name, files in found.items()}


def parts_from(folders: Folders) -> int:
    """What has to be added to the monotonic clock (nanoseconds) for parts that come after all that are there.
    Their times are those of day, unless parts are there from a clock that was ahead. Raises OSError."""
    newest = 0
    for folder in JOURNAL_FOLDERS:
        with suppress(FileNotFoundError):
            times = (int(part[2]) for part in map(_PART.fullmatch, folders.names(folder)) if part)
            newest = max([newest, *(told for told in times if told < LATEST_PART)])
    return max(time.time_ns(), newest + 1) - time.monotonic_ns()


def open_end(folders: Folders, path: str, place: Place) -> tuple[int, bool, str]:
    """Open a journal for writing at its end. Returns the descriptor, whether its file is empty, and the path of
    the file when it is a part. Raises OSError.

    Its folder is made if it does not exist. A torn last line is ended first, so that it damages no other.
    """
    parts = in_parts(place)
    if parts:
        path = f"{path}.{place.parts_from + time.monotonic_ns():020}-{os.urandom(4).hex()}"
        fd, size = folders.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, make=MADE), 0
    else:
        fd = folders.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, make=MADE)
    try:
        if not parts:
            size = os.fstat(fd).st_size
        if parts or (size and os.pread(fd, 1, size - 1) != b"\n"):
            write_all(fd, b"\n")
    except BaseException:
        release(fd)
        if parts:
            withdraw(folders, path)
        raise
    return fd, not size, path if parts else ""


def withdraw(folders: Folders, part: str) -> None:
    """Remove a part that could not be written completely; nothing was published that is only in this part.

    If it stayed, some clients (rclone) would return EIO to every reader, even when there is space again.
    """
    folder, _, name = part.rpartition("/")
    with suppress(OSError):
        os.unlink(name, dir_fd=folders.at(folder))


def sizes(folders: Folders, folder: str) -> list[tuple[str, int]]:
    """(name, bytes of all its files) of the journals in `folder`. Raises OSError."""
    return sorted(
        (name, sum(_size(folders, folder, file) for file in files))
        for name, files in all_parts(folders, folder).items()
    )


def _size(folders: Folders, folder: str, file: str) -> int:
    return os.stat(file, dir_fd=folders.at(folder), follow_symlinks=False).st_size


def read(folders: Folders, path: str, offset: int, length: int) -> bytes:
    """Up to `length` bytes of a journal from `offset`; empty at its end only. Raises OSError."""
    folder, _, name = path.rpartition("/")
    files = all_parts(folders, folder).get(name)
    if not files:
        raise FileNotFoundError(name)
    for file in files:
        size = _size(folders, folder, file)
        if offset < size:
            fd = folders.open(f"{folder}/{file}", os.O_RDONLY)
            try:
                return os.pread(fd, min(length, size - offset), offset)
            finally:
                release(fd)
        offset -= size
    return b""


def join(folders: Folders, path: str, staged: str) -> None:
    """Join all parts of a journal into one file, by way of the new file `staged`. Raises OSError.

    If it is interrupted, whole lines are there twice, the last ones last, which a replay reads the same.
    """
    folder, _, name = path.rpartition("/")
    files = all_parts(folders, folder).get(name, [])
    if files in ([], [name]):
        return
    fd = folders.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        at = 0
        while data := read(folders, path, at, _PIECE):
            write_all(fd, data)
            at += len(data)
        fsync.full_flush(fd)
    except BaseException:
        release(fd)
        raise
    os.close(fd)
    staging, _, temporary = staged.rpartition("/")
    in_use.rename(temporary, name, folders.at(staging), folders.at(folder))
    folders.sync()
    for number, file in enumerate(files):
        if file != name:
            # It was read just now, and may still be open.
            with suppress(FileNotFoundError):
                aside = f"{temporary}-{number}"
                in_use.remove(file, folders.at(folder), aside, folders.at(staging))
