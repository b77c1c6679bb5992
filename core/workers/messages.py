"""Messages between the engine and a worker: every request gets one reply.

Paths below a source are raw bytes, '/'-separated, relative to its root; paths below an archive are text, relative
to its root. Sizes are bytes, times nanoseconds since 1970 UTC, digests raw bytes.
"""

import msgspec

from core.models import Side


class Message(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The base of all messages; the class name is the tag."""


class Request(Message):
    """The base of all requests, which the modules `*_messages` define."""


class Reply(Message):
    """The base of all replies."""


class Source(Message):
    """Where to read: an absolute root folder, identified as it was when the import began.

    `fetch`: files that are only in iCloud are fetched when they are read. `attributes`: its file system may be
    asked for extended attributes.
    """

    root: bytes
    device: int = 0
    inode: int = 0
    fetch: bool = False
    attributes: bool = True


class Place(Message):
    """Where to write: an archive's root, identified as it was when it was opened, and what its file system
    supports.

    `way` is one of files.noreplace; `level` the best verification level that can be reached there; `network`: it
    is on a server; `sends_on_fsync` as in volumes.filesystems; `parts_from` as in archive_messages.ArchiveFacts.
    """

    root: bytes
    device: int
    inode: int
    way: str
    level: str
    network: bool = False
    sends_on_fsync: bool = False
    parts_from: int = 0


class Fault(Message):
    """Why something failed. `text` is the cause, in the same words for every file that it affects.

    `code` is an errno (0: none). `lost`: the whole volume does not answer any more. `again`: a retry may help.
    `detail` is about this one file only: an offset, sizes.
    """

    side: Side
    text: str
    code: int = 0
    lost: bool = False
    again: bool = False
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.detail}".rstrip()


class Done(Reply):
    """The reply to a request that has no result."""


class Failed(Reply):
    """The reply to a request that could not be carried out at all."""

    fault: Fault
    detail: str = ""


class Stopped(Reply):
    """The reply to a request that was cancelled."""
