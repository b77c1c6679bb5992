"""Requests about Lading's own files in an archive (journals, receipts, tag files, small copies), and their
replies."""

from core.workers.messages import Place, Reply, Request


class JournalNames(Request):
    """List the journals in `folder` of the archive, with their sizes."""

    place: Place
    folder: str


class ReadText(Request):
    """Read `length` bytes of a file of the archive, from `offset`; fewer only at its end, or where a part of a
    journal ends."""

    place: Place
    path: str
    offset: int
    length: int


class TextRead(Reply):
    """The reply to ReadText; empty at the end of the file."""

    data: bytes


class AppendJournal(Request):
    """Append whole lines to the journal `path`; with `flush` they are flushed to the medium."""

    place: Place
    path: str
    data: bytes
    flush: bool = False


class MoveText(Request):
    """Flush the file `path` and rename it to `target`, replacing a file there: for Lading's own tag files only."""

    place: Place
    path: str
    target: str


class JoinJournal(Request):
    """Join the parts of the journal `path` into one file."""

    place: Place
    path: str


class Put(Request):
    """Copy the local file `local` to `target`, staged as `staged` and replacing a file there: only for files that
    were made from items. The local file is removed."""

    place: Place
    local: bytes
    staged: str
    target: str
