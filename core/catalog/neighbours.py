"""Infers the time zone of a capture date that is known in UTC only, from the nearest shot in time by the same
device.

Metadata arrives in any order. So an item without a zone looks for neighbours when its metadata is written, and an
item with a known zone has those that may need it look again.
"""

# ruff: noqa: S608 - what is put together are conditions of our own

from core.database import Statement
from core.media.metadata import Metadata

NEAR_SECONDS = 12 * 3600
"""Seconds: shots that are further apart say nothing about each other's zone."""

UNDECIDED = ("utc", "name", "neighbours")
"""Values of captured_zone that may be replaced by a nearer neighbour's zone."""

ZONED = ("recorded", "position")
"""Values of captured_zone of items that can serve as neighbours."""

# These conditions match the partial indexes metadata_undecided and metadata_zoned.
_UNDECIDED = f"captured_zone IN {UNDECIDED}"
_TELLING = f"k.offset IS NOT NULL AND k.captured_zone IN {ZONED}"

# There may be two cameras of one model, each set to another zone: serial numbers must not contradict each other.
_LIKE = "k.camera = m.camera AND (k.serial IS m.serial OR k.serial IS NULL OR m.serial IS NULL)"


def _nearest(on_which_side: str, order: str) -> str:
    return f"""
        SELECT * FROM (
            SELECT k.offset, abs(k.captured - m.captured) AS apart FROM metadata k
            WHERE {_LIKE} AND {_TELLING} AND k.captured BETWEEN {on_which_side}
            ORDER BY k.captured {order} LIMIT 1
        )
    """


_CHOSEN = f"""
    SELECT m.item_id AS id, (
        SELECT offset FROM (
            {_nearest(f"m.captured - {NEAR_SECONDS} AND m.captured", "DESC")}
            UNION ALL
            {_nearest(f"m.captured AND m.captured + {NEAR_SECONDS}", "ASC")}
        ) ORDER BY apart LIMIT 1
    ) AS ahead
"""
_SET = """
    UPDATE metadata SET offset = c.ahead, captured_zone = 'neighbours', captured_local = strftime(
        '%Y-%m-%dT%H:%M:%S', CAST(captured AS INTEGER) + 60 * c.ahead, 'unixepoch') || substr(captured_local, 20)
    FROM chosen AS c WHERE metadata.item_id = c.id AND c.ahead IS NOT NULL
"""


def _infer_zone(which: str) -> str:
    return f"WITH chosen AS MATERIALIZED ({_CHOSEN} FROM metadata m WHERE {which} AND m.{_UNDECIDED}) {_SET}"


INFER_ZONE = _infer_zone("m.item_id = ?")
"""SQL: infer the zone of one item."""

LOOK_AT = _infer_zone("m.item_id IN (SELECT id FROM item WHERE archive_id = ? AND xxh128 = ?)")
"""SQL: infer the zone of all items of one content."""

# Items that have this offset already are left out: whichever neighbour is the nearest, they would keep it.
TELL = f"""
    WITH chosen AS MATERIALIZED ({_CHOSEN}
        FROM metadata p CROSS JOIN metadata m ON m.camera = p.camera AND m.{_UNDECIDED}
            AND m.captured BETWEEN p.captured - {NEAR_SECONDS} AND p.captured + {NEAR_SECONDS}
            AND m.offset IS NOT p.offset
        WHERE p.item_id = ?) {_SET}
"""
"""SQL: infer the zones of the neighbours of one item whose zone is known."""


def statements(item_id: int, row: Metadata) -> list[Statement]:
    """The statements to execute after an item's metadata was written, in the same transaction."""
    if row.camera is None or row.captured is None:
        return []
    if row.captured_zone in UNDECIDED:
        return [(INFER_ZONE, [(item_id,)])]
    return [(TELL, [(item_id,)])] if row.captured_zone in ZONED and row.offset is not None else []
