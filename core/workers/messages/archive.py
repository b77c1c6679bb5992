"""The archive as a whole: opened, locked, tidied, measured, read again."""

from core.workers.messages.message import Fault, Message, Place


class OpenArchive(Message):
    """Open or (with `create`) make an archive, and find out what its file system offers."""

    root: bytes
    create: bool


class ArchiveFacts(Message):
    """The reply to OpenArchive: its root without links, and archive.toml as `text`."""

    root: bytes
    device: int
    inode: int
    way: str
    text: str


class Lock(Message):
    """Take the archive's lock with `text` (who, where), or learn who holds it. `replace`: a stale one's text."""

    place: Place
    text: str
    replace: str = ""


class Held(Message):
    """The reply to Lock, Beat and Unlock: the lock's text now, and its age in seconds by the archive's clock."""

    text: str


class Beat(Message):
    """Renew the lock from `old` to `text`; Held tells what stood there when it was not `old`."""

    place: Place
    old: str
    text: str


class Unlock(Message):
    """Remove the lock if it is `text`."""

    place: Place
    text: str


class CleanStaging(Message):
    """Remove the staging of every import but those named."""

    place: Place
    keep: list[str]


class Audit(Message):
    """Read archived files past the cache and compare with both digests: (path, size, xxh128, sha256)."""

    place: Place
    files: list[tuple[str, int, bytes, bytes]]


class Audited(Message):
    """The reply to Audit, in its order: the level reached, or the fault."""

    files: list[tuple[str, Fault | None]]


class Space(Message):
    """Free and total bytes on the archive's volume."""

    place: Place


class Room(Message):
    """The reply to Space; None where the file system does not tell."""

    total: int | None
    available: int | None
