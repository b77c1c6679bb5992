"""Lading's own files in an archive, and what lies in its folders."""

from core.workers.messages.message import Fault, Message, Place


class JournalNames(Message):
    """The journals in `folder` of the archive, with their sizes."""

    place: Place
    folder: str


class Names(Message):
    """The reply to JournalNames and CleanStaging."""

    names: list[tuple[str, int]]


class ReadText(Message):
    """`length` bytes at most of a file of the archive, from `offset`."""

    place: Place
    path: str
    offset: int
    length: int


class Text(Message):
    """The reply to ReadText; empty at the end."""

    data: bytes


class AppendJournal(Message):
    """Append whole lines to the journal `path`, flushed to the medium with `flush`."""

    place: Place
    path: str
    data: bytes
    flush: bool = False


class MoveText(Message):
    """Flush the file `path` and rename it to `target`, replacing that: for Lading's own tag files only."""

    place: Place
    path: str
    target: str


class TryWriting(Message):
    """Can a file still be written in the folder `folder` of the archive?"""

    place: Place
    folder: str


class JoinJournal(Message):
    """Make one file of the parts of the journal `path`."""

    place: Place
    path: str


class Put(Message):
    """Copy the local file `local` to `target`, staged as `staged` and replacing what stood there: for what was
    made from items only. The local file is removed."""

    place: Place
    local: bytes
    staged: str
    target: str


class Presence(Message):
    """Are these files there at their sizes?"""

    place: Place
    files: list[tuple[str, int]]


class Present(Message):
    """The reply to Presence, in its order."""

    there: list[bool]


class SyncFolders(Message):
    """The entries of these folders are on the medium."""

    place: Place
    folders: list[str]


class ListFolder(Message):
    """The names in a folder of the archive, from the one after the first `skip`."""

    place: Place
    path: bytes
    skip: int = 0


class FolderListed(Message):
    """The reply to ListFolder: (name, file | folder | other), whether there are more, and the folder's time."""

    names: list[tuple[bytes, str]]
    more: bool
    mtime_ns: int


class FileSizes(Message):
    """How large are these files of the archive?"""

    place: Place
    paths: list[bytes]


class Sizes(Message):
    """The reply to FileSizes, in its order; -1 for what is no regular file."""

    sizes: list[int]


class MakeFolder(Message):
    """Make a folder in the archive if it is not there."""

    place: Place
    path: str


class Carry(Message):
    """Bring payload from one location to another: (path, new path, size, xxh128, sha256); with `copy` the first
    stays. What has the new name already is read, and the first removed when it is equal."""

    place: Place
    files: list[tuple[str, str, int, bytes, bytes]]
    copy: bool


class Carried(Message):
    """The reply to Carry, in its order: the faults, None for what is under its new name now."""

    faults: list[Fault | None]
