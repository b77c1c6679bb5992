"""The volumes a person can pick: what they are, how they are known again, and whether they answer."""

import os
import re
from collections.abc import Iterable

from core.beside import each
from core.volumes.disks import Disk, disk
from core.volumes.filesystems import Kind
from core.volumes.mounts import Mount, mounts
from core.volumes.probe import Probe, probe
from core.volumes.space import Space


class Volume(Mount, frozen=True, kw_only=True):
    """A mount, with what is known of its disk and what a look at it found.

    removable: a card, or a disk on an external bus.
    name: the volume's label, else the last part of its mount point.
    identity: the same whenever and wherever this volume is mounted (`identity`).
    camera: a short word for the camera whose card this is.
    space: None when the volume does not answer or nobody has looked.
    answers: False when a look at it found nothing in time. True when nobody has looked.
    error: why it, or a part of it, could not be looked at, in the system's words.
    """

    removable: bool
    name: str
    identity: str
    camera: str | None = None
    space: Space | None = None
    answers: bool = True
    error: str = ""


def volumes(timeout: float = 5.0, among: Iterable[Mount] | None = None) -> list[Volume]:
    """Every volume that a person would pick, in the system's order. Raises OSError.

    Each is described and looked at, all side by side, in child processes that get `timeout` seconds: a
    volume that is dead is listed as one that does not answer, and holds up nothing. `among` replaces
    the mounts of the system. A file mounted over a file, as containers do, is left out.
    """
    chosen = [mount for mount in (mounts() if among is None else among) if not mount.hidden]

    def found(mount: Mount) -> tuple[Disk, Probe]:
        return disk(mount.device, timeout), probe(os.fsencode(mount.mount), timeout)

    return [
        volume(mount, below, looked)
        for mount, (below, looked) in zip(chosen, each(found, chosen), strict=True)
        if looked.directory or looked.error
    ]


def describe(mount: Mount, timeout: float = 10.0) -> Volume:
    """The volume of `mount`, without touching its file system: no room, no camera.

    `timeout` is in seconds, for diskutil(8) on macOS.
    """
    return volume(mount, disk(mount.device, timeout), Probe(answers=True, directory=True))


def volume(mount: Mount, below: Disk, looked: Probe) -> Volume:
    """The volume that `mount`, the disk below it and a look at it make up."""
    return Volume(
        mount=mount.mount,
        device=mount.device,
        filesystem=mount.filesystem,
        kind=mount.kind,
        read_only=mount.read_only,
        hidden=mount.hidden,
        removable=below.removable,
        name=below.label or os.path.basename(mount.mount.rstrip("/")) or "/",
        identity=identity(mount, below),
        camera=looked.camera,
        space=looked.space,
        answers=looked.answers,
        error=looked.error,
    )


def identity(mount: Mount, below: Disk) -> str:
    """A text that stays with a volume while it is unplugged, renamed and mounted elsewhere.

    - `net:` and what is mounted, for a network's: its password left out, its host in lower case. The user
      stays, because one share name can hold other files for another user. A server reached by two names
      counts as two volumes.
    - `uuid:` and the file system's UUID where it has one. On FAT and exFAT that is a number of 32 bits, which
      two cards may share.
    - else `dev:`, the device, the type and the capacity in bytes; for what is not on a disk (tmpfs, FUSE, a
      ZFS dataset) its mount point instead of the capacity. This is a fallback: another card of one size in
      the same slot looks the same.
    """
    if mount.kind is Kind.NETWORK:
        return "net:" + _shared(mount.device)
    if below.uuid:
        return "uuid:" + below.uuid
    last = mount.mount if below.capacity is None else str(below.capacity)
    return f"dev:{mount.device}:{mount.filesystem}:{last}"


def _shared(device: str) -> str:
    """`//user:secret@NAS/Photos` and `https://NAS/Photos` without the secret; other forms as they are."""
    found = re.fullmatch(r"((?:[a-z0-9+.-]+:)?//)(?:([^/@]*)@)?([^/]*)(.*)", device, re.DOTALL)
    if not found:
        return device
    scheme, user, host, rest = found.groups()
    return scheme + (user.partition(":")[0] + "@" if user else "") + host.lower() + rest.rstrip("/")
