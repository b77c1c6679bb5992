"""The locations of an archive: what people said of them, what was counted in them, and the state of their bags."""

import json
from typing import Any

from core.archives import locations
from core.archives.locations import Location
from core.paths import display
from core.receipts.lookup import Read
from core.shown import LocationView

_COUNTED = """
    SELECT l.id, b.sealed, b.note, s.files, s.bytes, s.kinds, s.cameras, s.earliest, s.latest,
           s.south, s.north, s.west, s.east
    FROM location l LEFT JOIN bag b ON b.location_id = l.id LEFT JOIN location_stats s ON s.location_id = l.id
    WHERE l.archive_id = ?
"""

_UNSEALED = "its bag was not made yet"


async def views(read: Read, archive_id: int) -> list[LocationView]:
    """All locations of an archive, by name."""
    counted = {row[0]: row[1:] for row in await read(_COUNTED, (archive_id,))}
    return [_view(location, counted[location.id]) for location in await locations.of_archive(read, archive_id)]


def _view(location: Location, counted: tuple[Any, ...]) -> LocationView:
    sealed, note, files, size, kinds, cameras, earliest, latest, *bounds = counted
    return LocationView(
        folder=location.folder,
        name=display(location.name),
        description=display(location.description),
        access_note=display(location.access_note),
        external_identifier=display(location.external_identifier),
        latitude=location.latitude,
        longitude=location.longitude,
        sealed=sealed,
        note="" if sealed is not None else display(note or _UNSEALED),
        files=files or 0,
        bytes=size or 0,
        kinds=tuple((kind, found["files"]) for kind, found in json.loads(kinds or "{}").items()),
        cameras=tuple((display(camera), items) for camera, items in json.loads(cameras or "[]")),
        earliest=earliest or "",
        latest=latest or "",
        bounds=tuple(bounds) if None not in bounds else (),
    )
