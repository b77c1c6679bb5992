"""Descriptions of locations by people: name, description, position, access notes. A location's folder never
changes."""

import difflib
import re
import time
from collections.abc import Sequence
from typing import Any

import aiosqlite
import msgspec

from core.database import Database, Read, Row, Statement
from core.details import Changes
from core.errors import UsageError
from core.models import Value
from core.paths import display

LONGEST_TEXT = 10_000
"""The most characters of a text about a location."""


class Location(Value, frozen=True, kw_only=True):
    """One location. `described`: when its description was last changed, as far as this database knows; None:
    never.

    `latitude` and `longitude` are in degrees; either both are set or neither.
    """

    id: int
    archive_id: int
    folder: str
    name: str
    description: str = ""
    access_note: str = ""
    external_identifier: str = ""
    latitude: float | None = None
    longitude: float | None = None
    described: float | None = None

    def with_(self, **values: Any) -> "Location":
        """The same with other values."""
        return msgspec.structs.replace(self, **values)


COLUMNS = Location.__struct_fields__
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM location"  # noqa: S608 - names of our own


def _location(row: Row) -> Location:
    return Location(**dict(zip(COLUMNS, row, strict=True)))


async def of_archive(read: Read, archive_id: int) -> list[Location]:
    """All locations of an archive, sorted by name."""
    rows = await read(f"{_SELECT} WHERE archive_id = ? ORDER BY name COLLATE NOCASE, id", (archive_id,))
    return [_location(row) for row in rows]


async def by_id(read: Read, location_id: int) -> Location | None:
    """A location by its row id; None when there is none."""
    rows = await read(f"{_SELECT} WHERE id = ?", (location_id,))
    return _location(rows[0]) if rows else None


async def find(read: Read, archive_id: int, wanted: str) -> Location:
    """The location with the folder `wanted`, else with that name in any case. Raises UsageError."""
    found = await of_archive(read, archive_id)
    key = wanted.strip().casefold()
    for location in found:
        if location.folder == wanted.strip():
            return location
    for location in found:
        if location.name.casefold() == key:
            return location
    names = {location.name.casefold(): location.name for location in found}
    near = difflib.get_close_matches(key, names, n=1, cutoff=0)
    raise UsageError(
        f"there is no location {display(wanted)!r}.",
        f"The nearest name is {display(names[near[0]])!r}." if near else "The archive has none yet.",
    )


async def change(
    database: Database, location_id: int, changes: Changes, also: Sequence[Statement] = ()
) -> Location:
    """Change the description of a location, and return it as changed. `also` is executed in the same transaction:
    what has the location's bag updated, so that no end of the engine comes between.

    Raises UsageError for invalid values, for a name that another location of the archive has, and when there is no
    such location; then nothing has changed.
    """
    values = _checked(changes)

    async def unit(connection: aiosqlite.Connection) -> Location:
        async def read(sql: str, parameters: Sequence[Any]) -> list[Row]:
            return [tuple(row) for row in await connection.execute_fetchall(sql, parameters)]

        location = await by_id(read, location_id)
        if location is None:
            raise UsageError("there is no such location.", "See `lading location`.")
        name = values.get("name")
        if name is not None:
            for other in await of_archive(read, location.archive_id):
                if other.id != location_id and other.name.casefold() == str(name).casefold():
                    raise UsageError(
                        f"another location is called {display(other.name)!r}.", "Give a name that is free."
                    )
        if values:
            # Later than the one before, also where that was described while the clock was ahead: another catalog
            # believes the latest.
            described = max(time.time(), (location.described or 0.0) + 0.001)
            given = {**values, "described": round(described, 6)}
            columns = ", ".join(f"{column} = ?" for column in given)
            await connection.execute(f"UPDATE location SET {columns} WHERE id = ?", (*given.values(), location_id))  # noqa: S608
            for sql, rows in also:
                await connection.executemany(sql, rows)
        changed = await by_id(read, location_id)
        assert changed is not None  # noqa: S101 - for the type checker
        return changed

    return await database.write(unit)


def _checked(changes: Changes) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in ("name", "description", "access_note", "external_identifier"):
        text = getattr(changes, column)
        if text is None:
            continue
        what = column.replace("_", " ")
        if len(text) > LONGEST_TEXT:
            raise UsageError(f"the {what} has {len(text):,} characters.", f"Give {LONGEST_TEXT:,} at most.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"the {what} is not UTF-8.", "Type it again.") from error
        values[column] = text.strip()
    if values.get("name") == "":
        raise UsageError("a location needs a name.", "Give one that is not blank.")
    if changes.position is not None:
        latitude, longitude = changes.position if len(changes.position) == 2 else (None, None)
        here = latitude is None or longitude is None or (abs(latitude) <= 90 and abs(longitude) <= 180)
        if not here or len(changes.position) not in (0, 2):
            raise UsageError(
                f"there is no place at {', '.join(map(str, changes.position))}.",
                "Give latitude -90 to 90 and longitude -180 to 180, in degrees.",
            )
        values |= {"latitude": latitude, "longitude": longitude}
    return values


_DECIMAL = r"([+-]?\d{1,3}(?:\.\d+)?)"
_POSITION = re.compile(rf"{_DECIMAL}\s*[,;\s]\s*{_DECIMAL}")


def position(text: str) -> tuple[float, ...]:
    """(latitude, longitude) from typed text such as "46.41, 11.84"; empty text gives (), which removes the
    position. Raises UsageError."""
    if not text.strip():
        return ()
    found = _POSITION.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{display(text)!r} is no position.", "Give latitude and longitude: 46.41,11.84.")
    return float(found[1]), float(found[2])
