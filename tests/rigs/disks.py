"""Disks for tests: images on loop devices, with real file systems (Linux, root)."""

import fcntl
import mmap
import os
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PATIENCE = 60.0
"""Seconds that the users of a disk get to release it."""

MIB = 1 << 20
BLOCK = 4096

_MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-b", str(BLOCK)],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "exfat": ["mkfs.exfat"],
}
_SIZES = {"xfs": 320 * MIB}  # mkfs.xfs makes nothing smaller than 300 MiB
# Nothing reaches the disk by itself during a test, only what is flushed.
_OPTIONS = {"ext4": ["commit=600"]}


def run(*argv: str) -> str:
    """Run a command of the system. Returns its output. Raises AssertionError with its errors."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}{done.stderr}"
    return done.stdout


def attach(file: str | os.PathLike[str]) -> str:
    """A loop device for an image or a device. Processes attach one after the other: two that look for a free
    device at a time can find the same one."""
    with open(os.path.join(tempfile.gettempdir(), "lading-tests-losetup.lock"), "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return run("losetup", "--find", "--show", str(file)).strip()


def detach(device: str) -> None:
    """Free a loop device."""
    run("losetup", "--detach", device)


def mounted(path: Path) -> bool:
    """Whether something is mounted on exactly this path; touches no file system."""
    wanted = str(path).replace(" ", "\\040")
    with open("/proc/self/mounts") as lines:
        return any(line.split()[1] == wanted for line in lines)


def unmount(path: Path, *, lazy: bool = False) -> None:
    """Unmount; a worker that is just ending gets a moment. lazy: at once, whoever still uses it."""
    if lazy:
        run("umount", "-l", str(path))
        return
    end = time.monotonic() + PATIENCE
    while mounted(path):
        done = subprocess.run(["umount", str(path)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0 or time.monotonic() < end, done.stderr
        time.sleep(0.05 if done.returncode else 0)


class Disk:
    """An image, its loop device, and the mount point of its file system."""

    def __init__(self, folder: Path, kind: str, size: int = 64 * MIB) -> None:
        self.kind = kind
        self.image = folder / f"{kind}.img"
        self.path = folder / kind
        self.path.mkdir(parents=True)
        self.read_only = False
        with open(self.image, "wb") as file:
            file.truncate(max(size, _SIZES.get(kind, 0)))
        self.device = attach(self.image)
        run(*_MAKE[kind], self.device)

    def mount(self, *, read_only: bool = False) -> None:
        """Mount it; after a power cut this replays its journal."""
        self.read_only = read_only
        if self.kind == "exfat":
            options = ["-o", "ro"] if read_only else []
            run("mount.exfat-fuse", *options, self.device, str(self.path))
            return
        wanted = ",".join(["ro" if read_only else "rw", *_OPTIONS.get(self.kind, [])])
        run("mount", "-t", self.kind, "-o", wanted, self.device, str(self.path))

    def unmount(self, *, lazy: bool = False) -> None:
        """Unmount it."""
        unmount(self.path, lazy=lazy)

    def remount(self, *, read_only: bool = False) -> None:
        """Unmount and mount again, so that nothing of it is cached in memory."""
        self.unmount()
        subprocess.run(["blockdev", "--flushbufs", self.device], check=True, timeout=60)
        self.mount(read_only=read_only)

    def let_go(self) -> None:
        """Wait until nobody uses what was unmounted lazily: mounted again before, the device would show the files
        that are in memory, whatever is on it by then."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                os.close(os.open(self.device, os.O_RDONLY | os.O_EXCL))
                return
            except OSError:
                assert time.monotonic() < end, f"{self.device} is still in use"
                time.sleep(0.05)

    def flush(self) -> None:
        """Flush everything written to this disk, and to no other, because tests running beside rely on what is not
        flushed."""
        run("env", "-u", "LD_PRELOAD", "sync", "-f", str(self.path))

    def cut_power(self) -> None:
        """Let nothing more reach the disk, not even the journal of the file system (ext4 and XFS)."""
        run("xfs_io", "-x", "-c", "shutdown", str(self.path))

    def place(self, data: bytes) -> int:
        """The offset in the image of these bytes, which must be there once."""
        with (
            open(self.image, "rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as bytes_,
        ):
            found = bytes_.find(data)
        assert found >= 0, "the bytes are not on the disk"
        return found

    def flip(self, data: bytes) -> None:
        """Flip one bit of these bytes wherever they are on the disk, below the mounted file system."""
        with open(self.image, "r+b") as file, mmap.mmap(file.fileno(), 0) as bytes_:
            at = bytes_.find(data)
            assert at >= 0, "the bytes are not on the disk"
            while at >= 0:
                bytes_[at] ^= 1
                at = bytes_.find(data, at + 1)

    def lose_from(self, at: int) -> int:
        """Truncate the image at `at`, so that nothing beyond can be read. Returns its size before."""
        size = self.image.stat().st_size
        os.truncate(self.image, at)
        return size

    def close(self) -> None:
        """Unmount it and free the device; also when it is still in use, which is then raised as an error."""
        try:
            self.unmount()
        except AssertionError:
            self.unmount(lazy=True)
            raise
        finally:
            detach(self.device)


@contextmanager
def disk(folder: Path, kind: str, size: int = 64 * MIB, *, mount: bool = True) -> Iterator[Disk]:
    """A mounted disk with the file system `ext4`, `xfs` or `exfat`; it is removed at the end."""
    made = Disk(folder, kind, size)
    try:
        if mount:
            made.mount()
        yield made
    finally:
        made.close()


@contextmanager
def memory(path: Path, options: str) -> Iterator[Path]:
    """A tmpfs on `path`, with options such as `size=8m` or `nr_inodes=100`."""
    path.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path))
    try:
        yield path
    finally:
        unmount(path)


@contextmanager
def partitions(folder: Path, size: int = 64 * MIB) -> Iterator[tuple[Path, Path]]:
    """Two mounted partitions (ext4) of one disk, which is an image."""
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / "partitions.img"
    first, sectors = 2048, (size // 512 - 2048) // 2
    with open(image, "wb") as file:
        file.truncate(size)
        # The partition table of an MBR: type 0x83, first sector, number of sectors.
        file.seek(446)
        for start in (first, first + sectors):
            file.write(struct.pack("<B3sB3sII", 0, bytes(3), 0x83, bytes(3), start, sectors))
        file.seek(510)
        file.write(b"\x55\xaa")
    device = attach(image)
    try:
        run("partx", "--add", device)
        with ExitStack() as stack:
            one, other = (stack.enter_context(_mounted(f"{device}p{n}", folder / f"part{n}")) for n in (1, 2))
            yield one, other
    finally:
        subprocess.run(["partx", "--delete", device], capture_output=True, check=False)
        detach(device)


ZRAM = Path("/sys/class/zram-control")


@contextmanager
def another_disk(folder: Path, size: int = 64 * MIB) -> Iterator[Path]:
    """A mounted disk (ext4) that does not lie on the disk of the tests: compressed memory (zram)."""
    number = (ZRAM / "hot_add").read_text().strip()
    try:
        Path(f"/sys/block/zram{number}/disksize").write_text(str(size))
        with _mounted(f"/dev/zram{number}", folder / "zram") as path:
            yield path
    finally:
        Path(f"/sys/block/zram{number}/reset").write_text("1")
        (ZRAM / "hot_remove").write_text(number)


@contextmanager
def _mounted(device: str, path: Path) -> Iterator[Path]:
    """A new file system (ext4) of this device."""
    path.mkdir(parents=True)
    run(*_MAKE["ext4"], device)
    run("mount", "-t", "ext4", device, str(path))
    try:
        yield path
    finally:
        unmount(path)
