"""What is mounted where, as the kernel tells it, without touching any of it."""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

import msgspec
import psutil

from core.volumes.filesystems import Kind, filesystem

FIRMLINKS_FILE = "/usr/share/firmlinks"
DATA_VOLUME = b"/System/Volumes/Data"
"""Where macOS mounts the writable half of its boot disk (Apple: "About the read-only system volume")."""

KERNELS = (b"/proc/", b"/sys/", b"/dev/")
"""Folders of the kernel's own; what is mounted in them, also a tmpfs, holds nobody's files (hier(7))."""


class Partition(Protocol):
    """The fields of psutil's `sdiskpart` that are used here."""

    @property
    def device(self) -> str: ...
    @property
    def mountpoint(self) -> str: ...
    @property
    def fstype(self) -> str: ...
    @property
    def opts(self) -> str: ...


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One mounted file system.

    mount: the mount point; bytes that are not UTF-8 are kept as surrogate escapes (`os.fsencode` undoes it).
    device: what is mounted: `/dev/disk4s1`, `//user@server/share`, `remote:folder` ...
    filesystem: the system's name for its type: "ext4", "apfs", "smbfs", "fuse.rclone" ...
    hidden: nothing that a person would pick: the kernel's bookkeeping, system volumes, application images.
    """

    mount: str
    device: str
    filesystem: str
    kind: Kind
    read_only: bool
    hidden: bool = False


M = TypeVar("M", bound=Mount)


def mounts() -> list[Mount]:
    """Everything mounted, in the system's order, also what is hidden. Raises OSError.

    Asks psutil, which asks the kernel and no file system: `/proc/self/mounts` on Linux, getfsstat(2) with
    MNT_NOWAIT on macOS. So a dead mount cannot hold it up. Where one is mounted over another at the same
    place only the upper one is told.
    """
    found = {part.mountpoint: part for part in psutil.disk_partitions(all=True)}
    return [from_partition(part) for part in found.values()]


def from_partition(part: Partition, platform: str = sys.platform) -> Mount:
    """The mount that psutil describes by `part` on `platform` (as in `sys.platform`)."""
    options = part.opts.split(",")
    device, name = part.device, part.fstype
    hidden = False
    if platform == "darwin":
        device, name = _live(device, name)
        # MNT_DONTBROWSE, and MNT_ROOTFS with MNT_RDONLY for the sealed system volume (mount(2)).
        # The Data volume is not browsed either, yet it is where a person's files are.
        hidden = "dontbrowse" in options or {"rootfs", "ro"} <= set(options)
        hidden = hidden and os.fsencode(part.mountpoint) != DATA_VOLUME
    elif os.fsencode(part.mountpoint).startswith(KERNELS) or (name, part.mountpoint[:5]) == ("tmpfs", "/run/"):
        hidden = True
    # An application image each (snap), on Linux.
    hidden = hidden or filesystem(name).pseudo or name == "squashfs"
    return Mount(
        mount=part.mountpoint,
        device=device,
        filesystem=name,
        kind=_kind(name, options, platform),
        read_only="ro" in options,
        hidden=hidden,
    )


def volume_of(path: bytes, volumes: Iterable[M], firmlinks: Mapping[bytes, bytes] | None = None) -> M | None:
    """The one of `volumes` that holds `path`: the longest mount point that `path` is or lies below.

    `path` is absolute and resolved: links in it are not followed, and nothing is touched. Of two with the
    same mount point the later one wins. None when no mount point fits. `firmlinks` (`read_firmlinks`, by
    default those of this machine) lead on macOS from the read-only system volume at `/` to the Data volume.
    """
    known = list(volumes)
    found = _longest(path, known)
    if found is None or found.mount != "/":
        return found
    for link, target in (_firmlinks() if firmlinks is None else firmlinks).items():
        if _below(path, link):
            linked = _longest(os.path.join(DATA_VOLUME, target) + path[len(link) :], known)
            return linked if linked and _below(os.fsencode(linked.mount), DATA_VOLUME) else found
    return found


def read_firmlinks(text: bytes) -> dict[bytes, bytes]:
    """The firmlinks in the text of macOS's `/usr/share/firmlinks`.

    Each line has a path, a tab, and where that is on the Data volume: `/Users` and `Users`.
    """
    pairs = (line.split(b"\t") for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _firmlinks(file: str = FIRMLINKS_FILE) -> dict[bytes, bytes]:
    try:
        with open(file, "rb") as stream:
            return read_firmlinks(stream.read())
    except OSError:
        return {}


def _longest(path: bytes, volumes: Iterable[M]) -> M | None:
    found, length = None, -1
    for volume in volumes:
        mount = os.fsencode(volume.mount)
        if len(mount) >= length and _below(path, mount):
            found, length = volume, len(mount)
    return found


def _below(path: bytes, folder: bytes) -> bool:
    folder = folder.rstrip(b"/")
    return path == folder or path.startswith(folder + b"/")


def _live(device: str, name: str) -> tuple[str, str]:
    """The real device and type behind "lifs", as macOS 13 and 14 call FAT and exFAT: `msdos://disk4s1/NAME`."""
    if name == "lifs" and (found := re.match(r"([a-z0-9]+)://(disk[0-9s]+)", device)):
        return f"/dev/{found[2]}", found[1]
    return device, name


def _kind(name: str, options: list[str], platform: str) -> Kind:
    kind = filesystem(name).kind
    # MNT_LOCAL, "file system is stored locally" (mount(2) of macOS). FUSE may set it for a network's too,
    # so it says nothing of a type that is not known.
    if platform == "darwin" and "local" not in options and not filesystem(name).pseudo:
        return Kind.NETWORK
    return kind
