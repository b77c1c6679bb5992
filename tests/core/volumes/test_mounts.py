"""What is mounted, as the system tells it, and which mount a path is on."""

import os
from typing import NamedTuple

import psutil
import pytest

from core.volumes.filesystems import Kind
from core.volumes.mounts import Mount, from_partition, mounts, read_firmlinks, volume_of


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


@pytest.mark.parametrize(
    ("place", "fstype", "hidden"),
    [
        ("/sys/fs/cgroup", "tmpfs", True),
        ("/dev/shm", "tmpfs", True),
        ("/proc/sys/fs/x", "tmpfs", True),
        ("/run/lock", "tmpfs", True),
        ("/run/media/me/EOS_DIGITAL", "exfat", False),
        ("/mnt/memory", "tmpfs", False),
        ("/device", "tmpfs", False),
    ],
)
def test_what_linux_keeps_in_memory_for_itself_is_hidden(place: str, fstype: str, hidden: bool) -> None:
    assert from_partition(Part(fstype, place, fstype, "rw"), "linux").hidden is hidden


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
