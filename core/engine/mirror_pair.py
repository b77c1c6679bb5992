"""Checks whether two places can be mirrored to each other."""

import os

from core.aio import time_limit
from core.archives import copies
from core.archives.archive import Archive
from core.errors import ArchiveAwayError, UsageError, WorkerDiedError
from core.offsite.rclone import Remote
from core.paths import display, is_remote
from core.volumes import macos_permissions
from core.workers import source_messages
from core.workers.pool import Pool, TaskFailedError


def places(source: str, target: str, *, both: bool) -> tuple[str, str]:
    """Both as absolute paths, or as names of remotes. Raises UsageError where a remote cannot be one of them."""
    found = [path if is_remote(path) else os.path.abspath(path) for path in (source, target)]
    remotes = [path for path in found if is_remote(path)]
    if len(remotes) > 1:
        raise UsageError("FROM and TO are both remotes.", "Name an archive here as one of them.")
    if remotes:
        Remote.of(remotes[0])
        if both:
            raise UsageError("a remote is mirrored in one direction.", "Leave --both.")
    return found[0], found[1]


async def apart(pool: Pool, source: Archive, target: str) -> None:
    """Raises UsageError when one archive lies within the other; ArchiveAwayError."""
    here, _ = await _above(pool, source.path)
    there, exact = await _above(pool, target)
    root = source.place.device, source.place.inode
    if root in there or (exact and there[0] in here):
        raise UsageError(
            f"{display(target)} and {display(source.path)} lie in each other.", "Give another folder."
        )


async def _above(pool: Pool, path: str) -> tuple[list[tuple[int, int]], bool]:
    """(device, inode) of a folder and all above it, or else from the nearest existing folder on; and whether the
    folder exists."""
    exact = True
    while True:
        try:
            async with time_limit(copies.OPEN_TIMEOUT), pool.worker("look") as worker:
                looked = await worker.ask(source_messages.LookAtPath(os.fsencode(path)), source_messages.Looked)
        except (TaskFailedError, WorkerDiedError):
            path, exact = os.path.dirname(path), False
        except TimeoutError as error:
            advice = macos_permissions.no_answer_advice("Mount it again.")
            raise ArchiveAwayError(f"{display(path)} does not answer.", advice) from error
        else:
            return looked.above, exact


def same(source: Archive, target: Archive) -> None:
    """Raises UsageError unless these are two copies of one archive."""
    if source.uuid != target.uuid:
        raise UsageError(
            f"{display(target.path)} is another archive, no copy of {display(source.path)}.",
            "A mirror is made in an empty folder, or brought up where one was made before. What another archive "
            "holds comes by an import of its restored trees.",
        )
