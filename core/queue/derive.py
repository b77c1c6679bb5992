"""Jobs for all that an archive's items lack: after a database was built anew, or a tool was installed late."""

import json
from typing import Any

import aiosqlite

from core.database import Database, Unit
from core.queue import barriers
from core.queue.kinds import QUEUES, Queue
from core.queue.plan import BEHIND, behind
from core.queue.work import UNFINISHED, Work

PAGE = 5000
"""Items looked at in one unit."""

HAS = {
    "exiftool": "SELECT 1 FROM metadata WHERE item_id = item.id",
    "ffprobe": "SELECT 1 FROM probe WHERE item_id = item.id",
    "thumbnail": "SELECT 1 FROM derivative WHERE item_id = item.id AND role = '400'",
    "video_proxy": "SELECT 1 FROM derivative WHERE item_id = item.id AND role = 'proxy'",
}
"""How it is known that an item has what a queue makes."""

# Dead and cancelled jobs stay so: they are listed, and retried.
_ADD = f"""
    INSERT INTO job (queue, priority, archive_id, item_id, origin, follows, required, remaining, state)
    SELECT ?1, ?2, archive_id, id, -archive_id, ?3, ?4, before, iif(before, 'waiting', 'ready')
    FROM (SELECT archive_id, id, (
              SELECT count(*) FROM job WHERE item_id = item.id AND location_id = 0 AND import_id = 0
              AND queue = ?3 AND barrier = 0 AND state IN {UNFINISHED}) AS before
          FROM item WHERE archive_id = ?5 AND id > ?6 AND id <= ?7
          AND kind IN (SELECT value FROM json_each(?8)) AND NOT EXISTS ({{has}})
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


async def derive(database: Database, archive_id: int) -> int:
    """Add jobs for what is missing of an archive's items, and of its imports and locations; how many."""
    total, after = 0, 0
    while True:
        rows = await database.read(
            "SELECT max(id) FROM (SELECT id FROM item WHERE archive_id = ? AND id > ? ORDER BY id LIMIT ?)",
            (archive_id, after, PAGE),
        )
        last = rows[0][0]
        if last is None:
            break
        total += await database.write(_page(archive_id, after, last))
        after = last
    return total + await database.write(_whole(archive_id, total > 0))


def _page(archive_id: int, after: int, last: int) -> Unit[int]:
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


def _whole(archive_id: int, changed: bool) -> Unit[int]:
    """What needs all of it waits for those jobs, behind a barrier with the archive's number, negative."""

    async def unit(connection: aiosqlite.Connection) -> int:
        locations = [id for (id,) in await connection.execute_fetchall(_LACKING, (archive_id, changed))]
        imports = list(await connection.execute_fetchall(_ENDED, (archive_id,))) if changed else []
        works: list[Work] = []
        for queue in BEHIND:
            if queue.subject == "location":
                works += [behind(queue, archive_id, -archive_id, location_id=id) for id in locations]
            else:
                works += [behind(queue, archive_id, -archive_id, import_id=id) for id, _ in imports]
        for sql, rows in barriers.close(-archive_id, works):
            await connection.executemany(sql, rows)
        await barriers.opened(connection, -archive_id)
        return len(works)

    return unit
