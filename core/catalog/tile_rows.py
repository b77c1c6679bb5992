"""The pictures, films and recordings of a set of files: their order on a page, and all that a tile shows of one.

A file that belongs to another one (a sidecar, the JPEG beside a RAW, the movie of a Live Photo) has no row.
"""

# ruff: noqa: S608 - the SQL is composed of our own conditions; what a person typed is always a parameter

import json
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from core.catalog.file_sets import FileSet
from core.database import Read
from core.media.file_types import Kind
from core.media.makers.rule import Role
from core.models import Outcome

_OWNED = (
    *(Role.SIDECAR, Role.RAW_PAIR, Role.PROXY, Role.THUMBNAIL, Role.VOICE_MEMO),
    *(Role.METADATA, Role.AUDIO),
)
"""Files with these roles for another file have no tile of their own."""

_MEDIA = (Kind.IMAGES, Kind.VIDEOS, Kind.AUDIO)


def _listed(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_TAKEN = "iif(m.captured_zone IS 'unset', NULL, m.captured_local)"
_CHANGED = "strftime('%Y-%m-%dT%H:%M:%S', f.mtime_ns / 1000000000, 'unixepoch', 'localtime')"
_SHOWN = f"""
    SELECT min(f.id) AS id, coalesce({_TAKEN}, {_CHANGED}, '') AS at, coalesce(m.camera, '') AS camera, f.kind,
           f.path, f.size, coalesce(p.duration, m.duration, 0) AS duration
    FROM ({{ids}}) s CROSS JOIN file f ON f.id = s.id
         LEFT JOIN metadata m ON m.item_id = f.item_id LEFT JOIN probe p ON p.item_id = f.item_id
    WHERE f.outcome IN ({int(Outcome.ARCHIVED)}, {int(Outcome.DUPLICATE)}) AND f.item_id IS NOT NULL
        AND f.kind IN ({_listed(_MEDIA)})
        AND NOT EXISTS (SELECT 1 FROM link k WHERE k.file_id = f.id AND k.role IN ({_listed(_OWNED)}))
        AND NOT EXISTS (SELECT 1 FROM live_pair v JOIN file o ON o.item_id = v.still_id
                        WHERE v.movie_id = f.item_id AND +o.import_id = f.import_id)
    GROUP BY f.item_id
"""
_ORDER = "SELECT id FROM ({shown}) ORDER BY substr(at, 1, 10), camera, at, path LIMIT ? OFFSET ?"
_TIMES = """
    SELECT substr(at, 1, 10), substr(at, 12, 2), camera, kind, count(*), sum(size), sum(duration) FROM ({shown})
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_ROWS = f"""
    SELECT f.id, a.path, i.root, f.path, f.kind, t.size, t.path, t.xxh128, t.sha256, m.captured_local,
           m.captured_zone, {_CHANGED}, m.camera, m.lens, coalesce(p.duration, m.duration),
           d.path, d.width, d.height, d.note, y.path,
           (SELECT movie_id FROM live_pair WHERE still_id = t.id),
           (SELECT group_concat(role) FROM link WHERE owner_id = f.id)
    FROM json_each(?) j CROSS JOIN file f ON f.id = j.value JOIN import i ON i.id = f.import_id
         JOIN item t ON t.id = f.item_id JOIN archive a ON a.id = t.archive_id
         LEFT JOIN metadata m ON m.item_id = t.id LEFT JOIN probe p ON p.item_id = t.id
         LEFT JOIN derivative d ON d.item_id = t.id AND d.role = '400'
         LEFT JOIN derivative y ON y.item_id = t.id AND y.role = 'proxy'
    ORDER BY j.key
"""


class TileRow(NamedTuple):
    """A file that has a tile. `path` is its path on its volume, `root` the root of its import's source there,
    `archive` the root of the archive, `payload` the path of its payload below that. size: bytes.

    captured: the capture date in local time. changed: the file's own time, in local time. duration: seconds.
    picture, film: paths of the thumbnail and the proxy below the archive's root; None if there is none (yet), and
    `note` may say why. movie: the item of the movie of a Live Photo. roles: those of the files that belong to this
    one.
    """

    id: int
    archive: bytes
    root: bytes
    path: bytes
    kind: str
    size: int
    payload: str
    xxh128: bytes
    sha256: bytes
    captured: str | None
    zone: str | None
    changed: str | None
    camera: str | None
    lens: str | None
    duration: float | None
    picture: str | None
    width: int | None
    height: int | None
    note: str | None
    film: str | None
    movie: int | None
    roles: str | None


class Stretch(msgspec.Struct, frozen=True):
    """The tiles of one camera and kind in one hour of one day. seconds: of films and recordings."""

    day: str
    hour: str
    camera: str
    kind: str
    count: int
    bytes: int
    seconds: float


async def stretches(read: Read, files: FileSet) -> list[Stretch]:
    """How many tiles there are, by day, hour, camera and kind."""
    sql = _TIMES.format(shown=_SHOWN.format(ids=files.ids))
    return [Stretch(*row) for row in await read(sql, files.values)]


async def order(read: Read, files: FileSet, count: int, offset: int) -> list[int]:
    """The ids of up to `count` files that have a tile, beyond the first `offset`: by day, camera and time of
    capture."""
    sql = _ORDER.format(shown=_SHOWN.format(ids=files.ids))
    return [id for (id,) in await read(sql, (*files.values, count, offset))]


async def rows(read: Read, ids: Sequence[int]) -> list[TileRow]:
    """These files, in this order."""
    return [TileRow(*row) for row in await read(_ROWS, (json.dumps(ids),))]
