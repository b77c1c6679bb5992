"""Adds jobs for items that lack a result (after the database was rebuilt, or a tool was installed later), and for
those whose metadata was read by older rules."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiosqlite

from core.database import Database, Unit
from core.media.metadata import RULES
from core.queue import barriers
from core.queue.barriers import BEHIND, behind
from core.queue.enqueue import UNFINISHED, Work
from core.queue.queue_defs import QUEUES, Queue

PAGE = 5000
"""Items per transaction."""

HAS = {
    "exiftool": "SELECT 1 FROM metadata WHERE item_id = item.id",
    "ffprobe": "SELECT 1 FROM probe WHERE item_id = item.id",
    "thumbnail": "SELECT 1 FROM derivative WHERE item_id = item.id AND role = '400'",
    "video_proxy": "SELECT 1 FROM derivative WHERE item_id = item.id AND role = 'proxy'",
}
"""For each queue, the condition under which an item has its result."""

# Dead and cancelled jobs are not added again: they are listed, and a person can retry them.
_ADD = f"""
    INSERT INTO job (queue, priority, archive_id, item_id, origin, follows, required, remaining, state)
    SELECT ?1, ?2, archive_id, id, -archive_id, ?3, ?4, before, iif(before, 'waiting', 'ready')
    FROM (SELECT archive_id, id, (
              SELECT count(*) FROM job WHERE item_id = item.id AND location_id = 0 AND import_id = 0
              AND queue = ?3 AND barrier = 0 AND state IN {UNFINISHED}) AS before
          FROM item WHERE +archive_id = ?5 AND id > ?6 AND id <= ?7
          AND kind IN (SELECT value FROM json_each(?8)) AND NOT EXISTS ({{has}})
          AND NOT EXISTS (SELECT 1 FROM file f CROSS JOIN link o ON o.file_id = f.id
                          WHERE f.item_id = item.id AND o.role = 'frame')
          AND NOT (?4 AND EXISTS (SELECT 1 FROM job WHERE item_id = item.id AND queue = ?3
                                  AND state IN ('dead', 'cancelled'))))
    WHERE true
    ON CONFLICT (item_id, location_id, import_id, queue, barrier) DO UPDATE SET
        state = excluded.state, remaining = excluded.remaining, origin = excluded.origin,
        attempts = 0, ended = NULL
    WHERE state = 'done'
"""  # noqa: S608 - constants

_LACKING = """
    SELECT l.id FROM location AS l WHERE l.archive_id = ?1 AND (
        ?2 OR NOT EXISTS (SELECT 1 FROM location_stats AS s WHERE s.location_id = l.id)
        OR NOT EXISTS (SELECT 1 FROM bag AS b WHERE b.location_id = l.id AND b.sealed IS NOT NULL))
"""

_ENDED = "SELECT id, location_id FROM import WHERE archive_id = ? AND state IN ('done', 'cancelled')"


_OUTDATED = "SELECT id FROM archive WHERE rules < ? ORDER BY id"

# Of the lowest priority: new items have no metadata at all yet.
_READ_AGAIN = """
    INSERT INTO job (queue, priority, archive_id, item_id, origin, state)
    SELECT 'exiftool', 0, archive_id, id, -archive_id, 'ready' FROM item
    WHERE +archive_id = ?1 AND id > ?2 AND id <= ?3 AND EXISTS (SELECT 1 FROM metadata WHERE item_id = item.id)
    ON CONFLICT (item_id, location_id, import_id, queue, barrier) DO UPDATE SET
        state = excluded.state, priority = excluded.priority, remaining = 0, origin = excluded.origin,
        attempts = 0, ended = NULL
    WHERE state = 'done'
"""


async def derive(database: Database, archive_id: int) -> int:
    """Add jobs for what is missing of an archive's items, and of its imports and locations. Returns how many were
    added."""
    total = 0
    async for after, last in _pages(database, archive_id):
        total += await database.write(_add_missing(archive_id, after, last))
    return total + await database.write(_add_behind_barrier(archive_id, total > 0))


async def outdated(database: Database) -> list[int]:
    """The ids of the archives whose metadata was read by older rules."""
    return [id for (id,) in await database.read(_OUTDATED, (RULES,))]


async def read_again(database: Database, archive_id: int) -> int:
    """Add jobs that read an archive's metadata again, after all other work. Returns how many were added.

    The archive counts as up to date once all are added; if the engine ends before that, the next one begins again.
    """
    total = 0
    async for after, last in _pages(database, archive_id):
        total += await database.write(_add_reads_again(archive_id, after, last))
    if total:
        await database.write(_add_behind_barrier(archive_id, True))
    await database.run(("UPDATE archive SET rules = ? WHERE id = ?", [(RULES, archive_id)]))
    return total


async def _pages(database: Database, archive_id: int) -> AsyncIterator[tuple[int, int]]:
    """The ids of an archive's items in pages: each page is greater than the first number, up to the second."""
    after = 0
    while True:
        rows = await database.read(
            "SELECT max(id) FROM (SELECT id FROM item WHERE +archive_id = ? AND id > ? ORDER BY id LIMIT ?)",
            (archive_id, after, PAGE),
        )
        last = rows[0][0]
        if last is None:
            return
        yield after, last
        after = last


def _add_reads_again(archive_id: int, after: int, last: int) -> Unit[int]:
    async def unit(connection: aiosqlite.Connection) -> int:
        return max(0, (await connection.execute(_READ_AGAIN, (archive_id, after, last))).rowcount)

    return unit


def _add_missing(archive_id: int, after: int, last: int) -> Unit[int]:
    async def unit(connection: aiosqlite.Connection) -> int:
        added = 0
        for queue in QUEUES:
            if queue.name in HAS:
                cursor = await connection.execute(
                    _ADD.format(has=HAS[queue.name]), _parameters(queue, archive_id, after, last)
                )
                added += max(0, cursor.rowcount)
        return added

    return unit


def _parameters(queue: Queue, archive_id: int, after: int, last: int) -> tuple[Any, ...]:
    kinds = json.dumps(queue.kinds)
    return (queue.name, queue.priority, queue.follows, queue.required, archive_id, after, last, kinds)


def _add_behind_barrier(archive_id: int, changed: bool) -> Unit[int]:
    """Adds jobs on imports and locations behind a barrier, which waits for the items' jobs. The barrier has the
    archive's row id, negated."""

    async def unit(connection: aiosqlite.Connection) -> int:
        locations = [id for (id,) in await connection.execute_fetchall(_LACKING, (archive_id, changed))]
        imports = list(await connection.execute_fetchall(_ENDED, (archive_id,))) if changed else []
        works: list[Work] = []
        for queue in BEHIND:
            if queue.subject == "location":
                works += [behind(queue, archive_id, -archive_id, location_id=id) for id in locations]
            else:
                works += [behind(queue, archive_id, -archive_id, import_id=id) for id, _ in imports]
        for sql, rows in barriers.set_up(-archive_id, works):
            await connection.executemany(sql, rows)
        await barriers.open_within(connection, -archive_id)
        return len(works)

    return unit
