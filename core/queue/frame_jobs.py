"""Adds jobs for pictures that may be frames of a film: once the whole import is listed, for first frames only."""

from core.catalog import Catalog, ImportRow
from core.queue import enqueue


async def add(catalog: Catalog, row: ImportRow) -> None:
    """Add the jobs that were held back while an import's possible frames were archived."""
    async for items in catalog.single_frames(row.id, row.root):
        await catalog.database.run(*enqueue.of_items([(row.archive_id, item) for item in items], row.id))
