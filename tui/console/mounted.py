"""The mounted volumes that could be sources or archives, with what is known of them."""

import os
from collections.abc import Iterable, Sequence

from core.errors import VolumeError
from core.paths import display
from core.results import ArchivePlace, CardView
from core.snapshot import Arrival
from core.threads import each
from core.volumes.probe import probe
from core.volumes.volume import Volume, volumes
from tui.console.card_list import of_volume
from tui.console.json_answers import HeldArchive, MountedVolume
from tui.import_form import Choice, kind

PROBE_TIMEOUT = 5.0
"""Seconds that the look for an archive on a volume gets, which has just answered."""


def mounted(
    cards: Sequence[CardView],
    archives: Sequence[ArchivePlace],
    arrivals: Sequence[Arrival],
    configured: Iterable[str] = (),
) -> list[MountedVolume]:
    """The volumes that the app offers as sources, in its order. `cards`, `archives`, `arrivals`: what the catalog
    and the engine know; `configured`: the archives of the configuration. Raises VolumeError."""
    choice = Choice()
    try:
        choice.merge(volumes())
    except OSError as error:
        raise VolumeError(f"the system does not say what is mounted: {error}.", "Try again.") from error
    listed = [source.volume for source in choice.sources if source.volume is not None]
    places = [*archives, *(_configured(path) for path in configured)]
    held = _archives_by_mount(listed, places)
    return [
        MountedVolume(
            label=display(volume.name),
            path=display(volume.mount),
            kind=kind(volume),
            filesystem=display(volume.filesystem),
            device=display(volume.device),
            size=volume.space.total if volume.space else None,
            free=volume.space.available if volume.space else None,
            removable=volume.removable,
            read_only=volume.read_only,
            camera=display(volume.camera or ""),
            identity=display(volume.identity),
            answers=volume.answers,
            error=display(volume.error),
            archives=tuple(held.get(volume.mount, ())),
            cards=tuple(of_volume(cards, display(volume.identity))),
            arrival=next((one for one in arrivals if one.identity == display(volume.identity) != ""), None),
        )
        for volume in listed
    ]


def _configured(path: str) -> ArchivePlace:
    return ArchivePlace(path=os.fsencode(path), volume="", root=b"", in_use=True)


def _archives_by_mount(listed: Sequence[Volume], places: Sequence[ArchivePlace]) -> dict[str, list[HeldArchive]]:
    """By mount point: the archives that are there now, of those that may be there, and of those that lie at the
    top of a volume. Child processes look, because a volume may have died meanwhile."""
    wanted: dict[tuple[str, bytes], HeldArchive] = {}
    for volume in listed:
        if not volume.answers:
            continue
        top = os.fsencode(volume.mount)
        for place in places:
            path = os.path.normpath(os.path.join(top, place.root))
            if not place.volume or place.volume != display(volume.identity):
                path = place.path
            if _deepest(path, listed) is volume:
                held = HeldArchive(path=display(path), role="in use" if place.in_use else "copy")
                wanted.setdefault((volume.mount, path), held)
        wanted.setdefault((volume.mount, top), HeldArchive(path=display(top), role="unknown"))
    keys = list(wanted)
    there = each(lambda key: probe(os.path.join(key[1], b".lading"), PROBE_TIMEOUT).directory, keys)
    found: dict[str, list[HeldArchive]] = {}
    for key, is_there in zip(keys, there, strict=True):
        if is_there:
            found.setdefault(key[0], []).append(wanted[key])
    return found


def _deepest(path: bytes, listed: Sequence[Volume]) -> Volume | None:
    """The volume that a path lies on, by comparing names alone."""
    around = [
        one for one in listed if os.path.join(path, b"").startswith(os.path.join(os.fsencode(one.mount), b""))
    ]
    return max(around, key=lambda one: len(one.mount), default=None)
