"""The disk below a mount: identity, label, size, and whether it is plugged in."""

import os
import plistlib
import re
import sys
from xml.parsers.expat import ExpatError

import msgspec

from core import command

_SECTOR = 512
"""Bytes in the sectors that sysfs counts, whatever the disk's own are (linux/blk_types.h: SECTOR_SIZE)."""


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """What the system knows of the disk or partition below a mount.

    uuid: lower case, of the file system, else of the partition; None when there is none or it is all zeros,
        as on a card that a camera formatted without giving it a number.
    label: the volume's name; empty when it has none.
    removable: a card, or a disk on an external bus.
    capacity: in bytes; None when it is not known.
    """

    uuid: str | None = None
    label: str = ""
    removable: bool = False
    capacity: int | None = None


def disk(device: str, timeout: float = 10.0, platform: str = sys.platform) -> Disk:
    """What is known of `device` (`/dev/...`); nothing at all for what is not a disk.

    The file system on it is not touched. macOS is asked through diskutil(8), which gets `timeout` seconds.
    """
    if not device.startswith("/dev/"):
        return Disk()
    if platform != "darwin":
        return linux_disk(device)
    answer = command.ask(["diskutil", "info", "-plist", device], timeout)
    return parse_diskutil(answer.output) if answer else Disk()


def parse_diskutil(plist: bytes) -> Disk:
    """The disk in what `diskutil info -plist` prints; nothing is known of what is not such a list.

    Keys as macOS prints them: VolumeUUID, else DiskUUID (the GUID partition's); VolumeName; TotalSize;
    RemovableMediaOrExternalDevice, which before 10.12 was RemovableMedia and Internal.
    """
    try:
        found = plistlib.loads(plist)
    except (plistlib.InvalidFileException, ExpatError, ValueError, LookupError, TypeError):
        return Disk()
    if not isinstance(found, dict) or found.get("Error"):
        return Disk()
    size = found.get("TotalSize", found.get("Size"))
    return Disk(
        uuid=_uuid(found.get("VolumeUUID")) or _uuid(found.get("DiskUUID")),
        label=str(found.get("VolumeName") or ""),
        removable=bool(
            found.get("RemovableMediaOrExternalDevice")
            or found.get("RemovableMedia")
            or found.get("Internal") is False
        ),
        capacity=size if isinstance(size, int) and size > 0 else None,
    )


def linux_disk(device: str, dev: str = "/dev", sysfs: str = "/sys") -> Disk:
    """What udev(7) (the links in `dev`/disk) and sysfs(5) (`sysfs`/class/block) know of `device`.

    Removable is what the kernel calls so, an SD card, and any disk on USB: the bit in sysfs says only
    whether the medium leaves the drive.
    """
    node = os.path.realpath(device)
    block = os.path.realpath(os.path.join(sysfs, "class/block", os.path.basename(node)))
    whole = os.path.dirname(block) if os.path.exists(os.path.join(block, "partition")) else block
    sectors = _text(os.path.join(block, "size"))
    return Disk(
        uuid=_uuid(_link_to(node, os.path.join(dev, "disk/by-uuid"))),
        label=_unescaped(_link_to(node, os.path.join(dev, "disk/by-label")) or ""),
        removable=_text(os.path.join(whole, "removable")) == "1"
        or _text(os.path.join(whole, "device/type")) == "SD"
        or re.search(r"/usb\d+/", whole) is not None,
        capacity=int(sectors) * _SECTOR if sectors.isdigit() and sectors != "0" else None,
    )


def _uuid(value: object) -> str | None:
    text = str(value or "").lower()
    return text if text.strip("0-") else None


def _link_to(node: str, folder: str) -> str | None:
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    return next((name for name in names if os.path.realpath(os.path.join(folder, name)) == node), None)


def _unescaped(name: str) -> str:
    r"""A label as libblkid writes it in a file name, with `\x20` for a blank (ID_FS_LABEL_ENC)."""
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), os.fsencode(name))
    return os.fsdecode(raw)


def _text(file: str) -> str:
    try:
        with open(file, encoding="ascii") as stream:
            return stream.read().strip()
    except (OSError, ValueError):
        return ""
