"""Requests to a worker about sources, to list them, to check them and to read their files, and their replies."""

import msgspec

from core.checksums.names import Checksum
from core.content import Content
from core.workers.messages import Fault, Message, Reply, Request, Source


class ListTree(Request):
    """List a source; the reply holds the first entries, `ListMore` asks for the next.

    `only` is one name in the root, when a single file was picked. `avoid`: (device, inode) of folders not to
    enter, the archive's. `libraries`: enter photo libraries; `dataless`: fetch files that are only in iCloud.
    """

    source: Source
    only: bytes = b""
    avoid: tuple[tuple[int, int], ...] = ()
    exclude: tuple[str, ...] = ()
    libraries: bool = False
    dataless: bool = False


class ListMore(Request):
    """Ask for the next entries of the current listing."""


class Entry(Message):
    """One directory entry. `what` is file, folder, litter, skipped or failed; `reason` says why, `code` is the
    errno of a failure.

    Of one that is skipped, `sort` and `target` are as in core.media.left_out.
    `far` is the exact time of one that `mtime_ns` cannot hold (core.files.times). `dataless`: what a file holds is
    in iCloud only.
    """

    path: bytes
    what: str
    size: int
    mtime_ns: int
    kind: str
    stem: bytes
    reason: str
    far: str = ""
    code: int = 0
    dataless: bool = False
    sort: str = ""
    target: bytes = b""


class Listed(Reply):
    """Some entries; `source` as it was found; `more` is False with the last ones, of which there may be none."""

    source: Source
    entries: list[Entry]
    more: bool


class ReadList(Request):
    """Read a checksum list; the reply holds the first entries, `ReadListMore` asks for the next."""

    source: Source
    path: bytes


class ReadListMore(Request):
    """The next entries of the checksum list under way."""


class ListPart(Reply):
    """Some checksums of a list; `more` is false with the last ones, which also say why the rest of the list is not
    understood, how many entries are not, and how many name files that are not below the source."""

    listed: list[Checksum] = msgspec.field(default_factory=list)
    fault: str = ""
    not_understood: int = 0
    outside: int = 0
    more: bool = False


class LookAtPath(Request):
    """Ask what is at a path."""

    path: bytes


class Answers(Request):
    """Check that the root is the folder it was, and that bytes can be read from its medium: of the file `path`, if
    given."""

    source: Source
    path: bytes = b""


class Looked(Reply):
    """The reply to LookAtPath: the source (with `only`, a single file of it), and the (device, inode) of its root
    and of each folder above it.

    `mount` is the mount point of its volume, as the kernel reports it, and `below` the root's path below that.
    """

    source: Source
    only: bytes
    above: list[tuple[int, int]]
    mount: bytes
    below: bytes


class SourceMetadata(Message):
    """The metadata of a source's file, except for size and time, from before its first byte was read.

    `mode`: its permissions. `mtime_exact`: a time beyond what a message holds (core.files.times). `born`: when it
    was made, seconds since 1970, where the system tells. `attributes`: its extended attributes.
    """

    mode: int = 0
    mtime_exact: str = ""
    born: float | None = None
    attributes: dict[bytes, bytes] = msgspec.field(default_factory=dict)


class Taken(Message):
    """What is known of a file that is taken from another archive, because it was read when it came there. The
    content is read from there, as `path` of that archive, and compared by size and `xxh128`, as every read back
    is; all else is used as it is, so that SHA-256 is computed only once."""

    path: bytes
    mtime_ns: int
    xxh128: bytes
    sha256: bytes
    unkept: str
    facts: SourceMetadata


class ToRead(Message):
    """A file to read; `number` is the caller's, unique in its batch. `also`: algorithms of checksums that are
    wanted besides the usual two (core.checksums.algorithms). `taken`: its content is read elsewhere.
    `content_only`: its extended attributes are not wanted; smbnetfs 0.6.3 loses its session when it is asked for
    any."""

    number: int
    path: bytes
    size: int
    kind: str
    also: tuple[str, ...] = ()
    taken: Taken | None = None
    content_only: bool = False

    @property
    def with_attributes(self) -> bool:
        """Whether its extended attributes are read, too; those of a file that is taken are known."""
        return self.taken is None and not self.content_only


class ReadBatch(Request):
    """Read and hash files; with `keep` their bytes stay in memory for `StageBatch`. `with_metadata`: each digest
    comes with the file's SourceMetadata."""

    source: Source
    files: list[ToRead]
    keep: bool
    with_metadata: bool = False


class Digest(Message):
    """What was read of one file, or why it could not be. `unkept` names extended attributes that were not kept,
    `others` has the checksums that were wanted besides the usual two; `facts` are there only where they were
    asked for."""

    number: int
    size: int = 0
    mtime_ns: int = 0
    xxh128: bytes = b""
    sha256: bytes = b""
    kind: str = ""
    fault: Fault | None = None
    unkept: str = ""
    others: dict[str, bytes] = msgspec.field(default_factory=dict)
    facts: SourceMetadata | None = None

    @property
    def content(self) -> Content:
        """The content that was read."""
        return Content(self.size, self.xxh128, self.sha256)


class Digests(Reply):
    """The reply to ReadBatch and CopyLarge, in their order."""

    files: list[Digest]
