"""Bringing one local file into the archive: what was made from an item, never an item itself."""

import os

from core.files import durable
from core.files.closing import release
from core.workers import messages
from core.workers.folders import PRIVATE, SHARED, write_all
from core.workers.shelf import opened, remove

BLOCK = 1 << 20
"""Bytes copied together."""


def put(request: messages.Put) -> messages.Done:
    """Stage the file, flush it, rename it over what stood under its name; the local one goes. Raises OSError."""
    local = os.open(request.local, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with opened(request.place) as folders:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            staging, _, name = request.staged.rpartition("/")
            folder, _, target = request.target.rpartition("/")
            fd = folders.open(request.staged, flags, make=SHARED if staging == folder else PRIVATE)
            try:
                try:
                    while data := os.read(local, BLOCK):
                        write_all(fd, data)
                    durable.full_flush(fd)
                except BaseException:
                    release(fd)
                    raise
                os.close(fd)
                from_fd, to_fd = folders.at(staging), folders.at(folder, SHARED)
                os.rename(name, target, src_dir_fd=from_fd, dst_dir_fd=to_fd)
            except BaseException:
                remove(folders, request.staged)
                raise
            folders.sync()
    finally:
        release(local)
    os.unlink(request.local)
    return messages.Done()
