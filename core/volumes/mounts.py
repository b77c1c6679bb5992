"""What is mounted where, as the kernel reports it, without touching any file system."""

import os
import re
import sys
from collections.abc import Iterable
from typing import Protocol, TypeVar

import msgspec
import psutil

from core.volumes.filesystems import StorageKind, filesystem
from core.volumes.mountpoint import on_volume

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

    mount: the mount point; bytes that are not UTF-8 are kept as surrogate escapes (`os.fsencode` reverts it).
    device: what is mounted: `/dev/disk4s1`, `//user@server/share`, `remote:folder` ... filesystem: the system's
    name for its type: "ext4", "apfs", "smbfs", "fuse.rclone" ... hidden: left out of lists, because no person
    would pick it: the kernel's bookkeeping, system volumes, application images. A path that a person enters may
    still lie there. address: of the server of a network mount, where the mount itself names it (Linux: NFS and
    SMB); else empty.
    """

    mount: str
    device: str
    filesystem: str
    kind: StorageKind
    read_only: bool
    hidden: bool = False
    address: str = ""


M = TypeVar("M", bound=Mount)


def mounts() -> list[Mount]:
    """Everything mounted, in the system's order, also what is hidden. Raises OSError.

    Asks psutil, which asks the kernel and no file system, so a dead mount cannot block it: `/proc/self/mounts` on
    Linux, getfsstat(2) with MNT_NOWAIT on macOS. Where one is mounted over another at the same place, only the
    upper one is returned.
    """
    found = {part.mountpoint: part for part in psutil.disk_partitions(all=True)}
    return [from_partition(part) for part in found.values()]


def from_partition(part: Partition, platform: str = sys.platform) -> Mount:
    """The mount that psutil describes by `part` on `platform` (as in `sys.platform`)."""
    options = part.opts.split(",")
    device, name = part.device, part.fstype
    hidden = False
    if platform == "darwin":
        device, name = _resolve_lifs(device, name)
        # MNT_DONTBROWSE marks the system's own volumes, which are APFS, but also the shares that autofs mounts and
        # what is mounted with `-o nobrowse`. MNT_ROOTFS and MNT_RDONLY mark the sealed system volume (xnu,
        # bsd/sys/mount.h). The Data volume has MNT_DONTBROWSE, too (mount(8) prints `nobrowse`), although it holds
        # a person's files.
        unbrowsed = "dontbrowse" in options and name == "apfs" and os.fsencode(part.mountpoint) != DATA_VOLUME
        hidden = unbrowsed or {"rootfs", "ro"} <= set(options)
    elif os.fsencode(part.mountpoint).startswith(KERNELS) or (name, part.mountpoint[:5]) == ("tmpfs", "/run/"):
        hidden = True
    # On Linux each squashfs is an application image (snap).
    hidden = hidden or filesystem(name).pseudo or name == "squashfs"
    return Mount(
        mount=part.mountpoint,
        device=device,
        filesystem=name,
        kind=_kind(name, options, platform),
        read_only="ro" in options,
        hidden=hidden,
        address=next((one.removeprefix("addr=") for one in options if one.startswith("addr=")), ""),
    )


def volume_of(path: bytes) -> Mount | None:
    """The mount that the file or folder `path` is on; None when the system does not report it.

    Raises OSError; blocks on a dead mount (see `core.volumes.probe`).
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        point, _ = on_volume(fd, os.path.realpath(path))
    finally:
        os.close(fd)
    return mounted_at(point, mounts())


def mounted_at(point: bytes, volumes: Iterable[M]) -> M | None:
    """The first of `volumes` that has the mount point `point`, which is spelled as the system does
    (`core.volumes.mountpoint`); None when there is none."""
    return next((volume for volume in volumes if os.fsencode(volume.mount) == point), None)


def _resolve_lifs(device: str, name: str) -> tuple[str, str]:
    """The real device and type behind "lifs", as macOS 13 and 14 call FAT and exFAT: `msdos://disk4s1/NAME`."""
    if name == "lifs" and (found := re.match(r"([a-z0-9]+)://(disk[0-9s]+)", device)):
        return f"/dev/{found[2]}", found[1]
    return device, name


def _kind(name: str, options: list[str], platform: str) -> StorageKind:
    kind = filesystem(name).kind
    # MNT_LOCAL, "file system is stored locally" (mount(2) of macOS). FUSE may set it for a network mount, too, so
    # it proves nothing for a type that is not known.
    if platform == "darwin" and "local" not in options and not filesystem(name).pseudo:
        return StorageKind.NETWORK
    return kind
