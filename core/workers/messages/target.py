"""Archived files out to a folder of the user's, or once more into their place in the archive."""

from core.workers.messages.message import Fault, Message, Place


class Target(Message):
    """Where to restore to: a folder as it was when it was opened. `way` is one of files.noreplace, `staging` the
    folder in it where files lie until they are whole."""

    root: bytes
    device: int
    inode: int
    way: str
    staging: str


class OpenTarget(Message):
    """Open or make a folder to restore to, that is neither in an archive nor around the one at `place`."""

    path: bytes
    place: Place


class TargetOpened(Message):
    """The reply to OpenTarget, with the bytes that are free there; `refused` says why it cannot be used."""

    target: Target
    available: int
    refused: str = ""


class ToRestore(Message):
    """An archived file, and where it is to lie below the target."""

    path: bytes
    payload: str
    size: int
    mtime_ns: int
    xxh128: bytes
    sha256: bytes


class Restore(Message):
    """Copy archived files, compare what was read with both digests, and give them their names."""

    place: Place
    target: Target
    files: list[ToRestore]


class Restored(Message):
    """The reply to Restore, in its order: the path that the file has, whether it lay there already, the fault."""

    files: list[tuple[bytes, bool, Fault | None]]


class DressFolders(Message):
    """Make folders of the target where they are missing, and give them their times: those below come first."""

    target: Target
    folders: list[tuple[bytes, int]]


class Dressed(Message):
    """The reply to DressFolders: those that could not be made."""

    faults: list[tuple[bytes, Fault]]


class SetAside(Message):
    """Move a damaged file of the archive to `target`, replacing nothing; done, too, when there is none."""

    place: Place
    path: str
    target: str


class CloseTarget(Message):
    """Remove the target's staging."""

    target: Target
