"""The table of file systems."""

import pytest

from core.volumes.filesystems import FAT32_LARGEST, Level, StorageKind, filesystem, unflushed


@pytest.mark.parametrize(
    "name", ["ext4", "xfs", "btrfs", "f2fs", "apfs", "hfs", "exfat", "vfat", "msdos", "ntfs3"]
)
def test_a_known_local_file_system_is_read_back_from_the_medium(name: str) -> None:
    known = filesystem(name, platform="linux")
    assert (known.kind, known.level, known.sqlite, known.pseudo) == (StorageKind.LOCAL, Level.MEDIUM, True, False)


@pytest.mark.parametrize(
    "name",
    [
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "ftp", "9p", "ceph", "glusterfs"),
        *("fuse.sshfs", "fuse.smbnetfs", "fuse.glusterfs"),
    ],
)
def test_a_network_is_read_back_from_its_server_and_holds_no_database(name: str) -> None:
    known = filesystem(name)
    assert (known.kind, known.level, known.sqlite) == (StorageKind.NETWORK, Level.SERVER, False)
    assert not known.sends_later


@pytest.mark.parametrize(
    "name", ["fuse.rclone", "davfs", "fuse.davfs2", "fuse.s3fs", "fuse.juicefs", "fuse.onedriver", "webdav"]
)
def test_a_mount_with_a_cache_of_its_own_proves_nothing_of_its_server(name: str) -> None:
    known = filesystem(name)
    assert (known.kind, known.level, known.sqlite) == (StorageKind.NETWORK, Level.UNPROVEN, False)
    assert known.sends_later


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tmpfs", StorageKind.MEMORY),
        ("ramfs", StorageKind.MEMORY),
        ("zfs", StorageKind.LOCAL),
        ("fuseblk", StorageKind.LOCAL),
        ("fuse.exfat", StorageKind.LOCAL),
        ("fuse", StorageKind.UNKNOWN),
        ("fuse.gocryptfs", StorageKind.UNKNOWN),
        ("macfuse", StorageKind.UNKNOWN),
        ("overlay", StorageKind.UNKNOWN),
        ("never heard of it", StorageKind.UNKNOWN),
        ("", StorageKind.UNKNOWN),
    ],
)
def test_nothing_is_claimed_where_a_cache_may_answer(name: str, kind: StorageKind) -> None:
    known = filesystem(name)
    assert (known.kind, known.level, known.sqlite) == (kind, Level.UNPROVEN, True)


@pytest.mark.parametrize("name", ["exfat", "msdos", "ntfs"])
def test_macos_cannot_flush_the_drive_below_a_card(name: str) -> None:
    known = filesystem(name, platform="darwin")
    assert (known.kind, known.level, known.flushes) == (StorageKind.LOCAL, Level.UNPROVEN, False)
    assert filesystem(name, platform="linux").flushes
    assert filesystem("apfs", platform="darwin").level is Level.MEDIUM


def test_what_refuses_a_full_flush_is_no_medium() -> None:
    assert (unflushed(filesystem("hfs")).level, unflushed(filesystem("hfs")).flushes) == (Level.UNPROVEN, False)
    # A server's drives are its own affair.
    assert unflushed(filesystem("smbfs")) == filesystem("smbfs")


def test_what_the_mount_says_wins_over_the_name() -> None:
    # As macOS says of macFUSE, whatever is behind it.
    known = filesystem("macfuse", StorageKind.NETWORK)
    assert (known.level, known.sqlite, known.sends_later) == (Level.UNPROVEN, False, True)
    assert filesystem("ext4", StorageKind.UNKNOWN).level is Level.UNPROVEN


def test_fat_holds_no_file_of_four_gib() -> None:
    assert FAT32_LARGEST == 4 * 1024**3 - 1
    assert filesystem("vfat").largest_file == filesystem("msdos").largest_file == FAT32_LARGEST
    assert filesystem("exfat").largest_file is None


@pytest.mark.parametrize("name", ["proc", "sysfs", "cgroup2", "devpts", "autofs", "devfs", "fusectl"])
def test_the_bookkeeping_of_the_kernel_is_pseudo(name: str) -> None:
    assert filesystem(name).pseudo


def test_levels_read_as_the_receipt_says_them() -> None:
    assert [str(level) for level in Level] == ["medium", "server", "cache not excluded"]


def test_what_a_temporary_file_holds_until_it_is_closed_is_not_sent_by_fsync() -> None:
    names = ["nfs4", "cifs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "davfs2", "fuse.gvfsd-fuse", "ext4"]
    sends = [name for name in names if filesystem(name, platform="linux").sends_on_fsync]
    assert sends == ["nfs4", "cifs", "fuse.sshfs"]
    assert not any(filesystem(name, platform="darwin").sends_on_fsync for name in names)


def test_what_answers_the_question_for_attributes_with_an_error_is_not_asked() -> None:
    names = ["fuse.rclone", "fuse.smbnetfs", "cifs", "smbfs", "apfs", "fuse", "fuse.sshfs"]
    assert [name for name in names if not filesystem(name).attributes] == ["fuse.rclone", "fuse.smbnetfs"]
