"""Why an entry of a source is not read: its sort, for programs, and the reason, for people."""

import os
import stat
from enum import StrEnum
from typing import NamedTuple


class Sort(StrEnum):
    """The column `file.sort`, and the member `sort` of journals and receipts. Values must not change, because they
    are stored; new ones may be added."""

    LINK = "link"
    PIPE = "pipe"
    SOCKET = "socket"
    DEVICE = "device"
    OTHER = "other"
    """Neither a file nor a folder nor one of the above."""
    EXCLUDED = "excluded"
    """Excluded by a pattern that a person gave."""
    LIBRARY = "library"
    ICLOUD = "icloud"
    ICLOUD_FOLDER = "icloud folder"
    ARCHIVE = "archive"
    RECORD = "record"
    """A known file, which a person chose not to read again."""


class Why(NamedTuple):
    """Reason and sort of one entry. `target`: what a symbolic link points to; empty if that could not be read, and
    for other entries."""

    reason: str
    sort: Sort
    target: bytes = b""


LIBRARY = Why("photo library not entered: import it with --libraries", Sort.LIBRARY)
ICLOUD = Why("in iCloud only, not on this disk: fetch it with --icloud", Sort.ICLOUD)
ICLOUD_FOLDER = Why(
    "a folder in iCloud only, with all that it holds, not on this disk: fetch it with --icloud", Sort.ICLOUD_FOLDER
)
ON_REQUEST = (LIBRARY, ICLOUD, ICLOUD_FOLDER)
"""Entries that are imported only if a person asks for it."""

ARCHIVE = Why("the archive itself", Sort.ARCHIVE)
FROM_RECORD = Why("taken from the record, not read", Sort.RECORD)

LINKS, SPECIAL, EXCLUDED, LEFT_OUT = "links", "special", "excluded", "left out"
"""The groups of entries that a verdict distinguishes. A person can accept the first three by these names
(`core.import_choices.Acceptable`)."""

_SPECIAL = {
    stat.S_IFIFO: Why("named pipe", Sort.PIPE),
    stat.S_IFSOCK: Why("socket", Sort.SOCKET),
    stat.S_IFCHR: Why("device", Sort.DEVICE),
    stat.S_IFBLK: Why("device", Sort.DEVICE),
}
_OTHER = Why("neither file nor folder", Sort.OTHER)
_GROUPS: dict[str, str] = {
    Sort.PIPE: SPECIAL,
    Sort.SOCKET: SPECIAL,
    Sort.DEVICE: SPECIAL,
    Sort.OTHER: SPECIAL,
    Sort.EXCLUDED: EXCLUDED,
}


def excluded(pattern: str) -> Why:
    """Why an entry that matches a person's `pattern` is left out."""
    return Why(f"excluded by {pattern!r}", Sort.EXCLUDED)


def linked(target: str) -> Why:
    """Why a symbolic link is left out. `target`: as from os.readlink; empty if it cannot be read."""
    told = f"symbolic link to {target!r}" if target else "symbolic link"
    return Why(told, Sort.LINK, os.fsencode(target))


def special(mode: int) -> Why:
    """Why an entry that is neither a file nor a folder nor a link is left out, by its st_mode."""
    return _SPECIAL.get(stat.S_IFMT(mode), _OTHER)


def group(sort: str, target: bytes | None) -> str:
    """The group of an entry: LINKS, SPECIAL, EXCLUDED or LEFT_OUT. `target`: of a link; empty or None if it is not
    known."""
    if sort == Sort.LINK:
        # A link whose target is unknown is not recorded with it, so it cannot be accepted.
        return LINKS if target else LEFT_OUT
    return _GROUPS.get(sort, LEFT_OUT)
