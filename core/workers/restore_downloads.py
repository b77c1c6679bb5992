"""Folders in the staging of a restore that hold payload brought from a remote."""

import os
from contextlib import suppress

from core.workers import messages, restore_messages
from core.workers.archive_files import CLEANING, remove_tree
from core.workers.dir_fds import MADE
from core.workers.messages import Place
from core.workers.restore import DOWNLOADS, target_folders


def make(request: restore_messages.MakeDownloads) -> restore_messages.Downloads:
    """Make a folder. Raises LostError, OSError."""
    path = f"{request.target.staging}/{DOWNLOADS}{request.name}"
    with target_folders(request.target) as folders:
        facts = os.fstat(folders.at(path, MADE))
    root = os.path.join(request.target.root, os.fsencode(path))
    return restore_messages.Downloads(Place(root, facts.st_dev, facts.st_ino, request.target.way, ""))


def remove(request: restore_messages.RemoveDownloads) -> messages.Done:
    """Remove a folder with all that it holds; what cannot be removed now goes when the target is closed."""
    with target_folders(request.target) as folders:
        staging = folders.at(request.target.staging, MADE)
        with suppress(OSError):
            remove_tree(staging, f"{DOWNLOADS}{request.name}", iter(CLEANING))
    return messages.Done()
