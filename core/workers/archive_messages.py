"""Requests to a worker about an archive, its lock and its payload, and their replies."""

from core.workers.messages import Fault, Place, Reply, Request


class OpenArchive(Request):
    """Open an archive or (with `create`) make it, and probe its file system. With `look` nothing is written and
    the file system is not probed. text: the content of a new archive.toml; empty: one with a new id."""

    root: bytes
    create: bool
    look: bool = False
    text: str = ""


class ArchiveFacts(Reply):
    """The reply to OpenArchive: its root with links resolved, and archive.toml as `text`.

    `mount` and `below` as in Looked. `flushes`: what is written there can be flushed out of the drive's own cache.
    `fsid`: the number of its file system, "" where there is none. `mark`: the time of the last change of
    archive.toml's inode (st_ctime), which no copy preserves; "" where it does not identify the file.
    `parts_from`: the monotonic clock's nanoseconds plus this are the time in the names of journal parts.
    """

    root: bytes
    device: int
    inode: int
    way: str
    text: str
    mount: bytes
    below: bytes
    flushes: bool
    fsid: str
    mark: str
    parts_from: int = 0


class GiveId(Request):
    """Write archive.toml of the archive at `root`, in place of one that is damaged or missing."""

    root: bytes
    text: str


class Lock(Request):
    """Take the archive's lock with `text` (who, where), or read who holds it. `replace`: the text of a stale
    lock."""

    place: Place
    text: str
    replace: str = ""


class LockText(Reply):
    """The reply to Lock, Beat and Unlock: the lock's current text."""

    text: str


class Beat(Request):
    """Renew the lock from `old` to `text`; when its text was not `old`, LockText returns what it was."""

    place: Place
    old: str
    text: str


class Unlock(Request):
    """Remove the lock if its text is `text`."""

    place: Place
    text: str


class CleanStaging(Request):
    """Remove what these `owners` have staged; None: all that is staged, which only who opens the archive may ask
    for. Others may begin to stage before a worker comes to this."""

    place: Place
    owners: list[str] | None


class NamesCounted(Reply):
    """The reply to JournalNames, (name, bytes), and to CleanStaging, (name, files removed)."""

    names: list[tuple[str, int]]


class Space(Request):
    """Ask for the free and total bytes on the archive's volume."""

    place: Place


class SpaceFound(Reply):
    """The reply to Space; None where the file system does not report it."""

    total: int | None
    available: int | None
    files: int | None = None


class TryWriting(Request):
    """Check whether a file can still be written in the folder `folder` of the archive."""

    place: Place
    folder: str


class Audit(Request):
    """Read archived files past the cache and compare them with both digests: (path, size, xxh128, sha256)."""

    place: Place
    files: list[tuple[str, int, bytes, bytes]]


class Audited(Reply):
    """The reply to Audit, in its order: the level reached, or the fault."""

    files: list[tuple[str, Fault | None]]


class Checksums(Request):
    """Read an archived file, which has this size and these digests, for checksums of other `algorithms`."""

    place: Place
    path: str
    size: int
    xxh128: bytes
    sha256: bytes
    algorithms: tuple[str, ...]


class Computed(Reply):
    """The reply to Checksums, by algorithm; nothing when the content is another one."""

    digests: dict[str, bytes]


class Presence(Request):
    """Check whether these files exist with their sizes."""

    place: Place
    files: list[tuple[str, int]]


class Present(Reply):
    """The reply to Presence, in its order."""

    there: list[bool]


class Blocks(Request):
    """Hash blocks of files of an archive or a source, read past the cache: (path, offset, length)."""

    place: Place
    files: list[tuple[bytes, int, int]]


class BlocksRead(Reply):
    """The reply to Blocks, in its order: the XXH3-128 of each, or why it cannot be read."""

    files: list[tuple[bytes, Fault | None]]


class CompareTrees(Request):
    """Find the files of the folder `folder` in the archive at `place` that the archive at `other` lacks, by their
    names. Junk is skipped. after: the folder with which the previous reply ended."""

    place: Place
    other: Place
    folder: str
    after: bytes = b""


class TreesCompared(Reply):
    """The reply to CompareTrees: paths below the archives' roots, and how many files only the other archive has.

    after: the folder after which to continue; empty at the end."""

    lacking: list[bytes]
    extra: int
    after: bytes


class FileSizes(Request):
    """Ask for the sizes of these files of the archive."""

    place: Place
    paths: list[bytes]


class Sizes(Reply):
    """The reply to FileSizes, in its order; -1 for what is not a regular file."""

    sizes: list[int]


class SyncFolders(Request):
    """Flush the entries of these folders."""

    place: Place
    folders: list[str]


class ListFolder(Request):
    """List a folder of the archive, without the first `skip` names."""

    place: Place
    path: bytes
    skip: int = 0


class FolderListed(Reply):
    """The reply to ListFolder: (name, file | folder | other | junk), whether there are more, the folder's
    mtime."""

    names: list[tuple[bytes, str]]
    more: bool
    mtime_ns: int


class MakeFolder(Request):
    """Make a folder in the archive if it does not exist."""

    place: Place
    path: str


class Carry(Request):
    """Move payload from one location to another: (path, new path, size, xxh128, sha256); with `copy` the original
    stays. A file that has the new name already is read, and when it is equal the original is removed."""

    place: Place
    files: list[tuple[str, str, int, bytes, bytes]]
    copy: bool


class Carried(Reply):
    """The reply to Carry, in its order: the faults; None for a file that has its new name now."""

    faults: list[Fault | None]


class SetAside(Request):
    """Move a damaged file of the archive to `target`, replacing nothing; succeeds, too, when the file does not
    exist."""

    place: Place
    path: str
    target: str


class Tidy(Request):
    """Remove these files and folders of the archive as far as they are certainly junk; without `remove` only
    report what would be removed."""

    place: Place
    paths: list[bytes]
    remove: bool


class Tidied(Reply):
    """The reply to Tidy, in its order: the kind of junk, files removed (or to be removed), files that stay, and
    why."""

    found: list[tuple[str, int, int, str]]
