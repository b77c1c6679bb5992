"""The names by which a person may mean an import: its own, and those of its card, its volume and its location."""

from typing import NamedTuple

from core.database import Read

_IMPORTS = """
    SELECT i.id, i.name, i.options ->> 'label', v.name, l.name, l.folder FROM import i
    JOIN location l ON l.id = i.location_id JOIN volume v ON v.id = i.volume_id ORDER BY i.id DESC
"""


class ImportNames(NamedTuple):
    """The names of one import, casefolded; empty where there is none. `id`: its row."""

    id: int
    name: str
    label: str
    volume: str
    location: str
    folder: str


async def import_names(read: Read) -> list[ImportNames]:
    """The names of all imports, newest first."""
    rows = await read(_IMPORTS, ())
    return [ImportNames(id, *(str(text or "").casefold() for text in texts)) for id, *texts in rows]
