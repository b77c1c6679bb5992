"""Copying one local file into the archive: one that was made from an item, never an item itself."""

import os

from core.files import fsync, in_use
from core.files.fds import release
from core.workers import messages, text_messages
from core.workers.archive_files import opened, remove
from core.workers.dir_fds import MADE, write_all

BLOCK = 1 << 20
"""Bytes copied at a time."""


def put(request: text_messages.Put) -> messages.Done:
    """Stage the file, flush it, rename it to its target, replacing a file there; removes the local one. Raises
    OSError."""
    local = os.open(request.local, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with opened(request.place) as folders:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            staging, _, name = request.staged.rpartition("/")
            folder, _, target = request.target.rpartition("/")
            fd = folders.open(request.staged, flags, make=MADE)
            try:
                try:
                    while data := os.read(local, BLOCK):
                        write_all(fd, data)
                    fsync.full_flush(fd)
                except BaseException:
                    release(fd)
                    raise
                os.close(fd)
                from_fd, to_fd = folders.at(staging), folders.at(folder, MADE)
                in_use.rename(name, target, from_fd, to_fd)
            except BaseException:
                remove(folders, request.staged)
                raise
            folders.sync()
    finally:
        release(local)
    os.unlink(request.local)
    return messages.Done()
