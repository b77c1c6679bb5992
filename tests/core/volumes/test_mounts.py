"""What is mounted, as the system tells it, and which mount a path is on."""

import fcntl
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from core.files import statfs
from core.volumes import mountpoint
from core.volumes.filesystems import StorageKind
from core.volumes.mountpoint import (
    has_32_bit_sizes,
    on_volume,
    parse_mountinfo,
    parse_program,
    parse_type,
    served_by_program,
    spelling,
)
from core.volumes.mounts import from_partition, mounted_at, mounts, volume_of

pytestmark = pytest.mark.process


class Part(NamedTuple):
    """As psutil's sdiskpart."""

    device: str
    mountpoint: str
    fstype: str
    opts: str


# What psutil gives from /proc/self/mounts.


@pytest.mark.parametrize(
    ("device", "fstype", "kind"),
    [
        ("/dev/sdb1", "exfat", StorageKind.LOCAL),
        ("/dev/sdb1", "fuseblk", StorageKind.LOCAL),
        ("tmpfs", "tmpfs", StorageKind.MEMORY),
        ("//nas/photos", "cifs", StorageKind.NETWORK),
        ("nas:/export", "nfs4", StorageKind.NETWORK),
        ("gdrive:archive", "fuse.rclone", StorageKind.NETWORK),
        ("smbnetfs", "fuse.smbnetfs", StorageKind.NETWORK),
        ("me@host:", "fuse.sshfs", StorageKind.NETWORK),
        ("gdrive:archive", "fuse.renamed", StorageKind.UNKNOWN),
    ],
)
def test_linux_kinds_come_from_the_type_and_not_the_path(device: str, fstype: str, kind: StorageKind) -> None:
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
            StorageKind.LOCAL,
        ),
        (Part("//me@nas._smb._tcp.local/Photos", "/Volumes/Photos", "smbfs", "rw,nosuid"), StorageKind.NETWORK),
        (Part("//me@nas._smb._tcp.local/Photos", "/Users/me/nas", "smbfs", "rw,nosuid"), StorageKind.NETWORK),
        (Part("nas:/volume1", "/Volumes/volume1", "nfs", "rw,local"), StorageKind.NETWORK),
        (Part("somebody", "/Volumes/x", "neverheardof", "rw,nosuid"), StorageKind.NETWORK),
        (Part("somebody", "/Volumes/x", "neverheardof", "rw,nosuid,local"), StorageKind.UNKNOWN),
        (Part("me@host:", "/Volumes/x", "macfuse", "rw,nosuid"), StorageKind.NETWORK),
        (Part("me@host:", "/Volumes/x", "macfuse", "rw,nosuid,local"), StorageKind.UNKNOWN),
    ],
)
def test_macos_kinds_come_from_the_type_and_the_local_flag(part: Part, kind: StorageKind) -> None:
    assert from_partition(part, "darwin").kind is kind


def test_macos_13_hides_the_type_of_a_card_in_its_device() -> None:
    card = from_partition(Part("msdos://disk12s1/RM SD CARD", "/Volumes/RM SD CARD", "lifs", "rw,local"), "darwin")
    assert (card.device, card.filesystem, card.kind) == ("/dev/disk12s1", "msdos", StorageKind.LOCAL)


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


@pytest.mark.parametrize(
    ("part", "hidden"),
    [
        # As `mount` prints shares of autofs: (smbfs, nodev, nosuid, automounted, nobrowse, mounted by me)
        (Part("//me@nas/share", "/mnt/share", "smbfs", "rw,nosuid,dontbrowse,automounted"), False),
        (Part("nas:/volume1", "/Volumes/volume1", "nfs", "rw,nosuid,dontbrowse,automounted"), False),
        # `diskutil mount nobrowse`
        (Part("/dev/disk4s1", "/Volumes/CARD", "exfat", "rw,nosuid,local,dontbrowse,ignore-ownership"), False),
        (Part("/dev/disk3s2", "/System/Volumes/Preboot", "apfs", "rw,local,dontbrowse,journaled"), True),
        (Part("map -fstab", "/System/Volumes/Data/Network/Servers", "autofs", "rw,dontbrowse,automounted"), True),
    ],
)
def test_macos_marks_shares_of_autofs_as_it_does_its_own_volumes(part: Part, hidden: bool) -> None:
    assert from_partition(part, "darwin").hidden is hidden


# Which mount an open folder is on, as the kernel tells it.


DATA = "/System/Volumes/Data"


def a_statfs(mount: bytes, flags: int = 0x1000) -> bytes:
    """A `struct statfs` of macOS with 64-bit inodes, of 2168 bytes."""
    head = struct.pack("=Ii5Q8s4I16s", 4096, 1 << 20, 100, 50, 25, 9, 9, bytes(8), 501, 0x1A, flags, 0, b"apfs")
    return head + mount.ljust(1024, b"\0") + b"/dev/disk3s5".ljust(1024, b"\0") + bytes(32)


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes, bytes, bytes], None]:
    """Have fstatfs(2) and fcntl(2) answer as on a Mac: mount point, path, and path without firmlinks."""

    def answers(mount: bytes, path: bytes, real: bytes) -> None:
        told = {50: path, 102: real}
        monkeypatch.setattr(statfs, "call", lambda _: a_statfs(mount))
        monkeypatch.setattr(fcntl, "fcntl", lambda fd, command, room: told[command].ljust(len(room), b"\0"))

    return answers


def test_statfs_tells_the_mount_point_and_whether_it_is_local() -> None:
    data = a_statfs(b"/Volumes/RM SD CARD")
    assert len(data) == 2168
    assert statfs.parse(data) == statfs.StatFs(b"/Volumes/RM SD CARD", True, 4096, 100, 50, 25)
    assert not statfs.parse(a_statfs(b"/Volumes/nas", 0)).local


@pytest.mark.parametrize(
    ("typed", "mount", "path", "real", "below"),
    [
        # Another case, another Unicode form, and a firmlink.
        ("/volumes/NAS/archive", "/Volumes/nas", "/Volumes/nas/Archive", f"{DATA}/Volumes/nas/Archive", "Archive"),
        ("/Volumes/Bücher", "/Volumes/Bu\u0308cher", "/Volumes/Bu\u0308cher", f"{DATA}/Volumes/Bu\u0308cher", ""),
        (
            "/users/ada/Scans",
            DATA,
            "/Users/ada/scans",
            f"{DATA}/Users/ada/scans",
            "Users/ada/scans",
        ),
        (DATA, DATA, DATA, DATA, ""),
        ("/", "/", "/", "/", ""),
        ("/usr/bin", "/", "/usr/bin", "/usr/bin", "usr/bin"),
    ],
)
def test_macos_is_asked_for_the_volume_of_an_open_folder(
    mac: Callable[..., None], typed: str, mount: str, path: str, real: str, below: str
) -> None:
    mac(*map(os.fsencode, (mount, path, real)))
    assert on_volume(7, os.fsencode(typed), "darwin") == (os.fsencode(mount), os.fsencode(below))
    assert spelling(7, os.fsencode(typed), "darwin") == os.fsencode(path)


def test_a_mount_point_that_macos_spells_otherwise_than_the_path(mac: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "private/nas/archive/2024").mkdir(parents=True)
    (tmp_path / "nas").symlink_to(tmp_path / "private/nas")
    real = os.fsencode(tmp_path / "private/nas/archive/2024")
    mac(os.fsencode(tmp_path / "nas"), real, real)
    assert on_volume(7, real, "darwin") == (os.fsencode(tmp_path / "nas"), b"archive/2024")
    (tmp_path / "other").mkdir()
    mac(os.fsencode(tmp_path / "other"), real, real)
    assert on_volume(7, real, "darwin") == (b"", b"")


MOUNTINFO = (
    rb"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw" + b"\n"
    rb"93 22 0:31 /home /mnt/a\040b\134c rw - btrfs /dev/sdb1 rw,subvol=/home" + b"\n"
    rb"94 22 8:1 /srv /mnt/bind rw - ext4 /dev/sda1 rw" + b"\n"
)


def test_mountinfo_tells_where_a_mount_is() -> None:
    assert parse_mountinfo(MOUNTINFO, b"93") == rb"/mnt/a b\c"
    assert parse_mountinfo(MOUNTINFO, b"94") == b"/mnt/bind"
    assert parse_mountinfo(MOUNTINFO, b"9") == b""


linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


@linux
def test_linux_is_asked_for_the_volume_of_an_open_folder(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        point, below = on_volume(fd, os.fsencode(tmp_path))
    finally:
        os.close(fd)
    assert os.path.join(point, below) == os.fsencode(tmp_path)
    assert os.path.ismount(point)
    assert volume_of(os.fsencode(tmp_path)) == mounted_at(point, mounts())
    with pytest.raises(FileNotFoundError):
        volume_of(os.fsencode(tmp_path / "absent"))


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_mount_that_lies_under_another_one_holds_nothing(tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "outer/inner"
    inner.mkdir(parents=True)
    made: list[Path] = []
    try:
        for place in (inner, outer):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
            made.append(place)
        inner.mkdir()
        assert str(inner) in [mount.mount for mount in mounts()]
        found = volume_of(os.fsencode(inner))
        assert found
        assert found.mount == str(outer)
    finally:
        for place in reversed(made):
            subprocess.run(["umount", str(place)], check=True)


def test_reading_the_mounts_touches_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a file system was touched")

    parts = [
        Part("//nas/x", "/dead", "cifs", "rw,addr=192.0.2.5,vers=3.1.1"),
        Part("/dev/sda1", "/", "ext4", "rw"),
        Part("a", "/", "xfs", "rw"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)
    for name in ("stat", "lstat", "statvfs", "listdir", "scandir"):
        monkeypatch.setattr(os, name, refuse)
    found = [(mount.mount, mount.filesystem, mount.address) for mount in mounts()]
    assert found == [("/dead", "cifs", "192.0.2.5"), ("/", "xfs", "")]


def test_mountinfo_tells_which_file_systems_are_a_programs() -> None:
    text = (
        MOUNTINFO + b"95 22 0:52 / /phone ro - fuse.ifuse ifuse ro\n96 22 0:53 / /usb rw - fuseblk /dev/sdc1 rw\n"
    )
    assert [parse_type(text, number) for number in (b"93", b"95", b"96", b"9")] == [
        b"btrfs",
        b"fuse.ifuse",
        b"fuseblk",
        b"",
    ]


def test_file_systems_of_mtp_and_ptp_know_no_size_beyond_4_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what their programs call themselves; those of disks and servers know all sizes."""
    cut = ("jmtpfs", "simple-mtpfs", "go-mtpfs", "aft-mtp-mount", "gphotofs", "gvfsd-fuse", "kio-fuse")
    whole = ("ifuse", "sshfs", "rclone", "mergerfs", "")
    for name in (*cut, *whole):
        kind = f"fuse.{name}".rstrip(".").encode()
        monkeypatch.setattr(mountpoint, "_filesystem_type", lambda fd, platform, kind=kind: kind)
        assert has_32_bit_sizes(0) == (name in cut), name
        assert served_by_program(0)
    assert [parse_program(kind) for kind in (b"vfat", b"fuseblk", b"fusectl", b"")] == [None] * 4


@linux
def test_the_file_system_of_this_machine_is_no_programs(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        assert not served_by_program(fd)
        assert not served_by_program(fd, "darwin")
    finally:
        os.close(fd)
