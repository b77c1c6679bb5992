"""Which volumes are here now, by their identity."""

import os
import threading
import time

from core.paths import display
from core.volumes.mounts import Mount, mounts
from core.volumes.volume import describe


class Known:
    """Finds a volume again, wherever it is mounted."""

    def __init__(self) -> None:
        self._seen: dict[Mount, tuple[str, float]] = {}
        self._turn = threading.Lock()

    def places(self, identity: str, root: bytes, age: float = 0.0) -> list[bytes]:
        """Where what lies at `root` on the volume of this identity is now; touches no file system. Raises OSError.

        A disk that was asked within the last `age` seconds is not asked again: on macOS diskutil(8) takes a while.
        Not for longer, because two cards can follow each other in one reader under one name.
        """
        return [
            os.path.normpath(os.path.join(os.fsencode(mount), root))
            for found, mount in self._identities(age)
            if found == identity
        ]

    def _identities(self, age: float) -> list[tuple[str, str]]:
        """Identity and mount point of all that is mounted now."""
        with self._turn:
            now = time.monotonic()
            seen: dict[Mount, tuple[str, float]] = {}
            for mount in mounts():
                if not mount.hidden:
                    identity, asked = self._seen.get(mount, ("", 0.0))
                    if not identity or now - asked >= age:
                        identity, asked = display(describe(mount).identity), now
                    seen[mount] = identity, asked
            self._seen = seen
            return [(identity, mount.mount) for mount, (identity, _) in seen.items()]
