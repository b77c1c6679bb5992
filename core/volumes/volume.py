"""The volumes a person can pick: what they are, how they are identified, and whether they answer."""

import os
import re
from collections.abc import Iterable

import msgspec

from core.errors import VolumeError
from core.threads import each
from core.volumes.disks import Disk, disk, volume_uuid
from core.volumes.filesystems import StorageKind
from core.volumes.mounts import Mount, mounts
from core.volumes.probe import VolumeProbe, probe
from core.volumes.space import Space


class Volume(Mount, frozen=True, kw_only=True):
    """A mount, with what is known of its disk and what probing it found.

    removable: a card, or a disk on an external bus.
    name: the volume's label, else the last part of its mount point.
    identity: the same whenever and wherever this volume is mounted (`identity`); empty where the system does not
        say which disk it is. Then `removable` and `name` are not known either, and `error` says so.
    camera: a short name of the camera whose card this is.
    space: None when the volume does not answer or was not probed.
    answers: False when probing it found nothing in time. True when it was not probed.
    error: why it, or a part of it, could not be probed, in the system's words.
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

    All are described and probed in parallel, in child processes that get `timeout` seconds, so a dead volume is
    listed as one that does not answer, and delays nothing else. `among` replaces the mounts of the system. A file
    mounted over a file, as containers do, is left out.
    """
    chosen = [mount for mount in (mounts() if among is None else among) if not mount.hidden]

    def examine(mount: Mount) -> tuple[VolumeProbe, Volume]:
        looked = probe(os.fsencode(mount.mount), timeout)
        try:
            return looked, volume(mount, _disk(mount, timeout), looked)
        except VolumeError as error:
            looked = msgspec.structs.replace(looked, error=looked.error or error.cause)
            return looked, msgspec.structs.replace(volume(mount, Disk(), looked), identity="")

    return [one for looked, one in each(examine, chosen) if looked.directory or looked.error]


def describe(mount: Mount, timeout: float = 10.0) -> Volume:
    """The volume of `mount`, without probing it: no space, no camera. Raises VolumeError.

    `timeout` is in seconds, for asking macOS (`disk`).
    """
    return volume(mount, _disk(mount, timeout), VolumeProbe(answers=True, directory=True))


def identify(mount: Mount) -> str:
    """The identity that `describe` gives `mount`, but without asking diskutil(8) where the kernel knows it. Raises
    VolumeError."""
    uuid = volume_uuid(mount.device, mount.mount)
    return identity(mount, Disk(uuid=uuid) if uuid else disk(mount.device))


def _disk(mount: Mount, timeout: float) -> Disk:
    uuid = volume_uuid(mount.device, mount.mount, timeout)
    found = disk(mount.device, timeout)
    return msgspec.structs.replace(found, uuid=uuid) if uuid else found


def volume(mount: Mount, below: Disk, looked: VolumeProbe) -> Volume:
    """The volume made of `mount`, the disk below it and the result of a probe."""
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

    - `net:` and what is mounted, for a network mount: without the password, the host in lower case. The user
      stays, because one share name can hold other files for another user. A server reached by two names counts as
      two volumes.
    - `uuid:` and the file system's UUID where it has one. On FAT and exFAT that is a number of 32 bits, which two
      cards may share.
    - else `dev:`, the device, the type and the capacity in bytes; for what is not on a disk (tmpfs, FUSE, a ZFS
      dataset) its mount point instead of the capacity. This is a fallback: another card of the same size in the
      same slot looks the same.
    """
    if mount.kind is StorageKind.NETWORK:
        return "net:" + _without_secret(mount.device)
    if below.uuid:
        return "uuid:" + below.uuid
    last = mount.mount if below.capacity is None else str(below.capacity)
    return f"dev:{mount.device}:{mount.filesystem}:{last}"


def is_reliable_identity(identity: str) -> bool:
    """Whether an identity belongs to the volume itself. One that begins with `dev:` does not: another card of the
    same size in the same slot has it, too."""
    return not identity.startswith("dev:")


def _without_secret(device: str) -> str:
    """`//user:secret@NAS/Photos` and `https://NAS/Photos` without the secret; other forms unchanged."""
    found = re.fullmatch(r"((?:[a-z0-9+.-]+:)?//)(?:([^/@]*)@)?([^/]*)(.*)", device, re.DOTALL)
    if not found:
        return device
    scheme, user, host, rest = found.groups()
    return scheme + (user.partition(":")[0] + "@" if user else "") + host.lower() + rest.rstrip("/")
