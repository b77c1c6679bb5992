"""The locations of an archive: their descriptions, their statistics, and the state of their bags."""

import json
from typing import Any

from core.catalog import held_copies, locations
from core.catalog.locations import Location
from core.database import Read
from core.details import LocationView
from core.models import State
from core.paths import display
from core.results import junk_sentence

_COUNTED = """
    SELECT l.id, b.sealed, b.note, b.junk, s.files, s.bytes, s.kinds, s.cameras, s.earliest, s.latest,
           s.south, s.north, s.west, s.east
    FROM location l LEFT JOIN bag b ON b.location_id = l.id LEFT JOIN location_stats s ON s.location_id = l.id
    WHERE l.archive_id = ?
"""

_UNSEALED = "its bag was not made yet"

_OPEN = """
    SELECT location_id, name, state, reason FROM import
    WHERE archive_id = ? AND (state = ? OR (state = ? AND runs > 0)) ORDER BY id DESC
"""


async def junk_in(read: Read, archive_id: int, name: str) -> int:
    """How many junk files were last found in the bag of the location with that name; 0 when there is none."""
    rows = await read(
        "SELECT l.name, b.junk FROM location l JOIN bag b ON b.location_id = l.id WHERE l.archive_id = ?",
        (archive_id,),
    )
    wanted = name.strip().casefold()
    return sum(junk for found, junk in rows if found.casefold() == wanted)


async def views(read: Read, archive_id: int) -> list[LocationView]:
    """All locations of an archive, by name."""
    counted = {row[0]: row[1:] for row in await read(_COUNTED, (archive_id,))}
    holding = {
        number: _holds_open(name, state, reason)
        for number, name, state, reason in await read(_OPEN, (archive_id, State.RUNNING, State.PAUSED))
    }
    copies = await held_copies.of_locations(read, archive_id)
    return [
        _view(location, counted[location.id], holding.get(location.id, ""), copies.get(location.id, ()))
        for location in await locations.of_archive(read, archive_id)
    ]


def _holds_open(name: str, state: str, reason: str) -> str:
    """Why a bag is open: the import that is not finished, and how to finish it."""
    if state != State.PAUSED:
        return f"import {name} is {state}"
    why = f" ({reason})" if reason else ""
    return f"import {name} is paused{why}: lading resume {name}, or end it: lading cancel {name}"


def _view(
    location: Location, counted: tuple[Any, ...], holding: str, copies: tuple[tuple[str, int, str], ...]
) -> LocationView:
    sealed, note, junk, files, size, kinds, cameras, earliest, latest, *bounds = counted
    return LocationView(
        folder=location.folder,
        name=display(location.name),
        description=display(location.description),
        access_note=display(location.access_note),
        external_identifier=display(location.external_identifier),
        latitude=location.latitude,
        longitude=location.longitude,
        sealed=None if holding else sealed,
        note=display(holding or ("" if sealed is not None else note or junk_sentence(junk or 0) or _UNSEALED)),
        junk=junk or 0,
        counted=files is not None,
        files=files or 0,
        bytes=size or 0,
        kinds=tuple((kind, found["files"]) for kind, found in json.loads(kinds or "{}").items()),
        cameras=tuple((display(camera), items) for camera, items in json.loads(cameras or "[]")),
        earliest=earliest or "",
        latest=latest or "",
        bounds=tuple(bounds) if None not in bounds else (),
        copies=copies,
    )
