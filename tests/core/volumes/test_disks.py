"""What the system knows of the disk below a mount."""

import os
import plistlib
from pathlib import Path

import pytest

from core.volumes.disks import Disk, disk, linux_disk, parse_diskutil

SD_CARD = {
    "BusProtocol": "Secure Digital",
    "DeviceIdentifier": "disk4s1",
    "DeviceNode": "/dev/disk4s1",
    "DiskUUID": "00000000-0000-0000-0000-000000000000",
    "Ejectable": True,
    "FilesystemName": "ExFAT",
    "FilesystemType": "exfat",
    "Internal": True,
    "MountPoint": "/Volumes/EOS_DIGITAL",
    "Removable": True,
    "RemovableMedia": True,
    "RemovableMediaOrExternalDevice": True,
    "TotalSize": 127_831_900_160,
    "VolumeName": "EOS_DIGITAL",
    "VolumeUUID": "5B0B5B0F-6E7C-3C1E-9E1F-2F6A2F4D1A10",
}
BOOT = {
    "BusProtocol": "Apple Fabric",
    "DeviceIdentifier": "disk3s5",
    "FilesystemType": "apfs",
    "Internal": True,
    "RemovableMedia": False,
    "RemovableMediaOrExternalDevice": False,
    "Size": 994_662_584_320,
    "VolumeName": "Data",
    "VolumeUUID": "A1B2C3D4-0000-4000-8000-0123456789AB",
}


def test_diskutil_tells_a_card_and_the_boot_disk() -> None:
    assert parse_diskutil(plistlib.dumps(SD_CARD)) == Disk(
        uuid="5b0b5b0f-6e7c-3c1e-9e1f-2f6a2f4d1a10",
        label="EOS_DIGITAL",
        removable=True,
        capacity=127_831_900_160,
    )
    boot = parse_diskutil(plistlib.dumps(BOOT, fmt=plistlib.FMT_BINARY))
    assert (boot.removable, boot.label, boot.capacity) == (False, "Data", 994_662_584_320)


def test_diskutil_without_a_volume_uuid_falls_back_to_the_partition() -> None:
    nameless = {key: value for key, value in SD_CARD.items() if key != "VolumeUUID"}
    assert parse_diskutil(plistlib.dumps(nameless)).uuid is None
    nameless["DiskUUID"] = "0FA1C3D4-0000-4000-8000-0123456789AB"
    assert parse_diskutil(plistlib.dumps(nameless)).uuid == "0fa1c3d4-0000-4000-8000-0123456789ab"
    external = {"Internal": False, "VolumeName": ""}
    assert parse_diskutil(plistlib.dumps(external)) == Disk(removable=True)


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"Could not find disk: disk99\n",
        b"<?xml version='1.0'?><plist version='1.0'><dict><key>Vol",
        b"bplist00",
        plistlib.dumps(["a list"]),
        plistlib.dumps({"Error": True, "ErrorMessage": "Could not find disk: disk99", "VolumeName": "x"}),
    ],
)
def test_diskutil_saying_anything_else_tells_nothing(output: bytes) -> None:
    assert parse_diskutil(output) == Disk()


def test_macos_asks_diskutil_of_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "diskutil"
    (tmp_path / "card.plist").write_bytes(plistlib.dumps(SD_CARD))
    fake.write_text(f'#!/bin/sh\n[ "$*" = "info -plist /dev/disk4s1" ] && cat "{tmp_path}/card.plist"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert disk("/dev/disk4s1", platform="darwin").label == "EOS_DIGITAL"
    assert disk("/dev/disk5s1", platform="darwin") == Disk()
    assert disk("//me@nas/Photos", platform="darwin") == Disk()


def a_block_device(sysfs: Path, bus: str, name: str, **files: str) -> None:
    """`name` in a sysfs tree: the whole disk, and its first partition."""
    whole = sysfs / "devices" / bus / "block" / name
    part = whole / f"{name}1"
    (whole / "device").mkdir(parents=True)
    part.mkdir()
    for file, text in {"removable": "0", **files}.items():
        (whole / file.replace("_", "/")).write_text(text + "\n")
    (part / "partition").write_text("1\n")
    (part / "size").write_text("2048\n")
    (sysfs / "class/block").mkdir(parents=True, exist_ok=True)
    for folder in (whole, part):
        (sysfs / "class/block" / folder.name).symlink_to(folder)


def test_linux_knows_what_is_plugged_in(tmp_path: Path) -> None:
    sysfs = tmp_path / "sys"
    a_block_device(sysfs, "pci0000:00/ata1", "sda")
    a_block_device(sysfs, "pci0000:00/ata2", "sdb", removable="1")
    a_block_device(sysfs, "pci0000:00/usb2/2-1/2-1:1.0", "sdc")
    a_block_device(sysfs, "pci0000:00/mmc_host/mmc0/mmc0:0001", "mmcblk0", device_type="SD")
    a_block_device(sysfs, "pci0000:00/mmc_host/mmc1/mmc1:0001", "mmcblk1", device_type="MMC")
    a_block_device(sysfs, "virtual", "loop0")
    removable = {
        name: linux_disk(f"/dev/{name}", sysfs=str(sysfs)).removable
        for name in ("sda1", "sda", "sdb1", "sdc1", "mmcblk01", "mmcblk11", "loop0", "absent")
    }
    assert [name for name, found in removable.items() if found] == ["sdb1", "sdc1", "mmcblk01"]
    assert linux_disk("/dev/sdb1", sysfs=str(sysfs)).capacity == 2048 * 512


def test_linux_takes_uuid_and_label_from_udev(tmp_path: Path) -> None:
    node, other = tmp_path / "sdb1", tmp_path / "sdc1"
    for file in (node, other):
        file.touch()
    for folder, name, target in (
        ("by-uuid", "ABCD-1234", node),
        ("by-uuid", "0000-0000", other),
        ("by-label", "NIKON\\x20D750\\xc3\\xa4", node),
    ):
        (tmp_path / "disk" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "disk" / folder / name).symlink_to(target)
    found = linux_disk(str(node), dev=str(tmp_path))
    assert (found.uuid, found.label) == ("abcd-1234", "NIKON D750ä")
    assert linux_disk(str(other), dev=str(tmp_path)).uuid is None
    assert linux_disk(str(other), dev=str(tmp_path / "absent")) == Disk()
