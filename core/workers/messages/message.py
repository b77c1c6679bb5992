"""What all messages have in common, and what most of them speak of."""

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


class Fault(Message):
    """Why something failed. `code` is an errno (0: none), `side` is source or archive.

    `lost`: the whole volume does not answer any more. `again`: trying once more may help.
    """

    side: str
    text: str
    code: int = 0
    lost: bool = False
    again: bool = False


class Done(Message):
    """Nothing more to say."""


class Failed(Message):
    """The reply to any request that could not be carried out at all."""

    fault: Fault
    detail: str = ""


class Stopped(Message):
    """The reply to a request that was cancelled."""
