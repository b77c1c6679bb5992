"""The catalog: the SQL on archives, locations, volumes, imports, files and items."""

from core.catalog.archives_volumes import Places
from core.catalog.checksum_lists import ChecksumLists
from core.catalog.copies import Copies
from core.catalog.differing import Differing
from core.catalog.due_mirrors import DueMirrors
from core.catalog.failures import Failures, Selection
from core.catalog.files import Files
from core.catalog.groups import Groups
from core.catalog.hook_outbox import HookOutbox
from core.catalog.imports import Imports
from core.catalog.items import Items
from core.catalog.rows import CopyRow, FailureRow, FileRow, ImportRow, Item, SeenRow, SeenVolume
from core.catalog.sequences import Sequences
from core.catalog.unopenable import Opening
from core.database import Database


class Catalog(
    Places,
    Copies,
    Imports,
    Files,
    Items,
    Failures,
    Differing,
    Opening,
    Sequences,
    ChecksumLists,
    Groups,
    HookOutbox,
    DueMirrors,
):
    """Reads committed rows and writes in batches. It assigns the ids of new rows itself, because it is the only
    writer."""

    @classmethod
    async def open(cls, database: Database) -> "Catalog":
        """The catalog in `database`."""
        rows = await database.read("SELECT (SELECT max(id) FROM file), (SELECT max(id) FROM item)")
        catalog = cls(database)
        catalog.last_file_id, catalog.last_item_id = rows[0][0] or 0, rows[0][1] or 0
        return catalog


__all__ = [
    "Catalog",
    "CopyRow",
    "FailureRow",
    "FileRow",
    "ImportRow",
    "Item",
    "SeenRow",
    "SeenVolume",
    "Selection",
]
