"""Finds out which copy of an archive is at a path.

A copy is identified by an archive's id, a volume's identity and its root on that volume. One copy is the one in
use: the first that was opened, or the one that `lading rebuild PATH` was last given. Imports, healing, moves and
background jobs only use that one; `item` holds its damage and when its files were read back. Any other copy can be
audited, checked and restored from; what an audit finds there is stored for that copy (`copy_item`). Only `lading
mirror` and `lading audit --heal` write to such a copy, even a lock file; they bring it what another copy has.

A copy on a remote (core.offsite) has the remote's name as its path, and no volume. It is the one in use only after
the catalog was rebuilt from it.

A folder that was renamed, or whose volume is mounted elsewhere, is still the same copy: either its archive.toml
has not changed since (`ArchiveFacts.mark`), or there is no archive any more at its former place on that volume. A
clone of a whole volume has the volume's identity, too, and cannot be told apart from it.
"""

import asyncio
import errno
import os
import tomllib

import msgspec

from core.aio import time_limit
from core.archives import refusal_advice
from core.archives.locate import identity_at, seen_at
from core.catalog import Catalog, CopyRow
from core.errors import (
    ArchiveAwayError,
    ArchiveCopyError,
    ArchiveError,
    ArchiveIdLostError,
    ArchiveReadOnlyError,
    WorkerDiedError,
)
from core.files.open_beneath import REFUSED
from core.paths import display, is_remote
from core.volumes import macos_permissions
from core.volumes.find_volume import VolumeFinder
from core.workers import archive_messages
from core.workers.archive_messages import ArchiveFacts
from core.workers.pool import Pool, TaskFailedError

OPEN_TIMEOUT = 20.0
"""Seconds until opening an archive times out."""

_UNSURE = "dev:/dev/"
"""Prefix of the identity of a disk without a serial number (core.volumes.volume): another disk may get the same
one."""


class Copy(msgspec.Struct, frozen=True):
    """Which copy of an archive a path holds. `number` is 0 for the copy in use, whose last known path is `in_use`.

    `archive_id` is 0 for an archive that the catalog does not know.
    """

    archive_id: int = 0
    number: int = 0
    in_use: bytes = b""

    def refusal(self, path: str) -> ArchiveCopyError:
        """The error for an attempt to write to this copy, at `path`."""
        return ArchiveCopyError(
            f"{display(path)} is a copy of the archive in use, which is at {display(self.in_use)}.",
            "Use that one; or make this copy the one in use: lading rebuild PATH. "
            "As it is, it can be audited, checked and restored from.",
        )


async def examine(
    path: str, pool: Pool, *, create: bool = False, look: bool = False, text: str = ""
) -> ArchiveFacts:
    """Open an archive and probe what its file system supports; with `look` nothing is written. A new archive gets
    `text` as its archive.toml, if given: that of the archive it is to be a copy of. Raises ArchiveError."""
    if is_remote(path):
        raise ArchiveAwayError(
            f"{display(path)} is off-site, and can only be restored from and audited.",
            f"Bring it here: lading mirror {display(path)} DIR, then lading rebuild DIR.",
        )
    absolute = os.fsencode(os.path.abspath(path))  # noqa: ASYNC240 - touches no disk
    request = archive_messages.OpenArchive(absolute, create, look, text)
    try:
        async with time_limit(OPEN_TIMEOUT), pool.worker("open") as worker:
            return await worker.ask_twice(request, ArchiveFacts)
    except TimeoutError as error:
        raise ArchiveAwayError(
            f"{display(path)} does not answer.", macos_permissions.no_answer_advice("Mount it again.")
        ) from error
    except (OSError, WorkerDiedError) as error:
        raise ArchiveError(f"{display(path)} cannot be opened: {error}.", "Try once more.") from error
    except TaskFailedError as error:
        raise refused(path, error, create=create, look=look) from error


async def begin_copy(path: str, like: str, pool: Pool, catalog: Catalog) -> None:
    """Make an empty copy, at `path`, of the archive at `like`, unless there is an archive already. Raises
    ArchiveError.

    None is made at a path where one was seen before: its volume is not mounted then, and the new archive would be
    written to the disk below the mount point.
    """
    try:
        await examine(path, pool, look=True)
    except ArchiveIdLostError:
        raise
    except ArchiveAwayError:
        if await seen_at(os.path.abspath(os.fsencode(path)), catalog):  # noqa: ASYNC240
            raise
        text = (await examine(like, pool, look=True)).text
        await examine(path, pool, create=True, text=text)


def refused(path: str, error: TaskFailedError, *, create: bool = False, look: bool = False) -> ArchiveError:
    """The error for an archive that cannot be opened, for a person."""
    if error.detail == "NoIdError":
        return lost_id(path, "there is no .lading/archive.toml")
    if not create and error.detail == "FileNotFoundError":
        return ArchiveAwayError(
            f"there is no archive at {display(path)}.",
            "Check the path, and that its volume is mounted. Where one was before, no new one is made.",
        )
    if error.fault.lost and error.fault.code not in REFUSED:
        return ArchiveAwayError(f"{display(path)} does not answer: {error.fault.text}.", "Mount it again.")
    if not look:
        return unwritable(path, error)
    return ArchiveError(f"{display(path)} cannot be read: {error.fault.text}.", _advice(path, error))


def _advice(path: str, error: TaskFailedError) -> str:
    if error.fault.code not in (errno.EACCES, errno.EPERM):
        return refusal_advice.advice(error.fault.code)
    return macos_permissions.permission_advice(error.fault.code, os.environ) or (
        "For an archive that several people fill, they need a group in common that may read and write there: "
        f"chgrp -R GROUP {display(path)}; chmod -R g+rwX {display(path)}; "
        f"find {display(path)} -type d -exec chmod g+s {{}} +; and umask 002 for all of them."
    )


def unwritable(path: str, error: TaskFailedError) -> ArchiveError:
    """The error for an archive that cannot be written to, for a person."""
    if error.fault.code == errno.EROFS:
        return ArchiveReadOnlyError(
            f"{display(path)} is on a volume that is mounted read-only.",
            "Mount it so that it can be written to. As it is, it can be audited, checked and restored from.",
        )
    if error.fault.code in (errno.EACCES, errno.EPERM):
        return ArchiveReadOnlyError(
            f"you may not write to {display(path)}: {error.fault.text}.", _advice(path, error)
        )
    return ArchiveError(f"{display(path)} cannot be opened for writing: {error.fault.text}.", _advice(path, error))


def lost_id(path: str, why: str) -> ArchiveIdLostError:
    """The error for an archive whose id cannot be read."""
    return ArchiveIdLostError(
        f"{display(path)} holds an archive, but {why}.",
        "lading rebuild PATH brings it back from the journals and receipts there.",
    )


def uuid_of(facts: ArchiveFacts) -> str:
    """The id in archive.toml. Raises ArchiveIdLostError."""
    try:
        return str(tomllib.loads(facts.text)["id"])
    except tomllib.TOMLDecodeError as error:
        raise lost_id(os.fsdecode(facts.root), f"its .lading/archive.toml is damaged: {error}") from error
    except KeyError as error:
        raise lost_id(os.fsdecode(facts.root), "its .lading/archive.toml is empty or damaged") from error


async def recognised(facts: ArchiveFacts, pool: Pool, catalog: Catalog) -> Copy:
    """Find out which copy of which archive was opened. If it is not the one in use, the catalog records where it
    was seen.

    Raises ArchiveError.
    """
    uuid = uuid_of(facts)
    known = await catalog.copies(uuid)
    if not known:
        return Copy()
    volume, root = await asyncio.to_thread(identity_at, facts.mount), facts.below
    main = known[0]
    here = CopyRow(0, main.archive_id, facts.root, volume, root, facts.fsid, facts.mark)
    same = next((one for one in known if here.mark and here.mark == one.mark), None)
    same = same or next((one for one in known if at_one_place(here, one)), None)
    if same is None and await _moved(main, here, (facts.device, facts.inode), uuid, pool):
        same = main
    if same and not volume and same.root == root:
        here = msgspec.structs.replace(here, volume=same.volume)
    if same is main:
        return Copy(main.archive_id, 0, here.path)
    number = same.number if same else 0
    number = await catalog.copy_seen(msgspec.structs.replace(here, number=number))
    return Copy(main.archive_id, number, main.path)


def at_one_place(one: CopyRow, other: CopyRow) -> bool:
    if not one.volume or not other.volume:
        return one.path == other.path
    if (one.volume, one.root) != (other.volume, other.root):
        return False
    unsure = one.volume.startswith(_UNSURE) and one.fsid and other.fsid
    return not unsure or one.fsid == other.fsid


async def _moved(main: CopyRow, here: CopyRow, identity: tuple[int, int], uuid: str, pool: Pool) -> bool:
    """Whether `here` is the copy in use at a new path: on the same volume, with no archive left at the former
    path; or with that path leading to this same folder, if one of the two volumes is not known. That one may be
    another disk, and what was read back on the first would be said of files that nobody has read."""
    if is_remote(main.path):
        return False
    if main.volume and here.volume and (main.volume != here.volume or main.root == here.root):
        return False
    one_volume = main.volume == here.volume
    places = [main.path]
    if main.volume and one_volume:
        try:
            places = await asyncio.to_thread(VolumeFinder().places, main.volume, main.root)
        except OSError:
            return False
    for place in places:
        try:
            async with time_limit(OPEN_TIMEOUT), pool.worker("look") as worker:
                request = archive_messages.OpenArchive(place, create=False, look=True)
                found = await worker.ask(request, ArchiveFacts)
        except TaskFailedError as error:
            if error.detail not in ("FileNotFoundError", "NotADirectoryError"):
                return False
        except (TimeoutError, WorkerDiedError, OSError):
            return False
        else:
            if (found.device, found.inode) == identity:
                return True
            if uuid in found.text:
                return False
    return one_volume
