"""Whether a volume still answers: asked when an import does not move, and when reading or writing has failed."""

import os
from contextlib import suppress

from core.files import cache
from core.files.closing import release
from core.files.tree import LostError, Tree
from core.workers import messages


def answers(request: messages.Answers) -> messages.Done:
    """See that a folder is what it was, and that bytes come from its medium. Raises LostError, OSError."""
    source = request.source
    with Tree(source.root, source.device, source.inode) as tree:
        root = tree.fileno()
        if not plugged_in(tree.device):
            raise LostError(os.fsdecode(source.root))
        os.statvfs(root)
        with os.scandir(root) as found:
            next(found, None)
        if request.path:
            with suppress(FileNotFoundError):
                _read(tree, request.path)
    return messages.Done()


def _read(tree: Tree, path: bytes) -> None:
    fd = tree.open(path)
    try:
        cache.uncached(fd)
        cache.drop(fd)
        os.pread(fd, 1, 0)
    finally:
        release(fd)


def plugged_in(device: int, sysfs: str = "/sys") -> bool:
    """Whether the disk with this number is still there; true for what is on no disk, and where nobody knows.

    Linux keeps the file system of a disk that was pulled out mounted, and answers for it from memory: only
    sysfs(5) tells. A reader whose card is out has a size of 0.
    """
    if not os.major(device) or not os.path.isdir(os.path.join(sysfs, "dev/block")):
        return True
    try:
        with open(f"{sysfs}/dev/block/{os.major(device)}:{os.minor(device)}/size", "rb") as file:
            return int(file.read()) > 0
    except (OSError, ValueError):
        return False
