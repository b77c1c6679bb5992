"""Listing a source, and looking whether it is there."""

from core.workers.messages.message import Message, Source


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


class Look(Message):
    """What is this path?"""

    path: bytes


class Answers(Message):
    """Is the root what it was, and do bytes come from its medium: of the file `path`, if there is one?"""

    source: Source
    path: bytes = b""


class Looked(Message):
    """The reply to Look: the source it makes (`only` one file of it), and the (device, inode) of its root
    and of each folder above it."""

    source: Source
    only: bytes
    above: list[tuple[int, int]]
