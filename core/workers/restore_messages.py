"""Requests to a worker about restoring files to a folder, and their replies."""

from core.workers.messages import Fault, Message, Place, Reply, Request


class Target(Message):
    """Where to restore to: a folder, identified as it was when it was opened. `way` is one of files.noreplace,
    `staging` the folder in it that holds files until they are complete."""

    root: bytes
    device: int
    inode: int
    way: str
    staging: str


class OpenTarget(Request):
    """Open or make a folder to restore to; it must not lie in an archive, nor contain the one at `place`."""

    path: bytes
    place: Place


class TargetOpened(Reply):
    """The reply to OpenTarget, with the free bytes there; `refused` says why it cannot be used."""

    target: Target
    available: int
    refused: str = ""


class ToRestore(Message):
    """An archived file, and its path below the target; `far` as in Entry."""

    path: bytes
    payload: str
    size: int
    mtime_ns: int
    xxh128: bytes
    sha256: bytes
    far: str = ""


class Restore(Request):
    """Copy archived files, compare what was read with both digests, and publish them."""

    place: Place
    target: Target
    files: list[ToRestore]


class Restored(Reply):
    """The reply to Restore, in its order: the path that the file has, whether it existed already, the fault."""

    files: list[tuple[bytes, bool, Fault | None]]


class Link(Request):
    """Make symbolic links below the target, given as (path, what it points to). Nothing is replaced."""

    target: Target
    links: list[tuple[bytes, bytes]]


class Linked(Reply):
    """The reply to Link, in its order: the path that the link has, whether it existed already, the fault."""

    links: list[tuple[bytes, bool, Fault | None]]


class SetFolderTimes(Request):
    """Make missing folders of the target, and set the times of all; the deepest must come first.

    folders: (path, mtime_ns, `far` as in Entry).
    """

    target: Target
    folders: list[tuple[bytes, int, str]]


class FolderFaults(Reply):
    """The reply to SetFolderTimes: the folders that could not be made, and why."""

    faults: list[tuple[bytes, Fault]]


class MakeDownloads(Request):
    """Make the folder `name` in the target's staging, for payload that is brought from a remote."""

    target: Target
    name: str


class Downloads(Reply):
    """The reply to MakeDownloads: the folder, which payload is restored from as from an archive."""

    place: Place


class RemoveDownloads(Request):
    """Remove the folder `name` in the target's staging, with all that it holds."""

    target: Target
    name: str


class CloseTarget(Request):
    """Remove the target's staging."""

    target: Target
