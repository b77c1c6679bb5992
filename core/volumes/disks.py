"""The disk below a mount: identity, label, size, and whether it is plugged in."""

import ctypes
import os
import plistlib
import re
import struct
import sys
import uuid
from xml.parsers.expat import ExpatError

import msgspec

from core import subprocesses
from core.errors import VolumeError
from core.paths import display
from core.volumes import macos_permissions

DISKUTIL = "/usr/sbin/diskutil"
"""An absolute path, because the PATH of cron is /usr/bin:/bin."""

# xnu, bsd/sys/attr.h: struct attrlist (bitmapcount, reserved, commonattr, volattr, dirattr, fileattr, forkattr),
# and the answer of getattrlist(2): its length, and a uuid_t.
_ATTRLIST = struct.Struct("=HH5I")
_ATTR_BIT_MAP_COUNT, _ATTR_VOL_INFO, _ATTR_VOL_UUID = 5, 0x80000000, 0x00040000
_ANSWER = struct.Struct("=I16s")

_ROOT = os.path.abspath(os.path.join(__file__, "../../.."))
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); import core.light_start; from core.volumes import disks; "
    "disks.child(sys.argv[2])"
)

_SECTOR = 512
"""Bytes in a sector as sysfs counts them, whatever the disk's own sectors are (linux/blk_types.h: SECTOR_SIZE)."""


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
    """What is known of `device` (`/dev/...`); an empty Disk for what is not a disk.

    The file system on it is not touched. macOS is asked through diskutil(8), which gets `timeout` seconds. Raises
    VolumeError when that does not answer, because then it is not known whether it is a card, or which.
    """
    if not device.startswith("/dev/"):
        return Disk()
    if platform != "darwin":
        return linux_disk(device)
    answer = subprocesses.ask([DISKUTIL, "info", "-plist", device], timeout)
    found = parse_diskutil(answer.output) if answer else None
    if found is None:
        raise VolumeError(
            f"the system does not say what {display(device)} is (diskutil).",
            "macOS may be checking that disk: try again in a minute.",
        )
    return found


def volume_uuid(device: str, mount: str, timeout: float = 10.0, platform: str = sys.platform) -> str | None:
    """The UUID by which the kernel of macOS knows the volume of `device` at `mount`, in lower case; None when it
    has none, and on other systems.

    A child process asks, because a dead volume may never answer. Raises VolumeError when no answer came in time.
    """
    if platform != "darwin" or not device.startswith("/dev/"):
        return None
    # -P: no file in the working directory is taken for a module.
    answer = subprocesses.ask([sys.executable, "-P", "-c", _CHILD, _ROOT, os.fsencode(mount)], timeout)
    if answer is None:
        advice = macos_permissions.no_answer_advice("Plug it in again, or remount it.", platform)
        raise VolumeError(f"{display(mount)} does not answer.", advice)
    return _uuid(answer.output.decode("ascii", "replace")) if answer.status == 0 else None


def child(mount: str) -> None:
    """The child process of `volume_uuid`: prints the UUID that getattrlist(2) returns, or fails."""
    sys.stdout.write(parse_uuid(_getattrlist(os.fsencode(mount))))


def parse_uuid(answer: bytes) -> str:
    """Parse the UUID out of the answer of getattrlist(2). Raises struct.error when it is too short."""
    return str(uuid.UUID(bytes=_ANSWER.unpack_from(answer)[1]))


def _getattrlist(path: bytes) -> bytes:
    """xnu, bsd/vfs/vfs_attrlist.c, getvolattrlist: EINVAL where the file system has no UUID. Raises OSError."""
    asked = _ATTRLIST.pack(_ATTR_BIT_MAP_COUNT, 0, 0, _ATTR_VOL_INFO | _ATTR_VOL_UUID, 0, 0, 0)
    room = ctypes.create_string_buffer(_ANSWER.size)
    library = ctypes.CDLL(None, use_errno=True)
    if library.getattrlist(path, asked, room, ctypes.c_size_t(len(room)), ctypes.c_ulong(0)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)
    return room.raw


def parse_diskutil(plist: bytes) -> Disk | None:
    """Parse the output of `diskutil info -plist`: an empty Disk when it knows no such disk; None when it is no
    answer, as when macOS is not ready for one.

    Keys as macOS prints them: VolumeUUID, else DiskUUID (the GUID partition's); VolumeName; TotalSize;
    RemovableMediaOrExternalDevice, which before 10.12 was RemovableMedia and Internal.
    """
    try:
        found = plistlib.loads(plist)
    except (plistlib.InvalidFileException, ExpatError, ValueError, LookupError, TypeError):
        return None
    if not isinstance(found, dict):
        return None
    if found.get("Error"):
        return Disk() if "Could not find disk" in str(found.get("ErrorMessage")) else None
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


def wholes(device: str, timeout: float = 10.0, platform: str = sys.platform) -> frozenset[str]:
    """The names of the disks that `device` (`/dev/...`) lies on; empty where they are not known, and for what is
    on no disk.

    macOS is asked through diskutil(8), which gets `timeout` seconds.
    """
    if not device.startswith("/dev/"):
        return frozenset()
    if platform != "darwin":
        return linux_wholes(device)
    answer = subprocesses.ask([DISKUTIL, "info", "-plist", device], timeout)
    return parse_wholes(answer.output) if answer else frozenset()


def parse_wholes(plist: bytes) -> frozenset[str]:
    """The names of the disks in the output of `diskutil info -plist` for a volume.

    ParentWholeDisk of an APFS volume is a synthesized disk: the disks of its container are in APFSPhysicalStores.
    """
    try:
        found = plistlib.loads(plist)
        stores = [store["APFSPhysicalStore"] for store in found.get("APFSPhysicalStores", ())]
        names = stores or [found["ParentWholeDisk"]]
        return frozenset(whole[0] for name in names if (whole := re.match(r"disk\d+", name)))
    except (plistlib.InvalidFileException, ExpatError, ValueError, LookupError, TypeError, AttributeError):
        return frozenset()


def linux_wholes(device: str, sysfs: str = "/sys") -> frozenset[str]:
    """The disks below `device` as sysfs(5) knows them: of a partition, of LUKS, LVM and RAID."""
    block = os.path.realpath(os.path.join(sysfs, "class/block", os.path.basename(os.path.realpath(device))))
    if not os.path.isdir(block):
        return frozenset()
    if os.path.exists(os.path.join(block, "partition")):
        return linux_wholes(os.path.dirname(block), sysfs)
    try:
        below = os.listdir(os.path.join(block, "slaves"))
    except OSError:
        below = []
    found = [linux_wholes(name, sysfs) for name in below]
    return frozenset().union(*found) if found else frozenset({os.path.basename(block)})


def linux_disk(device: str, dev: str = "/dev", sysfs: str = "/sys") -> Disk:
    """What udev(7) (the links in `dev`/disk) and sysfs(5) (`sysfs`/class/block) know of `device`.

    Removable is what the kernel flags so, an SD card, and any disk on USB, because the flag in sysfs says only
    whether the medium can leave the drive.
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
    text = str(value or "").strip().lower()
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
