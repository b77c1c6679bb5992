"""The selection that a sheet shows: a location, an import, a card, or the files that a search finds."""

# ruff: noqa: S608 - the SQL is composed of our own conditions; what a person typed is always a parameter

import json
from typing import NamedTuple

from core.catalog import search, search_plan
from core.database import Read
from core.errors import UsageError
from core.models import Outcome
from core.paths import display
from core.reports.tiles import Selection

SHORTEST_ID = 8
"""The fewest characters of a word that may be an import's id."""

_IMPORTS = """
    SELECT i.id, i.name, coalesce(i.options ->> 'label', ''), v.name, l.name, l.folder FROM import i
    JOIN location l ON l.id = i.location_id JOIN volume v ON v.id = i.volume_id ORDER BY i.id
"""
_OF_IMPORTS = "SELECT f.id FROM json_each(?) j CROSS JOIN file f ON f.import_id = j.value"


class Chosen(NamedTuple):
    """A selection, and its name and kind as text that is safe to show."""

    title: str
    what: str
    selection: Selection


def of_import(import_id: int) -> Selection:
    """The files of one import."""
    return Selection("SELECT id FROM file WHERE import_id = ?", (import_id,))


async def find(read: Read, text: str) -> Chosen:
    """The selection that `text` means: a location or card by its whole name, an import by the beginning of its id,
    else the words of a search (`core.catalog.search`). Raises UsageError when nothing is named or found."""
    told = text.strip().casefold()
    if not told:
        raise UsageError("nothing was named.", "Name a location, an import, a card, or words to search for.")
    rows = await read(_IMPORTS, ())
    for what, fits in (
        ("location", lambda name, label, volume, place, folder: told in (place, folder)),
        ("card", lambda name, label, volume, place, folder: told in (label, volume)),
        ("import", lambda name, *_: len(told) >= SHORTEST_ID and name.startswith(told)),
    ):
        if found := [id for id, *texts in rows if fits(*(str(one).casefold() for one in texts))]:
            return Chosen(display(text.strip()), what, Selection(_OF_IMPORTS, (json.dumps(found),)))
    return Chosen(display(text.strip()), "search", await _searched(read, text))


async def _searched(read: Read, text: str) -> Selection:
    lead = await search_plan.leading(read, await search.criteria(read, text))
    rest, values = search_plan.conditions(lead.rest)
    ids = f"SELECT f.id FROM {search_plan.led_by(lead.ids)} AND f.outcome != ?{rest}"
    chosen = Selection(ids, (*lead.values, Outcome.LITTER, *values))
    if not await read(f"SELECT 1 FROM ({ids}) LIMIT 1", chosen.values):
        raise UsageError(f"nothing fits {display(text.strip())}.", "Try `lading find` with fewer words.")
    return chosen
