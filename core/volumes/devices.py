"""Which physical devices a mounted volume lies on: two partitions of one disk lie on one."""

import os
import re
from collections.abc import Sequence

from core.volumes import disks
from core.volumes.filesystems import StorageKind
from core.volumes.mounts import Mount, mounted_at, mounts

_HOST = re.compile(
    r"(?:[a-z0-9+.-]+:)?//(?:[^/@]*@)?(\[[^\]]+\]|[^/:]+)"  # //user@nas/share, https://nas:8080/share
    r"|(?:[^/@:]*@)?(\[[^\]]+\]|[^/:@]+):"  # nas:/export, user@nas:folder
)

NESTED_IMAGES = 4
"""The most disk images nested in one another that are resolved."""


def devices_at(point: bytes) -> frozenset[str]:
    """The devices of the volume with the mount point `point`, by names that are valid while it is mounted; empty
    where they are not known. Touches no file system, but may ask diskutil(8). Raises OSError."""
    found = mounts()
    mount = mounted_at(point, found)
    return devices(mount, found) if mount else frozenset()


def devices(
    mount: Mount, others: Sequence[Mount], sysfs: str = "/sys", depth: int = NESTED_IMAGES
) -> frozenset[str]:
    """The disks that a mount lies on, or the server that it comes from; empty where they are not known. `others`:
    everything mounted, to find the volume that holds an image's file."""
    if mount.kind is StorageKind.NETWORK:
        host = _HOST.match(mount.device)
        return frozenset({f"server {(host[1] or host[2]).lower()}"}) if host else frozenset()
    below: set[str] = set()
    for whole in disks.wholes(mount.device):
        file = _image(whole, sysfs)
        if not file:
            below.add(whole)
            continue
        holder = _holding(file, others)
        found = devices(holder, others, sysfs, depth - 1) if holder and depth else frozenset[str]()
        if not found:
            return frozenset()  # one part of it may lie anywhere
        below |= found
    return frozenset(below)


def _image(whole: str, sysfs: str) -> str:
    """The file that a loop device shows as a disk (losetup(8)); empty for any other device."""
    try:
        with open(os.path.join(sysfs, "block", whole, "loop/backing_file"), encoding="utf-8") as stream:
            return stream.read().strip()
    except (OSError, ValueError):
        return ""


def _holding(file: str, others: Sequence[Mount]) -> Mount | None:
    """The mount that a path lies on, by comparing names alone."""
    around = [mount for mount in others if os.path.join(file, "").startswith(os.path.join(mount.mount, ""))]
    return max(around, key=lambda mount: len(mount.mount), default=None)


def distinct(volumes: Sequence[frozenset[str]]) -> int:
    """How many of these volumes lie on devices of their own: those that share one count as one.

    A volume whose devices are not known may share any of the others', so it counts only where nothing else does.
    """
    groups: list[set[str]] = []
    for volume in volumes:
        if volume:
            shared = [group for group in groups if group & volume]
            groups = [group for group in groups if not group & volume]
            groups.append(set(volume).union(*shared))
    return len(groups) or min(1, len(volumes))
