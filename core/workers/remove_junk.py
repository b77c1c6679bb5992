"""Junk files that operating systems and servers left in an archive: recognized with certainty, and removed."""

import os
import re
import stat
from contextlib import suppress

from core import archive_layout
from core.files import in_use
from core.files.fds import release
from core.media.system_junk import begins_appledouble, junk, made_in, maybe_appledouble
from core.workers import archive_messages
from core.workers.archive_files import opened
from core.workers.dir_fds import MADE

_HEAD = 4
"""Bytes at the start of a `._NAME` that say whether it is an AppleDouble file."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

APPLEDOUBLE = "AppleDouble"
STAYS = "not everything in it is junk: see to it yourself"


def what_junk(name: str, folder: int, is_folder: bool) -> str | None:
    """The kind of junk that the entry `name` of a folder, a regular file or a folder, is; None when it is not
    junk."""
    raw = os.fsencode(name)
    if found := junk(raw, is_folder):
        return found
    return APPLEDOUBLE if not is_folder and maybe_appledouble(raw) and _is_appledouble(name, folder) else None


def _is_appledouble(name: str, folder: int) -> bool:
    try:
        fd = os.open(name, _FILE, dir_fd=folder)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode) and begins_appledouble(os.pread(fd, _HEAD, 0))
    except OSError:
        return False
    finally:
        release(fd)


def tidy(request: archive_messages.Tidy) -> archive_messages.Tidied:
    """Remove junk, or report what would be removed; a path that is not junk any more stays. Raises LostError,
    OSError."""
    found: list[tuple[str, int, int, str]] = []
    with opened(request.place) as folders:
        staging = folders.at(archive_layout.STAGING, MADE) if request.remove else None
        for path in request.paths:
            above, _, name = os.fsdecode(path).rpartition("/")
            try:
                found.append(_entry(folders.at(above), name, staging))
            except FileNotFoundError:
                found.append(("", 0, 0, ""))
            except OSError as error:
                found.append(("", 0, 1, os.strerror(error.errno or 0)))
        if request.remove:
            folders.sync()
    return archive_messages.Tidied(found)


def _entry(folder: int, name: str, staging: int | None) -> tuple[str, int, int, str]:
    facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    is_folder = stat.S_ISDIR(facts.st_mode)
    what = what_junk(name, folder, is_folder) if is_folder or stat.S_ISREG(facts.st_mode) else None
    if what is None:
        return "", 0, 1, "it is no junk"
    if not is_folder:
        _remove(folder, name, staging)
        return what, 1, 0, ""
    gone, left = _folder(folder, name, staging, made_in(os.fsencode(name)))
    return what, gone, left, STAYS if left else ""


def _remove(folder: int, name: str, staging: int | None) -> None:
    """Remove a file by way of `staging`, unless that is None: it may still be open, because it was just read."""
    if staging is not None:
        in_use.remove(name, folder, os.urandom(8).hex(), staging)


def _folder(above: int, name: str, staging: int | None, made: re.Pattern[bytes]) -> tuple[int, int]:
    """(removed, left): files of a folder. Removed, unless `staging` is None, are those that are junk anywhere, or
    whose names match `made`, the files that the system makes in it."""
    gone = left = 0
    folder = os.open(name, _FOLDER, dir_fd=above)
    try:
        for entry in os.listdir(folder):
            facts = os.stat(entry, dir_fd=folder, follow_symlinks=False)
            raw = os.fsencode(entry)
            if stat.S_ISDIR(facts.st_mode):
                there = made_in(raw) if junk(raw, is_folder=True) else made
                more, less = _folder(folder, entry, staging, there)
                gone, left = gone + more, left + less
            elif stat.S_ISREG(facts.st_mode) and (
                made.fullmatch(raw) or what_junk(entry, folder, is_folder=False)
            ):
                _remove(folder, entry, staging)
                gone += 1
            else:
                left += 1
    finally:
        release(folder)
    if staging is not None and not left:
        # A new file may have been put into it meanwhile.
        with suppress(OSError):
            os.rmdir(name, dir_fd=above)
    return gone, left
