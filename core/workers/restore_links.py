"""Restoring symbolic links under their original names, with their original targets."""

import errno
import os

from core.models import Side
from core.workers import restore_messages
from core.workers.dir_fds import MADE
from core.workers.faults import fault_of
from core.workers.messages import Fault
from core.workers.restore import NAME_ATTEMPTS, check, other_name, target_folders


def link(request: restore_messages.Link) -> restore_messages.Linked:
    """Make links. A link that points to the same target already is left; beside anything else the link gets a
    numbered name.

    Raises LostError, OSError.
    """
    made: list[tuple[bytes, bool, Fault | None]] = []
    with target_folders(request.target) as folders:
        for path, target in request.links:
            try:
                check(path)
                above, _, name = path.rpartition(b"/")
                given, there = _put(folders.at(os.fsdecode(above), MADE), name, target)
                made.append((above + b"/" + given if above else given, there, None))
            except OSError as error:
                made.append((b"", False, fault_of(error, Side.TARGET)))
        folders.sync()
    return restore_messages.Linked(made)


def _put(folder: int, wanted: bytes, target: bytes) -> tuple[bytes, bool]:
    """Make one link. Returns its name, and whether it existed already. symlink(2) never replaces anything."""
    for count in range(1, NAME_ATTEMPTS):
        name = wanted if count == 1 else other_name(wanted, count)
        try:
            os.symlink(target, name, dir_fd=folder)
        except FileExistsError:
            try:
                if os.readlink(name, dir_fd=folder) == target:
                    return name, True
            except OSError:
                continue  # no link has the name
        else:
            return name, False
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
