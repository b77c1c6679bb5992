"""Letting go of a card, so that it can be taken out: what was written there is flushed, and nothing is forced."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence

from core import command
from core.errors import EjectError
from core.paths import display
from core.volumes.disks import Disk, disk
from core.volumes.mounts import Mount, mounts

PATIENCE = 60.0
"""Seconds that one of the system's own programs gets; a slow card may have much to be flushed."""


def eject(source: str, reading: Iterable[str] = ()) -> str:
    """Let go of the card that `source` lies on; its mount point.

    `reading` are the sources that imports still read. These paths are as the screen shows them
    (`core.paths.display`). Blocks while the system is at it. Raises EjectError.
    """
    try:
        mounted = mounts()
    except OSError as error:
        raise EjectError(f"the system does not say what is mounted: {error}.", "Eject it by hand.") from error
    mount = card_at(source, mounted, disk)
    for other in reading:
        if _on(other, mounted) == mount:
            raise EjectError(f"an import still reads {other}.", "Wait for its end, or cancel it.")
    said = ""
    for argv in commands(mount):
        answer = command.ask(list(argv), PATIENCE, errors=True)
        if answer is not None and answer.status == 0:
            return display(mount.mount)
        said = " ".join(display(answer.output).split()) if answer else f"{argv[0]} does not answer"
    raise EjectError(f"{said or 'nothing here can do it'}.", "Close what uses it, then try again.")


def card_at(source: str, mounted: Sequence[Mount], look: Callable[[str], Disk]) -> Mount:
    """The card or external disk that `source` lies on; `look` tells of a device. Raises EjectError."""
    mount = _on(source, mounted)
    if mount is None:
        raise EjectError(f"{source} is not plugged in any more.", "There is nothing to eject.")
    if not look(mount.device).removable:
        raise EjectError(f"{source} lies on no card and no external disk.", "There is nothing to eject.")
    return mount


def commands(
    mount: Mount, platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which
) -> list[list[str]]:
    """What lets go of `mount`, the best first. None of them uses force: a volume that is in use stays.

    diskutil(8) takes the whole card off the system. udisksctl(1) unmounts for an ordinary user; umount(8)
    only for root, and where /etc/fstab says so.
    """
    if platform == "darwin":
        return [["diskutil", "eject", mount.mount]]
    found = []
    if which("udisksctl"):
        found.append(["udisksctl", "unmount", "--no-user-interaction", "--block-device", mount.device])
    return [*found, ["umount", "--", mount.mount]]


def _on(source: str, mounted: Sequence[Mount]) -> Mount | None:
    """The mount that a path lies on, both as they are shown."""
    holding = [mount for mount in mounted if _holds(display(mount.mount), source)]
    return max(holding, key=lambda mount: len(mount.mount), default=None)


def _holds(top: str, path: str) -> bool:
    return path == top or path.startswith(os.path.join(top, ""))
