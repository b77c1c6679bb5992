"""What the archive holds and where it came from: every SQL statement of the importing side."""

from core.catalog.failures import Failures, Selection
from core.catalog.files import Files
from core.catalog.imports import Imports
from core.catalog.items import Items
from core.catalog.places import Places
from core.catalog.rows import FileRow, ImportRow, Item, SeenRow, below, beside
from core.database import Database


class Catalog(Places, Imports, Files, Items, Failures):
    """Reads committed rows, writes by the batch; hands out the numbers of new rows, being the only writer."""

    @classmethod
    async def open(cls, database: Database) -> "Catalog":
        """The catalog in `database`."""
        rows = await database.read("SELECT (SELECT max(id) FROM file), (SELECT max(id) FROM item)")
        catalog = cls(database)
        catalog.last_file_id, catalog.last_item_id = rows[0][0] or 0, rows[0][1] or 0
        return catalog


__all__ = ["Catalog", "FileRow", "ImportRow", "Item", "SeenRow", "Selection", "below", "beside"]
