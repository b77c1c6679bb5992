"""What is known of each kind of file system, by the name the system gives it."""

import sys
from enum import StrEnum

import msgspec

FAT32_LARGEST = 2**32 - 1
"""Bytes of the largest file on FAT, whose directory entries hold sizes in 32 bits (Microsoft FAT
specification)."""


class StorageKind(StrEnum):
    """Where the bytes of a file system are stored."""

    LOCAL = "local"
    NETWORK = "network"
    MEMORY = "memory"
    UNKNOWN = "unknown"


class Level(StrEnum):
    """What reading a copy back past the cache has proven, the strongest first; the text is what a receipt says."""

    MEDIUM = "medium"
    SERVER = "server"
    UNPROVEN = "cache not excluded"


class FileSystem(msgspec.Struct, frozen=True, kw_only=True):
    """What can be expected of one kind of file system.

    kind: where its bytes are; a mount may know better (`core.volumes.mounts`).
    level: the highest verification level that can be reached on it.
    largest_file: in bytes; None when there is no limit that a photo or video could meet.
    sqlite: whether a SQLite database may live there. Not on a network: locks are unreliable and the
        write-ahead log needs memory shared between processes (sqlite.org: "Write-Ahead Logging",
        "How To Corrupt An SQLite Database File").
    pseudo: the kernel's own bookkeeping, which holds nobody's files.
    flushes: what is written can be flushed out of the drive's own cache. A server's drives are its own affair.
    sends_on_fsync: fsync(2) sends what was written to the server, so that it can be read back from there through
        the descriptor that wrote it.
    sends_later: what is written may stay in a cache on this computer, be read back from that, and reach the server
        only later.
    attributes: it may be asked for extended attributes.
    """

    name: str
    kind: StorageKind
    level: Level
    largest_file: int | None = None
    sqlite: bool = True
    pseudo: bool = False
    flushes: bool = True
    sends_on_fsync: bool = False
    sends_later: bool = False
    attributes: bool = True

    @property
    def warning(self) -> str:
        """What to tell a person whose archive lies there, behind "The archive: "; empty: nothing."""
        if self.sends_later:
            return SENDS_LATER
        return "" if self.flushes else UNFLUSHED


# The files of these pass through the page cache alone, which posix_fadvise(2) POSIX_FADV_DONTNEED (Linux) and
# msync(2) MS_INVALIDATE (macOS) get past.
_MEDIUM = (
    "apfs bcachefs btrfs exfat ext2 ext3 ext4 f2fs hfs hfsplus iso9660 jfs msdos nilfs2 "
    "ntfs ntfs3 reiserfs udf ufs vfat xfs cd9660"
)

# On macOS these cannot be relied on to flush the drive's own cache (F_FULLFSYNC): exFAT refuses with ENOTTY
# (restic/restic#4016, AltraMayor/f3#189; bitcoin/bitcoin#31454 reports files damaged there). FAT supports it by
# fcntl(2), but since FSKit serves it (macOS 15) nobody has shown that it works. NTFS comes from third parties.
_UNFLUSHED = "exfat msdos ntfs"

UNFLUSHED = (
    "its file system cannot flush the drive's own cache, so a power cut may cost what was said to be archived. "
    "A disk formatted with APFS is safer."
)
"""What to tell a person whose archive lies on a file system that does not flush (`FileSystem.flushes`)."""

# Local, with a cache behind the page cache:
# zfs: the ARC. On Linux its posix_fadvise knows WILLNEED and SEQUENTIAL only (openzfs/zfs#13694), and direct
#   I/O came with 2.3 (openzfs/zfs#10018) and can be switched off per dataset.
# FUSE on a block device (ntfs-3g, exfat-fuse, fuse-ext2): the daemon reads and writes the device through the
#   device's own page cache, which dropping the pages of the file does not touch.
# squashfs, erofs: read-only images, never an archive.
_SECOND_CACHE = (
    "zfs fuseblk fuse.exfat fuse.exfat-fuse fuse.ntfs fuse.ntfs-3g fuse.ext2 fuse.fuse-ext2 squashfs erofs"
)

_NETWORK = (
    "9p acfs afpfs afs beegfs ceph cifs coda davfs ftp fuse.afpfs fuse.beegfs fuse.ceph fuse.ceph-fuse "
    "fuse.cifs fuse.curlftpfs fuse.davfs fuse.davfs2 fuse.gcsfuse fuse.glusterfs fuse.goofys fuse.gvfsd-fuse "
    "fuse.juicefs fuse.mount.davfs fuse.nfs fuse.onedriver fuse.rclone fuse.s3fs fuse.seadrive fuse.smbnetfs "
    "fuse.sshfs fuse.vmhgfs-fuse fuse.xtreemfs glusterfs gpfs lustre ncpfs nfs nfs3 nfs4 orangefs "
    "prl_fs pvfs2 smb2 smb3 smbfs vboxsf virtiofs vmhgfs webdav"
)

# On Linux the fsync(2) of these sends every write to the server and returns its result (fs/nfs/file.c,
# nfs_file_fsync; fs/smb/client/file.c, cifs_strict_fsync; sshfs.c, sshfs_fsync), and data is cached in the page
# cache only. Others (davfs2, rclone, s3fs) write a temporary file of their own, and upload it when it is closed.
_SENDS_ON_FSYNC = "cifs fuse.sshfs nfs nfs4 smb3"

# These keep files in a cache on this computer, always or by an option that their mount does not tell: rclone
# (--vfs-cache-mode), davfs2 (davfs2.conf: delay_upload), s3fs (use_cache), JuiceFS (--writeback), OneDriver and
# SeaDrive upload a file some time after it was closed, or read from their cache; so do the AFS and Coda clients.
# macOS reads a file of a WebDAV share from its cache for a minute (webdavfs, mount.tproj/webdav_cache.h:
# FILE_VALIDATION_TIMEOUT).
_SENDS_LATER = (
    "afs coda davfs fuse.davfs fuse.davfs2 fuse.juicefs fuse.mount.davfs fuse.onedriver fuse.rclone fuse.s3fs "
    "fuse.seadrive webdav"
)

SENDS_LATER = (
    "its mount may keep files in a cache on this computer and send them to the server later. See that all is sent "
    "before a card is used again."
)
"""What to tell a person whose archive lies on a file system that may send later (`FileSystem.sends_later`)."""

# These have no extended attributes, but do not answer a request for them with ENOTSUP: rclone 1.60 answers with
# EIO, and smbnetfs 0.6.3 loses its session with the server.
_WITHOUT_ATTRIBUTES = "fuse.rclone fuse.smbnetfs"

_MEMORY = "tmpfs ramfs devtmpfs"

_PSEUDO = (
    "autofs binder binfmt_misc bpf cgroup cgroup2 configfs cpuset debugfs devfs devpts devtmpfs efivarfs "
    "fdesc fuse.lxcfs fuse.portal fusectl hugetlbfs mqueue nsfs nullfs pipefs proc procfs pstore resctrl "
    "rootfs rpc_pipefs securityfs selinuxfs smackfs sockfs sysfs tracefs"
)


def _each(names: str, kind: StorageKind) -> dict[str, StorageKind]:
    return dict.fromkeys(names.split(), kind)


_KINDS = {
    **_each(_MEDIUM, StorageKind.LOCAL),
    **_each(_SECOND_CACHE, StorageKind.LOCAL),
    **_each(_NETWORK, StorageKind.NETWORK),
    **_each(_MEMORY, StorageKind.MEMORY),
}

_LARGEST = {"msdos": FAT32_LARGEST, "vfat": FAT32_LARGEST}


def filesystem(name: str, kind: StorageKind | None = None, platform: str = sys.platform) -> FileSystem:
    """What is known of the file system called `name`, as in the type column of mount(8).

    `kind` is what the mount itself reports, and takes precedence: on macOS a mount without the flag `local` is a
    network mount, whatever its name. A name that is not in the table, FUSE of an unknown subtype and overlays
    (which may lie on anything) are `StorageKind.UNKNOWN`, and nothing is claimed for them; nor for a network mount
    of an unknown name, because it may send later.
    """
    kind = kind or _KINDS.get(name, StorageKind.UNKNOWN)
    level = Level.UNPROVEN
    if kind is StorageKind.NETWORK:
        level = Level.SERVER
    elif kind is StorageKind.LOCAL and name in _MEDIUM.split():
        level = Level.MEDIUM
    found = FileSystem(
        name=name,
        kind=kind,
        level=level,
        largest_file=_LARGEST.get(name),
        sqlite=kind is not StorageKind.NETWORK,
        pseudo=name in _PSEUDO.split(),
        sends_on_fsync=platform == "linux" and name in _SENDS_ON_FSYNC.split(),
        attributes=name not in _WITHOUT_ATTRIBUTES.split(),
    )
    if kind is StorageKind.NETWORK and (name in _SENDS_LATER.split() or name not in _NETWORK.split()):
        return sending_later(found)
    return unflushed(found) if platform == "darwin" and name in _UNFLUSHED.split() else found


def sending_later(found: FileSystem) -> FileSystem:
    """The same file system where what is written may reach the server only later."""
    return msgspec.structs.replace(found, level=Level.UNPROVEN, sends_later=True)


def unflushed(found: FileSystem) -> FileSystem:
    """The same file system where the drive's own cache cannot be flushed, so that what is read back may come from
    it."""
    if found.kind is StorageKind.NETWORK:
        return found
    return msgspec.structs.replace(found, level=Level.UNPROVEN, flushes=False)
