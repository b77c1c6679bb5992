"""Files that a camera has made of a film itself: its proxy and its thumbnail, by the links between files."""

import os
from collections.abc import Sequence
from typing import Any

from core.media.file_types import split
from core.tasks.task import Context, ItemFacts

# Formats that play wherever an MP4 does.
_PLAYABLE = frozenset((b"mp4", b"mov", b"lrf", b"lrv", b"insv"))
_PICTURES = frozenset((b"jpg", b"thm", b"scr", b"bmp"))

_OF = """
    SELECT DISTINCT t.id, c.path, t.size FROM file f CROSS JOIN link o ON o.owner_id = f.id AND o.role = ?2
    CROSS JOIN file c ON c.id = o.file_id CROSS JOIN item t ON t.id = c.item_id
    WHERE f.item_id = ?1 AND t.archive_id = ?3 AND t.damage IS NULL ORDER BY t.size DESC, t.id LIMIT 20
"""
_PROXY_OF = """
    SELECT w.path FROM file f CROSS JOIN link o ON o.file_id = f.id AND o.role = 'proxy'
    CROSS JOIN file w ON w.id = o.owner_id WHERE f.item_id = ? LIMIT 1
"""
_SIZE = "SELECT width, height FROM probe WHERE item_id = ?"


async def proxy_of(context: Context, item: ItemFacts) -> bytes | None:
    """The name of the film of which the item is the camera's proxy; None when it is not a proxy."""
    rows = await context.read(_PROXY_OF, (item.id,))
    return os.path.basename(bytes(rows[0][0])) if rows else None


async def proxy(context: Context, item: ItemFacts) -> tuple[ItemFacts, bytes] | None:
    """The camera's proxy of a film, and its name; None if there is none that is smaller than the film and plays
    everywhere."""
    for row in await context.read(_OF, (item.id, "proxy", item.archive_id)):
        # The chunks in Sony's folder PXTMP hold a part of the film only (helpguide.sony.net/pro/z300z380).
        if _ending(row) in _PLAYABLE and row[2] < item.size and b"/PXTMP/" not in row[1].upper():
            return await _facts(context, row)
    return None


async def thumbnail(context: Context, item: ItemFacts) -> tuple[ItemFacts, bytes] | None:
    """The camera's thumbnail of a film, and its name; None: there is none."""
    for row in await context.read(_OF, (item.id, "thumbnail", item.archive_id)):
        if _ending(row) in _PICTURES:
            return await _facts(context, row)
    return None


async def edges(context: Context, item: ItemFacts) -> tuple[int, int] | None:
    """Width and height of a film by ffprobe; None when they are not known."""
    rows = await context.read(_SIZE, (item.id,))
    return (rows[0][0], rows[0][1]) if rows and rows[0][0] and rows[0][1] else None


def _ending(row: Sequence[Any]) -> bytes:
    return split(os.path.basename(bytes(row[1])))[1]


async def _facts(context: Context, row: Sequence[Any]) -> tuple[ItemFacts, bytes] | None:
    found = (await context.items([row[0]])).get(row[0])
    return (found, os.path.basename(bytes(row[1]))) if found else None
