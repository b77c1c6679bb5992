"""Removes items that turned out to be junk files from the catalog, with everything derived from them."""

import json
import time
from collections.abc import Sequence

import aiosqlite

from core.database import Database
from core.queue.completion import ChangedJob, ended
from core.queue.enqueue import UNFINISHED

# Jobs and barriers that wait for these jobs continue without them.
_CANCEL = f"""
    UPDATE job SET state = 'cancelled' WHERE item_id IN (SELECT value FROM json_each(?)) AND state IN {UNFINISHED}
    RETURNING id, state, queue, item_id, origin, error
"""  # noqa: S608 - constants

_DELETE = [
    f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants
    for table, column in (
        ("job", "item_id"),
        ("live_pair", "still_id"),
        ("live_pair", "movie_id"),
        ("derivative", "item_id"),
        ("adjusted", "item_id"),
        ("metadata", "item_id"),
        ("probe", "item_id"),
        ("item", "id"),
    )
]


async def drop_jobs(database: Database, archive_id: int) -> None:
    """Delete all jobs of an archive. `core.queue.backfill.derive` adds what its items lack once it is here."""
    await database.run(("DELETE FROM job WHERE archive_id = ?", [(archive_id,)]))


async def forget(database: Database, items: Sequence[int]) -> None:
    """Remove items from the catalog. None of them may be referred to by a file of an import."""

    async def unit(connection: aiosqlite.Connection) -> None:
        given = json.dumps(list(items))
        rows = await connection.execute_fetchall(_CANCEL, (given,))
        await ended(connection, [ChangedJob(*row) for row in rows], time.time())
        for sql in _DELETE:
            await connection.execute(sql, (given,))

    await database.write(unit)
