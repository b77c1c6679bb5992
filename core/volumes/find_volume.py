"""Finding volumes that are mounted now by their identity."""

import os
import threading
import time

from core.errors import VolumeError
from core.paths import display
from core.threads import each
from core.volumes.mounts import Mount, mounts
from core.volumes.volume import identify


class VolumeFinder:
    """Finds a volume by its identity, wherever it is mounted now. Identities are kept for a while; any thread may
    call it."""

    def __init__(self) -> None:
        self._seen: dict[Mount, tuple[str, float]] = {}
        self._turn = threading.Lock()

    def places(self, identity: str, root: bytes, age: float = 0.0, used: bytes = b"") -> list[bytes]:
        """The paths at which `root`, a path on the volume of this identity, is now. Touches no file system. Raises
        OSError.

        `used`: the path at its last use. While its volume still seems to be mounted there, no other path is
        returned, because another volume may have the same identity.
        age: a disk that was asked within the last `age` seconds is not asked again, because diskutil(8) is slow on
        macOS. Keep it short: two cards can follow each other in one reader under one device name.
        """
        found = [
            (known, mount, os.path.normpath(os.path.join(os.fsencode(mount.mount), root)))
            for known, mount in self._identities(age)
        ]
        for known, mount, place in found:
            if place == used and (known == identity or may_have_identity(mount, known, identity)):
                return [place]
        return [place for known, _, place in found if known == identity]

    def _identities(self, age: float) -> list[tuple[str, Mount]]:
        """Identity and mount of everything mounted now, also what is hidden; a mount whose identity cannot be
        found is left out, and asked again the next time."""
        with self._turn:
            now = time.monotonic()
            here = mounts()
            seen = {mount: self._seen[mount] for mount in here if mount in self._seen}
            stale = [mount for mount in here if mount not in seen or now - seen[mount][1] >= age]
            seen |= {mount: (found, now) for mount, found in zip(stale, each(_identity, stale), strict=True)}
            self._seen = {mount: found for mount, found in seen.items() if found[0]}
            return [(identity, mount) for mount, (identity, _) in self._seen.items()]


def _identity(mount: Mount) -> str:
    """The identity of a mount; empty when the system does not answer."""
    try:
        return display(identify(mount))
    except VolumeError:
        return ""


def may_have_identity(mount: Mount, known: str, identity: str) -> bool:
    """Whether the volume of `mount` may be that of `identity`, a UUID, although it is only `known` by its device:
    of two disks with the same UUID, udev(7) makes a link for the last one only."""
    return (
        identity.startswith("uuid:") and known.startswith(f"dev:{mount.device}:") and os.path.exists(mount.device)
    )
