"""Finding a mounted volume by what a person calls it: its name, its card's name, or a path on it."""

import os
from collections.abc import Sequence

from core.errors import EjectError, UsageError, VolumeError
from core.models import Value
from core.paths import display
from core.results import CardView
from core.threads import each
from core.volumes.eject import mount_shown_at
from core.volumes.filesystems import StorageKind
from core.volumes.mounts import Mount, mounts
from core.volumes.volume import Volume, describe


class NamedVolume(Value, frozen=True, kw_only=True):
    """A volume that was named. path: its mount point, or the path that was given where none is known. source: what
    is ejected: the path that was given, else the mount point."""

    label: str
    path: str
    source: str
    identity: str = ""


def plugged_in() -> list[Volume]:
    """The volumes that a person may name; none of them is probed, because one may be dead. Raises VolumeError."""
    try:
        listed = [mount for mount in mounts() if not mount.hidden and mount.kind is not StorageKind.MEMORY]
    except OSError as error:
        raise VolumeError(f"the system does not say what is mounted: {error}.", "Try again.") from error
    return [volume for volume in each(_described, listed) if volume is not None]


def named(text: str, here: Sequence[Volume], cards: Sequence[CardView]) -> NamedVolume:
    """The volume that `text` means: by its name, that of its card in the catalog, or its identity, whatever the
    case; else by a path on it. Raises UsageError when it means none, or several, EjectError when it means a card
    that is not plugged in."""
    wanted = text.casefold()
    known = {card.identity for card in cards if wanted in (card.label.casefold(), card.identity.casefold())}
    if "/" not in text:
        found = [volume for volume in here if _called(volume, wanted) or display(volume.identity) in known - {""}]
        if len(found) > 1:
            places = ", ".join(display(volume.mount) for volume in found)
            raise UsageError(f"{display(text)} is the name of several: {places}.", "Give the path of one.")
        if found:
            return _named_volume(found[0], display(found[0].mount))
    if "/" in text or os.path.exists(text):
        path = os.path.abspath(text)
        mount = mount_shown_at(path, here)
        volume = next((one for one in here if mount is not None and one.mount == mount.mount), None)
        # If nothing is known of it, the ejection says why not.
        return (
            _named_volume(volume, path)
            if volume
            else NamedVolume(label=display(path), path=display(path), source=path)
        )
    if known:
        raise EjectError(f"{display(text)} is not plugged in.", "There is nothing to eject.")
    raise UsageError(f"nothing that is mounted is called {display(text)}.", "`lading volumes` lists what is.")


def went_along(one: NamedVolume) -> bool:
    """Whether a volume that was plugged in is no longer: macOS ejects all volumes of a disk together."""
    try:
        return bool(one.identity) and one.path not in {display(mount.mount) for mount in mounts()}
    except OSError:
        return False


def _described(mount: Mount) -> Volume | None:
    try:
        return describe(mount)
    except VolumeError:
        return None


def _called(volume: Volume, wanted: str) -> bool:
    return wanted in (display(volume.name).casefold(), display(volume.identity).casefold())


def _named_volume(volume: Volume, source: str) -> NamedVolume:
    label, path, identity = display(volume.name), display(volume.mount), display(volume.identity)
    return NamedVolume(label=label, path=path, source=source, identity=identity)
