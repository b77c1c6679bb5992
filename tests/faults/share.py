"""What is brought to the share of a real SMB server, and what the server's own folder holds of it afterwards."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xxhash

from tests.core.importing.rig import digest, random_bytes, write
from tests.rigs import disks, samba
from tests.rigs.samba import Mount, Server


class Share:
    """A server with a disk of its own, and its share mounted by rclone."""

    def __init__(self, server: Server, mount: Mount) -> None:
        self.server, self.mount = server, mount
        self.archive = mount.share / "archive"
        self.below = server.folder / "archive"


@contextmanager
def on_disk(folder: Path, size: int) -> Iterator[Share]:
    """A share on a disk of so many bytes."""
    with (
        disks.memory(folder / "memory", f"size={size}") as memory,
        samba.server(folder / "smb", memory) as server,
    ):
        yield Share(server, server.rclone())


def card(folder: Path, small: int = 12, large: int = 1) -> set[str]:
    """Small files and some of 9 MiB, all different; their SHA-256."""
    for number in range(small):
        write(folder / f"IMG_{number:04}.JPG", random_bytes(40_000, number))
    for number in range(large):
        write(folder / f"C{number:04}.MP4", random_bytes(9 << 20, 1000 + number))
    return {digest(path) for path in folder.iterdir()}


def payload(archive: Path) -> dict[str, Path]:
    """The files under final names by their SHA-256; each is complete: its name is what it holds."""
    found: dict[str, Path] = {}
    for path in archive.glob("locations/*/data/**/*"):
        if path.is_file():
            data = path.read_bytes()
            assert path.name.startswith(xxhash.xxh3_128_hexdigest(data)), f"{path} is not what its name says"
            found[hashlib.sha256(data).hexdigest()] = path
    return found


def contents(archive: Path) -> set[str]:
    """The SHA-256 of what lies there, whatever its names."""
    return {digest(path) for path in archive.glob("locations/*/data/**/*") if path.is_file()}
