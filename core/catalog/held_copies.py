"""What the copies of an archive that are not in use are known to hold, for lists of files, imports and
locations."""

# ruff: noqa: S608 - what is put together are marks for values

from collections.abc import Sequence

from core.database import Read
from core.details import CopyView
from core.paths import display

_WELL = "h.read_back IS NOT NULL AND h.damage IS NULL"
"""SQL condition: the copy of the item was read back well, and is not known to be damaged since."""

_SEEN = "replace(datetime(c.seen, 'unixepoch'), ' ', 'T') || 'Z'"
"""SQL expression: when the copy was last seen, ISO 8601."""

_OF_ITEM = """
    SELECT c.path, h.level, h.read_back, h.damage FROM copy_item h CROSS JOIN copy c ON c.id = h.copy_id
    WHERE h.item_id = ? ORDER BY c.id
"""
_OF_FILES = f"""
    SELECT f.id, c.path FROM file f CROSS JOIN copy_item h ON h.item_id = f.item_id
    CROSS JOIN copy c ON c.id = h.copy_id WHERE f.id IN (%s) AND {_WELL} ORDER BY c.id
"""
_OF_IMPORTS = f"""
    SELECT f.import_id, c.path, count(DISTINCT f.item_id), {_SEEN} FROM file f
    CROSS JOIN copy_item h ON h.item_id = f.item_id CROSS JOIN copy c ON c.id = h.copy_id
    WHERE f.import_id IN (%s) AND {_WELL} GROUP BY f.import_id, c.id
"""
_OF_LOCATIONS = f"""
    SELECT t.location_id, c.path, count(*), {_SEEN} FROM copy c CROSS JOIN copy_item h ON h.copy_id = c.id
    CROSS JOIN item t ON t.id = h.item_id WHERE c.archive_id = ? AND {_WELL} GROUP BY t.location_id, c.id
"""

Held = dict[int, tuple[tuple[str, int, str], ...]]
"""By the row id of an import or a location: (path of a copy, how many of its contents are known to be intact
there, when the copy was last seen: ISO 8601, UTC)."""


async def any_known(read: Read) -> bool:
    """Whether any archive has another copy than the one in use."""
    return bool(await read("SELECT 1 FROM copy LIMIT 1", ()))


async def of_item(read: Read, item_id: int) -> tuple[CopyView, ...]:
    """What is recorded of an item in each of the other copies."""
    return tuple(
        CopyView(path=display(path), level=level, read_back=read_back, damage=display(damage or ""))
        for path, level, read_back, damage in await read(_OF_ITEM, (item_id,))
    )


async def of_files(read: Read, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """By file id: paths of the other copies that hold the file's content intact."""
    if not ids or not await any_known(read):
        return {}
    found: dict[int, tuple[str, ...]] = {}
    for id, path in await read(_OF_FILES % ",".join("?" * len(ids)), tuple(ids)):
        found[id] = (*found.get(id, ()), display(path))
    return found


async def of_imports(read: Read, ids: Sequence[int]) -> Held:
    """What the other copies hold of each of these imports, by row id."""
    if not ids or not await any_known(read):
        return {}
    return _by_row(await read(_OF_IMPORTS % ",".join("?" * len(ids)), tuple(ids)))


async def of_locations(read: Read, archive_id: int) -> Held:
    """What the other copies of an archive hold of its locations, by row id."""
    return _by_row(await read(_OF_LOCATIONS, (archive_id,))) if await any_known(read) else {}


def _by_row(rows: Sequence[Sequence[object]]) -> Held:
    found: Held = {}
    for number, path, count, seen in rows:
        assert isinstance(number, int) and isinstance(count, int) and isinstance(path, bytes)  # noqa: S101, PT018
        found[number] = (*found.get(number, ()), (display(path), count, str(seen)))
    return found
