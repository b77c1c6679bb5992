"""What the system knows of the disk below a mount."""

import plistlib
import struct
from pathlib import Path

import pytest

from core.errors import VolumeError
from core.volumes import disks
from core.volumes.disks import (
    Disk,
    disk,
    linux_disk,
    linux_wholes,
    parse_diskutil,
    parse_uuid,
    parse_wholes,
    volume_uuid,
)

pytestmark = pytest.mark.process

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
    assert boot
    assert (boot.removable, boot.label, boot.capacity) == (False, "Data", 994_662_584_320)


def test_diskutil_without_a_volume_uuid_falls_back_to_the_partition() -> None:
    def uuid(keys: dict[str, object]) -> str | None:
        found = parse_diskutil(plistlib.dumps(keys))
        assert found
        return found.uuid

    nameless = {key: value for key, value in SD_CARD.items() if key != "VolumeUUID"}
    assert uuid(nameless) is None
    nameless["DiskUUID"] = "0FA1C3D4-0000-4000-8000-0123456789AB"
    assert uuid(nameless) == "0fa1c3d4-0000-4000-8000-0123456789ab"
    external = {"Internal": False, "VolumeName": ""}
    assert parse_diskutil(plistlib.dumps(external)) == Disk(removable=True)


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"Could not find disk: disk99\n",
        b"<?xml version='1.0'?><plist version='1.0'><dict><key>Vol",
        b"bplist00",
        b"Unable to run because unable to use the DiskManagement framework.\nCommon reasons include ...",
        plistlib.dumps(["a list"]),
        plistlib.dumps({"Error": True, "ErrorMessage": "Unable to get disk info", "VolumeName": "x"}),
    ],
)
def test_diskutil_saying_anything_else_is_no_answer(output: bytes) -> None:
    assert parse_diskutil(output) is None


def test_diskutil_may_know_no_such_disk() -> None:
    refusal = {"Error": True, "ErrorMessage": "Could not find disk: disk99"}
    assert parse_diskutil(plistlib.dumps(refusal)) == Disk()


@pytest.fixture
def diskutil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A diskutil(8) that knows one card; it is asked for by its absolute path."""
    fake = tmp_path / "diskutil"
    (tmp_path / "card.plist").write_bytes(plistlib.dumps(SD_CARD))
    fake.write_text(f'#!/bin/sh\n[ "$*" = "info -plist /dev/disk4s1" ] && cat "{tmp_path}/card.plist"\n')
    fake.chmod(0o755)
    monkeypatch.setattr(disks, "DISKUTIL", str(fake))
    return fake


def test_macos_asks_diskutil_of_the_device(diskutil: Path) -> None:
    assert disk("/dev/disk4s1", platform="darwin").label == "EOS_DIGITAL"
    assert disk("//me@nas/Photos", platform="darwin") == Disk()


def test_no_answer_of_diskutil_is_not_no_uuid(
    diskutil: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(VolumeError, match="/dev/disk5s1"):
        disk("/dev/disk5s1", platform="darwin")
    diskutil.write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(VolumeError):
        disk("/dev/disk4s1", 0.2, platform="darwin")
    monkeypatch.setattr(disks, "DISKUTIL", str(tmp_path / "absent"))
    with pytest.raises(VolumeError):
        disk("/dev/disk4s1", platform="darwin")


def test_diskutil_is_where_cron_does_not_look() -> None:
    assert disks.DISKUTIL == "/usr/sbin/diskutil"


# What getattrlist(2) answers to ATTR_VOL_INFO and ATTR_VOL_UUID: its length, and the UUID.
UUID = struct.pack("=I", 20) + bytes.fromhex("a1b2c3d40000400080000123456789ab")


def test_the_kernel_of_macos_tells_the_uuid_of_a_volume() -> None:
    assert parse_uuid(UUID) == "a1b2c3d4-0000-4000-8000-0123456789ab"


def say(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Have the child that asks do something else."""
    monkeypatch.setattr(disks, "_CHILD", program)


def test_a_volume_is_known_by_what_the_kernel_says(diskutil: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(device: str = "/dev/disk4s1", platform: str = "darwin", timeout: float = 60) -> str | None:
        return volume_uuid(device, "/Volumes/EOS_DIGITAL", timeout, platform)

    say(monkeypatch, "print('A1B2C3D4-0000-4000-8000-0123456789AB')")
    assert asked() == "a1b2c3d4-0000-4000-8000-0123456789ab"
    assert asked("//me@nas/Photos") is asked(platform="linux") is None
    # Its serial number is 0: msdosfs has none then.
    say(monkeypatch, "print('00000000-0000-0000-0000-000000000000')")
    assert asked() is None
    say(monkeypatch, "raise OSError(22, 'Invalid argument')")
    assert asked() is None
    say(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(VolumeError, match="EOS_DIGITAL does not answer"):
        asked(timeout=0.5)


def test_the_child_that_asks_prints_the_uuid(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(disks, "_getattrlist", {b"/Volumes/x": UUID}.__getitem__)
    disks.child("/Volumes/x")
    assert capsys.readouterr().out == "a1b2c3d4-0000-4000-8000-0123456789ab"


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


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"ParentWholeDisk": "disk4", "DeviceIdentifier": "disk4s1"}, {"disk4"}),
        (
            # An APFS volume of an external SSD: its container is a disk that is made up.
            {
                "APFSContainerReference": "disk7",
                "APFSPhysicalStores": [{"APFSPhysicalStore": "disk6s2"}],
                "ParentWholeDisk": "disk7",
            },
            {"disk6"},
        ),
        (
            {"APFSPhysicalStores": [{"APFSPhysicalStore": "disk0s2"}, {"APFSPhysicalStore": "disk12s2"}]},
            {"disk0", "disk12"},
        ),
        ({"Error": True, "ErrorMessage": "Could not find disk: disk99"}, set()),
        (["a list"], set()),
    ],
)
def test_the_disks_that_a_volume_lies_on(told: dict[str, object] | list[str], expected: set[str]) -> None:
    assert parse_wholes(plistlib.dumps(told)) == expected
    assert parse_wholes(b"no such list") == frozenset()


def test_the_disks_that_a_volume_of_linux_lies_on(tmp_path: Path) -> None:
    classes = tmp_path / "class/block"
    classes.mkdir(parents=True)
    for place in ("devices/sdb", "devices/sdb/sdb1", "devices/sdb/sdb2", "devices/sdc", "devices/dm-0"):
        (tmp_path / place).mkdir(parents=True)
        (classes / Path(place).name).symlink_to(tmp_path / place)
        if Path(place).name[-1].isdigit() and "dm" not in place:
            (tmp_path / place / "partition").write_text("1")
    (tmp_path / "devices/dm-0/slaves/sdb2").mkdir(parents=True)
    (tmp_path / "devices/dm-0/slaves/sdc").mkdir()
    found = [linux_wholes(f"/dev/{name}", str(tmp_path)) for name in ("sdb1", "sdb", "dm-0", "sdz")]
    assert found == [{"sdb"}, {"sdb"}, {"sdb", "sdc"}, set()]
