"""Checking whether a volume still answers: asked when an import does not move, and when reading or writing has
failed."""

import os
from contextlib import suppress

from core.files import page_cache
from core.files.fds import release
from core.files.open_beneath import LostError, Tree
from core.models import Side
from core.workers import messages, source_messages
from core.workers.faults import RETRYABLE, fault_of


def answers(request: source_messages.Answers) -> messages.Done:
    """Check that a folder is the one it was, and that bytes can be read from its medium. Raises LostError,
    OSError."""
    source = request.source
    with Tree(source.root, source.device, source.inode) as tree:
        root = tree.fileno()
        if not plugged_in(tree.device):
            raise LostError(os.fsdecode(source.root))
        os.statvfs(root)
        tree.anew()
        if request.path:
            with suppress(FileNotFoundError):
                _read(tree, request.path)
    return messages.Done()


def source_fault(error: Exception, tree: Tree, note: str = "") -> messages.Fault:
    """The fault of one file of a source, or of the whole volume when its root is gone, too."""
    if isinstance(error, OSError) and error.errno in RETRYABLE:
        return fault_of(error, Side.SOURCE, note)
    try:
        tree.anew()
        if not plugged_in(tree.device):
            raise LostError(os.fsdecode(tree.root))
    except LostError as gone:
        return fault_of(gone, Side.SOURCE)
    except OSError:
        return fault_of(LostError(), Side.SOURCE)
    return fault_of(error, Side.SOURCE, note)


def _read(tree: Tree, path: bytes) -> None:
    fd = tree.open(path)
    try:
        page_cache.uncached(fd)
        page_cache.drop(fd)
        os.pread(fd, 1, 0)
    finally:
        release(fd)


def plugged_in(device: int, sysfs: str = "/sys") -> bool:
    """Whether the disk with this device number is still there; True for what is on no disk, and where it is not
    known.

    Linux keeps the file system of a disk that was pulled out mounted, and answers for it from memory; only
    sysfs(5) shows that it is gone. A card reader without a card has a size of 0.
    """
    if not os.major(device) or not os.path.isdir(os.path.join(sysfs, "dev/block")):
        return True
    try:
        with open(f"{sysfs}/dev/block/{os.major(device)}:{os.minor(device)}/size", "rb") as file:
            return int(file.read()) > 0
    except (OSError, ValueError):
        return False
