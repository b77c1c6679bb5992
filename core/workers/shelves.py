"""What lies in the folders of an archive: names without looking at each file, sizes where they are asked for."""

import errno
import os
import stat
from itertools import islice

from core.workers import messages
from core.workers.folders import SHARED
from core.workers.shelf import opened

NAMES = 8192
"""Names that one reply holds at most."""

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


def list_folder(request: messages.ListFolder) -> messages.FolderListed:
    """Names in a folder, in the folder's own order, sorted within one reply. Raises OSError."""
    with opened(request.place) as folders:
        folder = folders.at(os.fsdecode(request.path))
        mtime_ns = os.fstat(folder).st_mtime_ns
        with os.scandir(folder) as found:
            entries = list(islice(found, request.skip, request.skip + NAMES + 1))
            names = sorted((os.fsencode(entry.name), _what(entry)) for entry in entries[:NAMES])
    return messages.FolderListed(names, len(entries) > NAMES, mtime_ns)


def _what(entry: os.DirEntry[str]) -> str:
    if entry.is_file(follow_symlinks=False):
        return "file"
    return "folder" if entry.is_dir(follow_symlinks=False) else "other"


def file_sizes(request: messages.FileSizes) -> messages.Sizes:
    """Sizes of files, -1 for what is no regular file (any more). Raises OSError."""
    sizes: list[int] = []
    with opened(request.place) as folders:
        for path in request.paths:
            folder, _, name = os.fsdecode(path).rpartition("/")
            try:
                facts = os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                sizes.append(-1)
            else:
                sizes.append(facts.st_size if stat.S_ISREG(facts.st_mode) else -1)
    return messages.Sizes(sizes)


def make_folder(request: messages.MakeFolder) -> messages.Done:
    """Make a folder and those above it; one that is there stays. Raises OSError."""
    with opened(request.place) as folders:
        folders.at(request.path, SHARED)
        folders.sync()
    return messages.Done()
