"""Volumes: what the system says of them, how they are known again, and those that are dead."""

import ctypes
import os
import plistlib
import shutil
import struct
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from core import command, probe
from core.camera import camera
from core.disks import Disk, disk, linux_disk, parse_diskutil
from core.filesystems import Kind
from core.mounts import Mount, from_partition, mounts, read_firmlinks, volume_of
from core.space import Space, parse_statfs, space
from core.volumes import describe, identity, volumes

TIB = 1024**4

root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux")


class Part(NamedTuple):
    """As psutil's sdiskpart."""

    device: str
    mountpoint: str
    fstype: str
    opts: str


def a_mount(mount: str, device: str = "/dev/sda1", filesystem: str = "ext4", kind: Kind = Kind.LOCAL) -> Mount:
    return Mount(mount=mount, device=device, filesystem=filesystem, kind=kind, read_only=False)


# What psutil gives from /proc/self/mounts.


@pytest.mark.parametrize(
    ("device", "fstype", "kind"),
    [
        ("/dev/sdb1", "exfat", Kind.LOCAL),
        ("/dev/sdb1", "fuseblk", Kind.LOCAL),
        ("tmpfs", "tmpfs", Kind.MEMORY),
        ("//nas/photos", "cifs", Kind.NETWORK),
        ("nas:/export", "nfs4", Kind.NETWORK),
        ("gdrive:archive", "fuse.rclone", Kind.NETWORK),
        ("smbnetfs", "fuse.smbnetfs", Kind.NETWORK),
        ("me@host:", "fuse.sshfs", Kind.NETWORK),
        ("gdrive:archive", "fuse.renamed", Kind.UNKNOWN),
    ],
)
def test_linux_kinds_come_from_the_type_and_not_the_path(device: str, fstype: str, kind: Kind) -> None:
    for place in ("/mnt/a", "/Volumes/a", "/net/a", "/media/me/a"):
        mount = from_partition(Part(device, place, fstype, "rw,nosuid,relatime"), "linux")
        assert (mount.kind, mount.read_only, mount.hidden) == (kind, False, False)


def test_linux_bookkeeping_is_hidden() -> None:
    for fstype in ("proc", "cgroup2", "autofs", "squashfs"):
        assert from_partition(Part(fstype, "/x", fstype, "ro"), "linux").hidden


# What psutil gives from getfsstat(2) on macOS.


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (
            Part("/dev/disk4s1", "/Volumes/EOS_DIGITAL", "exfat", "rw,nosuid,local,ignore-ownership,noatime"),
            Kind.LOCAL,
        ),
        (Part("//me@nas._smb._tcp.local/Photos", "/Volumes/Photos", "smbfs", "rw,nosuid"), Kind.NETWORK),
        (Part("//me@nas._smb._tcp.local/Photos", "/Users/me/nas", "smbfs", "rw,nosuid"), Kind.NETWORK),
        (Part("nas:/volume1", "/Volumes/volume1", "nfs", "rw,local"), Kind.NETWORK),
        (Part("somebody", "/Volumes/x", "neverheardof", "rw,nosuid"), Kind.NETWORK),
        (Part("somebody", "/Volumes/x", "neverheardof", "rw,nosuid,local"), Kind.UNKNOWN),
        (Part("me@host:", "/Volumes/x", "macfuse", "rw,nosuid"), Kind.NETWORK),
        (Part("me@host:", "/Volumes/x", "macfuse", "rw,nosuid,local"), Kind.UNKNOWN),
    ],
)
def test_macos_kinds_come_from_the_type_and_the_local_flag(part: Part, kind: Kind) -> None:
    assert from_partition(part, "darwin").kind is kind


def test_macos_13_hides_the_type_of_a_card_in_its_device() -> None:
    card = from_partition(Part("msdos://disk12s1/RM SD CARD", "/Volumes/RM SD CARD", "lifs", "rw,local"), "darwin")
    assert (card.device, card.filesystem, card.kind) == ("/dev/disk12s1", "msdos", Kind.LOCAL)


MAC = [
    Part("/dev/disk3s1s1", "/", "apfs", "ro,local,rootfs,dovolfs,journaled"),
    Part("devfs", "/dev", "devfs", "rw,local,dontbrowse"),
    Part("/dev/disk3s6", "/System/Volumes/VM", "apfs", "rw,local,dontbrowse,journaled"),
    Part("/dev/disk3s5", "/System/Volumes/Data", "apfs", "rw,local,dovolfs,dontbrowse,journaled"),
    Part("map auto_home", "/System/Volumes/Data/home", "autofs", "rw,dontbrowse,automounted"),
    Part("/dev/disk4s1", "/Volumes/EOS_DIGITAL", "exfat", "ro,nosuid,local"),
]


def test_macos_lists_what_a_person_would_pick() -> None:
    shown = [mount for mount in (from_partition(part, "darwin") for part in MAC) if not mount.hidden]
    assert [(mount.mount, mount.read_only) for mount in shown] == [
        ("/System/Volumes/Data", False),
        ("/Volumes/EOS_DIGITAL", True),
    ]


def test_a_macos_path_belongs_to_the_data_volume_through_its_firmlink() -> None:
    links = read_firmlinks(
        b"/AppleInternal\tAppleInternal\n/Users\tUsers\n/Volumes\tVolumes\n/usr/local\tusr/local\n\n"
    )
    known = [from_partition(part, "darwin") for part in MAC]

    def place(path: bytes) -> str:
        found = volume_of(path, known, links)
        return found.mount if found else ""

    assert place(b"/Users/me/Pictures") == "/System/Volumes/Data"
    assert place(b"/usr/local") == "/System/Volumes/Data"
    assert place(b"/usr/bin") == "/"
    assert place(b"/Usersome") == "/"
    assert place(b"/Volumes/EOS_DIGITAL/DCIM") == "/Volumes/EOS_DIGITAL"
    assert place(b"/System/Volumes/Data/home/me") == "/System/Volumes/Data/home"
    other = [from_partition(Part("/dev/sda1", "/", "ext4", "rw"), "linux")]
    assert volume_of(b"/Users/me", other, links) == other[0]


def test_a_path_belongs_to_the_longest_mount_point_by_components() -> None:
    known = [a_mount("/"), a_mount("/mnt/card"), a_mount("/mnt/card/sub"), a_mount("/mnt/b\udcff")]
    assert volume_of(b"/mnt/card/DCIM/a.jpg", known, {}) == known[1]
    assert volume_of(b"/mnt/card", known, {}) == known[1]
    assert volume_of(b"/mnt/card2/a.jpg", known, {}) == known[0]
    assert volume_of(b"/mnt/card/sub/a", known, {}) == known[2]
    assert volume_of(b"/mnt/b\xff/a", known, {}) == known[3]
    assert volume_of(b"/mnt/b", known, {}) == known[0]
    assert volume_of(b"/elsewhere", known[1:], {}) is None
    over = a_mount("/mnt/card", device="/dev/sdz1")
    assert volume_of(b"/mnt/card/a", [*known, over], {}) == over


# Disks.

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


# Identity.


def test_a_card_is_known_by_its_uuid_wherever_it_is() -> None:
    below = Disk(uuid="abcd-1234")
    assert identity(a_mount("/a"), below) == identity(a_mount("/b", device="/dev/sdq1"), below) == "uuid:abcd-1234"


@pytest.mark.parametrize(
    ("device", "known"),
    [
        ("//me@NAS._smb._tcp.local/Photos", "net://me@nas._smb._tcp.local/Photos"),
        ("//DOMAIN;me:secret@nas/Photos/", "net://DOMAIN;me@nas/Photos"),
        ("//nas/Photos", "net://nas/Photos"),
        ("https://me:secret@Cloud/dav", "net:https://me@cloud/dav"),
        ("nas:/export/photos", "net:nas:/export/photos"),
        ("gdrive:archive", "net:gdrive:archive"),
    ],
)
def test_a_share_is_known_by_what_is_mounted_without_its_secret(device: str, known: str) -> None:
    assert identity(a_mount("/a", device, "smbfs", Kind.NETWORK), Disk(uuid="not asked")) == known


def test_what_has_no_uuid_is_known_by_device_type_and_capacity() -> None:
    assert identity(a_mount("/a"), Disk(capacity=4096)) == "dev:/dev/sda1:ext4:4096"
    assert identity(a_mount("/a", "tmpfs", "tmpfs", Kind.MEMORY), Disk()) == "dev:tmpfs:tmpfs:/a"


# Room.


def test_room_is_right_past_four_tib_on_macos() -> None:
    blocks = 14 * TIB // 1024
    assert blocks > 2**32
    data = struct.pack("=IiQQQ", 1024, 1048576, blocks, blocks // 2, blocks // 4) + bytes(2120)
    assert parse_statfs(data) == Space(14 * TIB, 7 * TIB, 7 * TIB // 2)


def test_room_of_a_folder() -> None:
    found = space(b"/")
    assert found.total >= found.free >= found.available > 0
    with pytest.raises(OSError, match="No such file"):
        space(b"/no such folder")


# Cameras.


@pytest.mark.parametrize(
    ("paths", "word"),
    [
        ("DCIM/100CANON DCIM/CANONMSC MISC", "Canon"),
        ("DCIM/100EOSR3 DCIM/CANONMSC MISC", "Canon"),
        ("DCIM/100ND300 NIKON001.DSC", "Nikon"),
        ("dcim/101nikon", "Nikon"),
        ("DCIM/100_PANA PRIVATE/AVCHD", "Panasonic"),
        ("DCIM/100MSDCF PRIVATE/M4ROOT PRIVATE/AVCHD", "Sony"),
        ("DCIM PRIVATE/M4ROOT PRIVATE/SONY", "Sony"),
        ("DCIM/100GOPRO MISC", "GoPro"),
        ("DCIM/100MEDIA MISC", "DJI"),
        ("DCIM/DJI_001", "DJI"),
        ("DCIM/100APPLE", "Apple"),
        ("DCIM/100_FUJI", "Fujifilm"),
        ("DCIM/100CANON DCIM/101MSDCF", "Canon + Sony"),
        ("PRIVATE/AVCHD", "AVCHD"),
        ("CONTENTS/CLIP CONTENTS/VIDEO CONTENTS/AUDIO LASTCLIP.TXT", "P2"),
        ("CONTENTS/CLIPS001 CONTENTS/JOURNAL DCIM", "Canon XF"),
        ("XDROOT/Clip XDROOT/Sub", "Sony XDCAM"),
        ("BPAV/CLPR", "Sony XDCAM"),
        ("A001_C001_0101AB.RDC", "RED"),
        ("A001.RDM/A001_C001_0101AB.RDC", "RED"),
        ("DCIM/100WEIRD", "camera"),
        ("DCIM", "camera"),
        ("CONTENTS/novel.txt PRIVATE/diary.txt", None),
        ("photos/DCIM", None),
        ("", None),
    ],
)
def test_cards_are_recognised(paths: str, word: str | None) -> None:
    tree: dict[str, list[str]] = {}
    for path in paths.split():
        folder, _, child = path.partition("/")
        tree.setdefault(folder, []).extend([child] if child else [])
    asked: list[str] = []

    def children(folder: str) -> Collection[str]:
        asked.append(folder)
        return tree[folder]

    assert camera(tree, children) == word
    assert len(asked) == len(set(asked))


# Looking, for real.


def test_a_look_finds_room_and_camera(tmp_path: Path) -> None:
    card = tmp_path / os.fsdecode(b"card \xff\n$(x)")
    (card / "DCIM" / "100CANON").mkdir(parents=True)
    found = probe.probe(os.fsencode(card), 60)
    assert (found.answers, found.directory, found.camera, found.error) == (True, True, "Canon", "")
    assert found.space is not None
    assert found.space.total == space(os.fsencode(card)).total


def test_a_look_does_not_follow_links_off_the_card(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "100CANON").mkdir(parents=True)
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "DCIM").symlink_to(tmp_path / "elsewhere")
    assert probe.look(os.fsencode(tmp_path / "card")).camera == "camera"


def test_a_look_at_nothing_says_why(tmp_path: Path) -> None:
    found = probe.probe(os.fsencode(tmp_path / "absent"), 60)
    assert (found.answers, found.directory, found.error) == (True, False, "No such file or directory")


def test_a_look_that_breaks_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_CHILD", "raise SystemExit(9)")
    found = probe.probe(b"/", 60)
    assert (found.answers, found.error) == (False, "the look at it failed (exit status 9)")


def test_a_look_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(probe, "_CHILD", "import os; os.kill(os.getpid(), 19)")
    found = probe.probe(os.fsencode(tmp_path), 1)
    assert (found.answers, found.error) == (False, "does not answer")
    dead = a_mount(str(tmp_path))
    listed = volumes(1, [dead])
    assert [(one.mount, one.answers, one.space) for one in listed] == [(str(tmp_path), False, None)]


def test_the_listing_has_the_disk_this_runs_on() -> None:
    here = volume_of(os.path.realpath(os.fsencode(sys.prefix)), mounts())
    assert here is not None
    described = describe(here)
    assert described.identity
    assert described.name
    if not here.hidden:
        (listed,) = volumes(60, [here])
        assert listed.space is not None
        assert (listed.identity, listed.camera) == (described.identity, None)


def test_a_file_mounted_over_a_file_is_no_volume(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").touch()
    assert volumes(60, [a_mount(str(tmp_path / "resolv.conf"))]) == []


def the_mount(place: Path) -> Mount:
    (found,) = [mount for mount in mounts() if mount.mount == str(place)]
    return found


@root
def test_tmpfs_is_memory(tmp_path: Path) -> None:
    place = tmp_path / "a b\\c\n"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(place)], check=True)
    try:
        found = the_mount(place)
        assert (found.kind, found.read_only) == (Kind.MEMORY, True)
        assert volume_of(os.fsencode(place / "x"), mounts()) == found
        (listed,) = volumes(60, [found])
        assert (listed.space, listed.name) == (Space(2**20, 2**20, 2**20), place.name)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@root
def test_an_ext4_card_is_known_by_its_uuid(tmp_path: Path) -> None:
    uuid = "0b5e7c1e-30ad-4c1b-9a52-8f6f4d5a2b11"
    image, place = tmp_path / "card.img", tmp_path / "card"
    place.mkdir()
    with image.open("wb") as stream:
        stream.truncate(32 * 2**20)
    mkfs = shutil.which("mkfs.ext4") or "/usr/sbin/mkfs.ext4"
    subprocess.run([mkfs, "-q", "-U", uuid, "-L", "My Card", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    try:
        found = the_mount(place)
        assert (found.kind, found.filesystem) == (Kind.LOCAL, "ext4")
        # The links that udev would make, where it runs.
        for folder, name in (("by-uuid", uuid), ("by-label", "My\\x20Card")):
            (tmp_path / "dev/disk" / folder).mkdir(parents=True)
            (tmp_path / "dev/disk" / folder / name).symlink_to(found.device)
        below = linux_disk(found.device, dev=str(tmp_path / "dev"))
        assert below == Disk(uuid=uuid, label="My Card", removable=False, capacity=32 * 2**20)
        assert identity(found, below) == f"uuid:{uuid}"
        (place / "DCIM" / "100MSDCF").mkdir(parents=True)
        (listed,) = volumes(60, [found])
        assert (listed.camera, listed.removable, listed.answers) == ("Sony", False, True)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def dead(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A FUSE mount whose daemon never says a word: whoever touches it waits in the kernel."""
    place = tmp_path / "dead"
    place.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    kind = str(request.param).encode()
    try:
        if libc.mount(b"gdrive:archive", os.fsencode(place), kind, 0, options) != 0:
            raise OSError(ctypes.get_errno(), "mount")
        yield place
    finally:
        os.close(device)
        subprocess.run(["umount", "-l", str(place)], check=True)
        for process in command._left:
            process.wait(10)
        command._left.clear()


@root
@pytest.mark.parametrize("dead", ["fuse.rclone", "fuse.smbnetfs", "fuse"], indirect=True)
def test_a_dead_mount_hangs_nothing(dead: Path) -> None:
    found = the_mount(dead)
    assert volume_of(os.fsencode(dead / "a.jpg"), mounts()) == found
    assert found.kind is (Kind.UNKNOWN if found.filesystem == "fuse" else Kind.NETWORK)
    assert describe(found).identity.endswith(str(dead) if found.kind is Kind.UNKNOWN else "net:gdrive:archive")
    looked = probe.probe(os.fsencode(dead), 1)
    assert (looked.answers, looked.error) == (False, "does not answer")
    alive = [mount for mount in mounts() if mount.mount == "/"]
    listed = volumes(2, [found, *alive])
    assert [one.answers for one in listed] == [False] + [True] * len(alive)


def test_reading_the_mounts_touches_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a file system was touched")

    parts = [
        Part("//nas/x", "/dead", "cifs", "rw"),
        Part("/dev/sda1", "/", "ext4", "rw"),
        Part("a", "/", "xfs", "rw"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)
    for name in ("stat", "lstat", "statvfs", "listdir", "scandir"):
        monkeypatch.setattr(os, name, refuse)
    assert [(mount.mount, mount.filesystem) for mount in mounts()] == [("/dead", "cifs"), ("/", "xfs")]
