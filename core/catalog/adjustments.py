"""Corrections of capture dates: which contents they apply to, when they were made, and the dates that result."""

# ruff: noqa: S608 - what is put together are conditions of our own; what a person typed is always a value

import json
import re
import time
from collections.abc import Sequence

import msgspec

from core.catalog import neighbours, search, search_plan
from core.catalog.find_import import find
from core.catalog.import_names import import_names
from core.catalog.search_plan import Criterion
from core.database import Read, Statement
from core.errors import UsageError
from core.media.adjusting import Dated
from core.models import Outcome, State

# An import's id begins with its date. At least the day is required, so that a year or a month is a search for
# dates.
_IMPORT = re.compile(r"\d{8}[0-9a-f-]*")

_KEPT = f"f.outcome IN ({int(Outcome.ARCHIVED)}, {int(Outcome.DUPLICATE)}) AND f.item_id IS NOT NULL"

# One file of the item, from an import that has ended, because the correction is recorded in that import's journal.
_DATES = f"""
    SELECT t.id, t.xxh128, m.captured, m.captured_local, m.offset, m.captured_zone,
        iif(m.captured_zone = 'unset', m.raw, NULL), f.path, i.root, i.id, i.name
    FROM json_each(?) j CROSS JOIN item t ON t.id = j.value LEFT JOIN metadata m ON m.item_id = t.id
    LEFT JOIN file f ON f.id = (
        SELECT f.id FROM file f CROSS JOIN import e ON e.id = f.import_id
        WHERE f.item_id = t.id AND {_KEPT} AND e.archive_id = t.archive_id
            AND e.state IN ('{State.DONE}', '{State.CANCELLED}') ORDER BY f.id LIMIT 1)
    LEFT JOIN import i ON i.id = f.import_id
"""
# In the same form as the capture date of core.listings.FileView.
_SHOWN = (
    "iif({0}.captured_zone = 'unset', 'clock not set', "
    "{0}.captured_local || iif({0}.captured_zone = 'utc' AND {0}.offset IS NULL, 'Z', ''))"
)
_MADE = f"""
    SELECT t.id, t.xxh128, {_SHOWN.format("m")}, coalesce(
            (SELECT {_SHOWN.format("b")} FROM adjusted b WHERE b.item_id = t.id AND b.made != a.made
             ORDER BY b.made DESC LIMIT 1),
            (SELECT {_SHOWN.format("u")} FROM unadjusted u WHERE u.item_id = t.id)),
        (SELECT f.path FROM file f WHERE f.item_id = t.id LIMIT 1), i.root, i.id, i.name, a.what
    FROM json_each(?) j CROSS JOIN adjusted a ON a.item_id = j.value AND a.made = ?
    JOIN item t ON t.id = a.item_id JOIN import i ON i.id = a.import_id LEFT JOIN metadata m ON m.item_id = t.id
"""
_LATEST = "SELECT max(a.made) FROM json_each(?) j CROSS JOIN adjusted a ON a.item_id = j.value"

_SAME = "SELECT id FROM item WHERE archive_id = ? AND xxh128 = ?"
_MAKE = f"""
    INSERT OR IGNORE INTO adjusted
        (item_id, made, import_id, what, by, captured, captured_local, offset, captured_zone)
    SELECT s.id, ?, ?, ?, ?, ?, ?, ?, ? FROM ({_SAME}) s
"""
_UNDO = f"DELETE FROM adjusted WHERE made = ? AND item_id IN ({_SAME})"


class Adjustment(msgspec.Struct, frozen=True):
    """One correction. `made`: when it was made (Unix time), which also identifies it. import_id: the import whose
    journal records it."""

    made: float
    import_id: int
    what: str
    by: str


class DatedItem(msgspec.Struct, frozen=True, array_like=True):
    """An item with its capture date. `raw`: what exiftool reported, only where the camera's clock was not set. The
    fields from `path` on are of one file of the item; None where no import of it has ended."""

    id: int
    xxh128: bytes
    captured: float | None
    local: str | None
    offset: int | None
    zone: str | None
    raw: bytes | None
    path: bytes | None
    root: bytes | None
    import_id: int | None
    import_name: str | None


class CorrectedItem(msgspec.Struct, frozen=True, array_like=True):
    """An item with its capture date as corrected, the date `before` the correction, and `what` the correction
    was."""

    id: int
    xxh128: bytes
    local: str | None
    before: str | None
    path: bytes | None
    root: bytes
    import_id: int
    import_name: str
    what: str


async def select_items(read: Read, text: str) -> list[int]:
    """The ids of the items that `text` selects: those of an import, by its id or the beginning of it (at least the
    day); those of a card, by its label or its volume's name; else those of files found as in
    `core.catalog.search`. Raises UsageError."""
    told = text.strip()
    imports = await _imports(read, told)
    wanted: list[Criterion] = [[search.of_imports(imports)]] if imports else await search.criteria(read, told)
    if not wanted:
        raise UsageError("it was not said which files.", "Give an import, a card, or what to search for.")
    lead = await search_plan.find_lead(read, wanted)
    rest, values = search_plan.conditions(lead.rest)
    rows = await read(
        f"SELECT DISTINCT f.item_id FROM {search_plan.driven_by(lead.ids)} AND {_KEPT}{rest}",
        (*lead.values, *values),
    )
    return sorted(id for (id,) in rows)


async def _imports(read: Read, told: str) -> list[int]:
    if await read("SELECT 1 FROM import WHERE name = ?", (told,)) or _IMPORT.fullmatch(told):
        return [await find(read, told)]
    named = told.casefold()
    return [one.id for one in await import_names(read) if named and named in (one.label, one.volume)]


async def by_archive(read: Read, items: Sequence[int]) -> list[tuple[int, bytes, list[int]]]:
    """Each archive (row id, path) with the ids of those of the items that it holds."""
    found: dict[tuple[int, bytes], list[int]] = {}
    for archive, path, id in await read(
        "SELECT a.id, a.path, t.id FROM json_each(?) j CROSS JOIN item t ON t.id = j.value "
        "JOIN archive a ON a.id = t.archive_id",
        (json.dumps(items),),
    ):
        found.setdefault((archive, path), []).append(id)
    return [(archive, path, ids) for (archive, path), ids in found.items()]


async def locations(read: Read, items: Sequence[int]) -> list[int]:
    """Row ids of the locations whose statistics include any of the items."""
    rows = await read(
        "SELECT DISTINCT i.location_id FROM json_each(?) j CROSS JOIN file f ON f.item_id = j.value "
        "JOIN import i ON i.id = f.import_id",
        (json.dumps(items),),
    )
    return [id for (id,) in rows]


async def dates(read: Read, items: Sequence[int]) -> list[DatedItem]:
    """The items with their capture dates."""
    return [msgspec.convert(row, DatedItem) for row in await read(_DATES, (json.dumps(items),))]


async def next_number(read: Read) -> float:
    """The number of a new correction: the present Unix time, or slightly more than the last number, if the clock
    was ahead when that was given."""
    ((last,),) = await read("SELECT coalesce(max(made), 0) FROM adjusted", ())
    return max(time.time(), float(last) + 0.001)


async def latest(read: Read, items: Sequence[int]) -> float | None:
    """When the last correction of any of these items was made; None when there is none."""
    ((made,),) = await read(_LATEST, (json.dumps(items),))
    return None if made is None else float(made)


async def corrected_items(read: Read, items: Sequence[int], number: float) -> list[CorrectedItem]:
    """The items of `items` that the correction `number` (the time at which it was made) applies to."""
    return [msgspec.convert(row, CorrectedItem) for row in await read(_MADE, (json.dumps(items), number))]


def make(archive_id: int, one: Adjustment, dated: Sequence[tuple[bytes, Dated]]) -> list[Statement]:
    """The statements that record a correction of contents of an archive. Executing them again changes nothing."""
    about = (one.made, one.import_id, one.what, one.by)
    return [(_MAKE, [(*about, *date, archive_id, xxh128) for xxh128, date in dated])]


def undo(archive_id: int, number: float, contents: Sequence[bytes]) -> list[Statement]:
    """The statements that undo a correction of contents."""
    return [
        (_UNDO, [(number, archive_id, xxh128) for xxh128 in contents]),
        (neighbours.LOOK_AT, [(archive_id, xxh128) for xxh128 in contents]),
    ]
