"""Sets of files that a person names: of an import, a card, a location, or all that a search finds."""

# ruff: noqa: S608 - the SQL is composed of our own conditions; what a person typed is always a parameter

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from core.catalog import search, search_plan
from core.database import Read
from core.models import Outcome


class FileSet(msgspec.Struct, frozen=True):
    """A query for the `id`s of files, and its parameters."""

    ids: str
    values: Sequence[Any] = ()


def of_import(import_id: int) -> FileSet:
    """The files of one import."""
    return FileSet("SELECT id FROM file WHERE import_id = ?", (import_id,))


def of_imports(import_ids: Sequence[int]) -> FileSet:
    """The files of several imports."""
    ids = "SELECT f.id FROM json_each(?) j CROSS JOIN file f ON f.import_id = j.value"
    return FileSet(ids, (json.dumps(import_ids),))


async def searched(read: Read, text: str) -> FileSet | None:
    """The files, junk excepted, that fit the words of a search (`core.catalog.search`); None: there are none.
    Raises UsageError."""
    lead = await search_plan.find_lead(read, await search.criteria(read, text))
    rest, values = search_plan.conditions(lead.rest)
    ids = f"SELECT f.id FROM {search_plan.driven_by(lead.ids)} AND f.outcome != ?{rest}"
    found = FileSet(ids, (*lead.values, Outcome.LITTER, *values))
    return found if await read(f"SELECT 1 FROM ({ids}) LIMIT 1", found.values) else None
