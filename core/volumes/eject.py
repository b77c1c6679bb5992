"""Ejecting a card, so that it can be taken out: what was written there is flushed, and nothing is forced."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence

from core import subprocesses
from core.errors import EjectError
from core.paths import display
from core.threads import each
from core.volumes.disks import DISKUTIL, Disk, disk, wholes
from core.volumes.mounts import Mount, mounted_at, mounts
from core.volumes.probe import mount_of

LOOK_TIMEOUT = 2.0
"""Seconds that a path gets to answer which volume it is on."""

COMMAND_TIMEOUT = 60.0
"""Seconds that one of the system's own programs gets; a slow card may have much to flush."""


def eject(
    source: str, reading: Sequence[str] = (), archives: Sequence[str] = (), platform: str = sys.platform
) -> str:
    """Eject the card that `source` lies on, with all volumes of its disk. Returns its mount point.

    `reading` are the sources that imports still read, or will read again; `archives` may be in use, too. A disk
    that holds any of these is not ejected. The paths are as the screen shows them (`core.paths.display`). Blocks
    until the system is done. Raises EjectError.
    """
    try:
        mounted = mounts()
    except OSError as error:
        raise EjectError(f"the system does not say what is mounted: {error}.", "Eject it by hand.") from error
    mount = card_at(source, mounted, disk)
    taken = EjectedTogether(mount, wholes, platform)
    if platform == "darwin" and not taken.disks:
        raise EjectError(
            f"the system does not say which disk {source} lies on.", "Try again, or eject it by hand."
        )
    others = [*reading, *archives]
    where = dict(zip(others, each(lambda other: mount_shown_at(other, mounted), others), strict=True))
    held = {other: taken.holds(where[other]) for other in others}
    for other in reading:
        if held[other]:
            raise EjectError(f"an import still reads {other}.", "Wait for its end, or cancel it.")
    for other in archives:
        if held[other]:
            raise EjectError(
                f"the archive {other} lies on the same disk.", "Eject it by hand when nothing is at work there."
            )
    for other, found in held.items():
        if found is None:
            raise EjectError(
                f"the system does not say which disk {other} lies on, which is in use.",
                "Try again, or eject it by hand when nothing is at work there.",
            )
    unmounted = taken.unmounted(mounted)
    if any(one.mount == "/" for one in unmounted):
        # umount(8) as root would make the system's own volume read-only (Linux, fs/namespace.c: do_umount_root).
        raise EjectError(f"this system runs from the disk that {source} lies on.", "There is nothing to eject.")
    for one in unmounted:
        _unmount(one)
    return display(mount.mount)


def _unmount(mount: Mount) -> None:
    """Raises EjectError with what the system said last."""
    said = ""
    for argv in commands(mount):
        answer = subprocesses.ask(list(argv), COMMAND_TIMEOUT, errors=True)
        if answer is not None and answer.status == 0:
            return
        said = " ".join(display(answer.output).split()) if answer else f"{argv[0]} does not answer"
    raise EjectError(f"{said or 'nothing here can do it'}.", "Close what uses it, then try again.")


class EjectedTogether:
    """The mounts that are ejected together with one: all that lie on its disks. `look` returns the disks of a
    device, empty where they are not known."""

    def __init__(self, mount: Mount, look: Callable[[str], frozenset[str]], platform: str = sys.platform) -> None:
        self._mount = mount
        self._platform = platform
        self._look = look
        self.disks = look(mount.device)

    def holds(self, other: Mount | None) -> bool | None:
        """Whether the mount `other` is ejected, too; None when that is not known, because diskutil(8) does not
        answer."""
        if other is None or other == self._mount:
            return other is not None
        disks = self._look(other.device)
        if not disks and self._platform == "darwin" and other.device.startswith("/dev/"):
            return None
        return bool(self.disks & disks)

    def unmounted(self, mounted: Sequence[Mount]) -> list[Mount]:
        """Those of `mounted` that have to be unmounted one by one, the inner ones first. On macOS that is one,
        because diskutil(8) ejects the whole disk.

        The mount that was asked for comes last, but for those that it lies in: where another one stays because it
        is in use, the same command can be given again.
        """
        if self._platform == "darwin":
            return [self._mount]
        held = [one for one in mounted if self.holds(one)]
        asked = self._mount.mount
        return sorted(held, key=lambda one: (_is_below(one.mount, asked), -len(one.mount)))


def card_at(source: str, mounted: Sequence[Mount], look: Callable[[str], Disk]) -> Mount:
    """The card or external disk that `source` lies on; `look` describes a device. Raises EjectError."""
    mount = mount_shown_at(source, mounted)
    if mount is None:
        raise EjectError(f"{source} is not plugged in any more.", "There is nothing to eject.")
    if not look(mount.device).removable:
        raise EjectError(f"{source} lies on no card and no external disk.", "There is nothing to eject.")
    return mount


def commands(
    mount: Mount, platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which
) -> list[list[str]]:
    """The commands that eject `mount`, best first. None of them uses force, so a volume in use stays.

    diskutil(8) ejects the whole disk, with all its volumes. udisksctl(1) unmounts one for an ordinary user;
    umount(8) only for root, and where /etc/fstab allows it.
    """
    if platform == "darwin":
        return [[DISKUTIL, "eject", mount.mount]]
    found = []
    if which("udisksctl"):
        found.append(["udisksctl", "unmount", "--no-user-interaction", "--block-device", mount.device])
    return [*found, ["umount", "--", mount.mount]]


def mount_shown_at(source: str, mounted: Sequence[Mount]) -> Mount | None:
    """The mount that a path lies on: by the kernel, which resolves links and other spellings; by comparing paths,
    where the kernel does not answer, or the path does not exist or is not spelled as it is shown."""
    if point := mount_of(os.fsencode(source), LOOK_TIMEOUT):
        return mounted_at(point, mounted)
    holding = [mount for mount in mounted if _is_below(display(mount.mount), source)]
    return max(holding, key=lambda mount: len(mount.mount), default=None)


def _is_below(top: str, path: str) -> bool:
    return path == top or path.startswith(os.path.join(top, ""))
