"""The selection that a sheet shows: a location, an import, a card, or the files that a search finds."""

from typing import NamedTuple

from core.catalog import file_sets
from core.catalog.file_sets import FileSet
from core.catalog.import_names import import_names
from core.database import Read
from core.errors import UsageError
from core.paths import display

SHORTEST_ID = 8
"""The fewest characters of a word that may be an import's id."""


class Chosen(NamedTuple):
    """A set of files, and its name and kind as text that is safe to show."""

    title: str
    what: str
    files: FileSet


async def find(read: Read, text: str) -> Chosen:
    """The selection that `text` means: a location or card by its whole name, an import by the beginning of its id,
    else the words of a search (`core.catalog.search`). Raises UsageError when nothing is named or found."""
    told = text.strip().casefold()
    if not told:
        raise UsageError("nothing was named.", "Name a location, an import, a card, or words to search for.")
    imports = await import_names(read)
    for what, fits in (
        ("location", lambda one: told in (one.location, one.folder)),
        ("card", lambda one: told in (one.label, one.volume)),
        ("import", lambda one: len(told) >= SHORTEST_ID and one.name.startswith(told)),
    ):
        if found := [one.id for one in imports if fits(one)]:
            return Chosen(display(text.strip()), what, file_sets.of_imports(found))
    if (files := await file_sets.searched(read, text)) is None:
        raise UsageError(f"nothing fits {display(text.strip())}.", "Try `lading find` with fewer words.")
    return Chosen(display(text.strip()), "search", files)
