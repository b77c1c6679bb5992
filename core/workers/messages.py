"""What the engine asks of a worker and what it answers: one reply to every request.

Paths below a source are raw bytes, '/'-separated, relative to its root; paths below an archive are text,
relative to its root. Sizes are bytes, times nanoseconds since 1970 UTC, digests raw bytes.
"""

import msgspec


class Message(msgspec.Struct, tag=True, array_like=True, gc=False):
    """Base of all messages; the class name is the tag."""


class Source(Message):
    """Where to read: an absolute root folder as it was when the import began."""

    root: bytes
    device: int = 0
    inode: int = 0


class Place(Message):
    """Where to write: an archive's root as it was when it was opened, and what its file system offers.

    `way` is one of files.noreplace; `level` the best verification that can be reached there.
    """

    root: bytes
    device: int
    inode: int
    way: str
    level: str


# Listing a source


class ListTree(Message):
    """List a source; the reply holds the first entries, `ListMore` asks for the next.

    `only` is one name in the root, when a single file was picked. `avoid` are (device, inode) of folders not
    to enter: the archive's. `libraries` and `dataless` say whether photo libraries are entered and files that
    lie only in iCloud are fetched.
    """

    source: Source
    only: bytes = b""
    avoid: tuple[tuple[int, int], ...] = ()
    exclude: tuple[str, ...] = ()
    libraries: bool = False
    dataless: bool = False


class ListMore(Message):
    """The next entries of the listing under way."""


class Entry(Message):
    """One directory entry. `what` is file, folder, litter, skipped or failed; `reason` says why."""

    path: bytes
    what: str
    size: int
    mtime_ns: int
    kind: str
    stem: bytes
    reason: str


class Listed(Message):
    """Some entries; `source` as it was found; `more` is false with the last ones."""

    source: Source
    entries: list[Entry]
    more: bool


# Reading, copying, publishing


class ToRead(Message):
    """A file to read; `number` is the caller's, unique in its batch."""

    number: int
    path: bytes
    size: int
    kind: str


class ReadBatch(Message):
    """Read and hash files; with `keep` their bytes stay in memory for `Stage`."""

    source: Source
    files: list[ToRead]
    keep: bool


class CopyLarge(Message):
    """Read, hash and write one file to staging at the same time."""

    source: Source
    place: Place
    staging: str
    file: ToRead


class Fault(Message):
    """Why something failed. `code` is an errno (0: none), `side` is source or archive.

    `lost`: the whole volume does not answer any more. `again`: trying once more may help.
    """

    side: str
    text: str
    code: int = 0
    lost: bool = False
    again: bool = False


class Digest(Message):
    """What was read of one file, or why it could not be."""

    number: int
    size: int = 0
    mtime_ns: int = 0
    xxh128: bytes = b""
    sha256: bytes = b""
    kind: str = ""
    fault: Fault | None = None


class Digests(Message):
    """The reply to ReadBatch and CopyLarge, in their order."""

    files: list[Digest]


class ToStage(Message):
    """What becomes of one file read: written and published as `payload`, or (empty) only journaled."""

    number: int
    payload: str
    outcome: str


class Stage(Message):
    """Write the files of the batch to staging; those not named are forgotten."""

    place: Place
    staging: str
    files: list[ToStage]


class Journal(Message):
    """Append the batch's rows to the import's journal. Callers take turns."""

    import_id: str


class Flush(Message):
    """The batch's staged files and its journal rows are on the medium."""


class Verify(Message):
    """Read the staged files back and compare (`mode` readback); read the source once more, too (source)."""

    mode: str


class Publish(Message):
    """Give every verified file its final name and flush the folders."""


class Drop(Message):
    """Forget the batch and remove what it left in staging."""


class Done(Message):
    """Nothing more to say."""


class Checked(Message):
    """The reply to Stage, Flush and Verify: the faults by number; all others are well.

    `levels` names the verification level reached by each file that was verified.
    """

    faults: list[tuple[int, Fault]]
    levels: list[tuple[int, str]] = []


class Arrived(Message):
    """The reply to Publish. `taken` are names that hold other content, with the name to journal and use."""

    published: list[tuple[int, str]]
    taken: list[tuple[int, str]]
    faults: list[tuple[int, Fault]]


# The archive itself


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


class Look(Message):
    """What is this path?"""

    path: bytes


class Looked(Message):
    """The reply to Look: the source it makes (`only` one file of it), and the (device, inode) of its root
    and of each folder above it."""

    source: Source
    only: bytes
    above: list[tuple[int, int]]


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


class JournalNames(Message):
    """The journals of the archive, with their sizes."""

    place: Place


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


class AppendText(Message):
    """Append to a file of the archive (`fresh`: start it anew), flushed to the medium with `flush`."""

    place: Place
    path: str
    data: bytes
    fresh: bool = False
    flush: bool = False


class MoveText(Message):
    """Flush the file `path` and rename it to `target`, replacing that: for Lading's own tag files only."""

    place: Place
    path: str
    target: str


class Put(Message):
    """Copy the local file `local` to `target`, staged as `staged` and replacing what stood there: for what was
    made from items only. The local file is removed."""

    place: Place
    local: bytes
    staged: str
    target: str


class CleanStaging(Message):
    """Remove the staging of every import but those named."""

    place: Place
    keep: list[str]


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
    """The reply to Space."""

    total: int
    available: int


class Failed(Message):
    """The reply to any request that could not be carried out at all."""

    fault: Fault
    detail: str = ""


class Stopped(Message):
    """The reply to a request that was cancelled."""


Request = (
    ListTree
    | ListMore
    | ReadBatch
    | CopyLarge
    | Stage
    | Journal
    | Flush
    | Verify
    | Publish
    | Drop
    | OpenArchive
    | Look
    | Lock
    | Beat
    | Unlock
    | JournalNames
    | ReadText
    | AppendText
    | MoveText
    | Put
    | CleanStaging
    | Presence
    | SyncFolders
    | ListFolder
    | FileSizes
    | MakeFolder
    | Audit
    | Space
)
Reply = (
    Listed
    | Digests
    | Checked
    | Arrived
    | Done
    | ArchiveFacts
    | Looked
    | Held
    | Names
    | Text
    | Present
    | FolderListed
    | Sizes
    | Audited
    | Room
    | Failed
    | Stopped
)

FRAME = 4
"""Bytes of the big-endian length before every message."""
