"""Volumes as the system would tell them."""

from typing import Any

from core.volumes.filesystems import StorageKind
from core.volumes.space import Space
from core.volumes.volume import Volume

GB = 10**9


def volume(name: str, **changed: Any) -> Volume:
    """A disk."""
    values: dict[str, Any] = {
        "mount": f"/Volumes/{name}",
        "device": f"/dev/{name}",
        "filesystem": "apfs",
        "kind": StorageKind.LOCAL,
        "read_only": False,
        "removable": False,
        "name": name,
        "identity": f"uuid:{name}",
        "space": Space(500 * GB, 300 * GB, 300 * GB),
    }
    return Volume(**(values | changed))


def card(name: str, camera: str = "EOS R5", **changed: Any) -> Volume:
    """A camera's card."""
    values: dict[str, Any] = {
        "filesystem": "exfat",
        "removable": True,
        "camera": camera,
        "space": Space(64 * GB, 22 * GB, 22 * GB),
    }
    return volume(name, **(values | changed))


def several() -> list[Volume]:
    """A disk, a share, two cards, and a drive that is dead."""
    return [
        volume("Macintosh HD", mount="/"),
        volume("archive", filesystem="smbfs", kind=StorageKind.NETWORK, identity="net:nas/archive"),
        card("A001"),
        card("B002", "A7S III", filesystem="exfat"),
        volume("Old drive", removable=True, answers=False, space=None, filesystem="ntfs"),
    ]
