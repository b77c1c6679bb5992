"""The pictures, films and recordings of a selection, one tile each: by day, by camera, in the order of capture.

A sidecar, a camera's own proxy and the JPEG beside a RAW are on the tile of the file that they belong to, the
movie of a Live Photo on that of its still; frames of one take in a folder of its name are one tile.
"""

# ruff: noqa: S608 - the SQL is composed of our own conditions; what a person typed is always a parameter

import json
import os
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from core.database import Read
from core.derivatives import places
from core.media.file_types import Kind
from core.media.makers.rule import Role
from core.models import Outcome
from core.paths import display, relative

PAGE = 200
"""Tiles per query."""

ORDERED = 50_000
"""Files per query for the order: eight bytes each are kept, so that a million files take few queries."""

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
_TILES = f"""
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

# Frames of a take are in a folder with the name of the take, or in one below it (ARRI: <Clip>/<WxH>/).
_FRAME = re.compile(rb"(.*?)[._-]?(\d{4,})\.(?:dng|ari|arx|dpx|exr|tiff?)", re.IGNORECASE | re.DOTALL)


class Selection(msgspec.Struct, frozen=True):
    """A query for the `id`s of files, and its parameters."""

    ids: str
    values: Sequence[Any] = ()


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One tile; texts are safe to show. `archive` is the root of its archive, `payload`, `picture` and `film` are
    below it: `picture` is empty for a recording, or where `note` says why there is none; a picture or film may not
    have been made yet. taken: as `captured_local`; at: the same, or the file's own time. marks: LIVE, RAW+JPEG,
    and the like. frames: of a take, else 1."""

    id: int
    archive: bytes
    name: str
    path: str
    kind: str
    size: int
    payload: str
    picture: str
    film: str
    width: int
    height: int
    note: str
    sha256: str
    at: str
    taken: str
    camera: str
    lens: str
    duration: float
    marks: tuple[str, ...]
    frames: int = 1
    take: bytes = b""

    @property
    def day(self) -> str:
        """The day of capture, or of the file's own time; a month or year where no more is known."""
        return self.at[:10]


class Stretch(msgspec.Struct, frozen=True):
    """The tiles of one camera and kind in one hour of one day. seconds: of films and recordings."""

    day: str
    hour: str
    camera: str
    kind: str
    count: int
    bytes: int
    seconds: float


async def times(read: Read, chosen: Selection) -> list[Stretch]:
    """How many tiles there are, by day, hour, camera and kind."""
    rows = await read(_TIMES.format(shown=_SHOWN.format(ids=chosen.ids)), chosen.values)
    return [Stretch(day, hour, display(camera), *rest) for day, hour, camera, *rest in rows]


async def tiles(read: Read, chosen: Selection) -> AsyncIterator[list[Tile]]:
    """The tiles of a selection, in order, a page at a time. With more than `ORDERED` files, one whose metadata is
    found meanwhile may be missed or come twice."""
    sql = _ORDER.format(shown=_SHOWN.format(ids=chosen.ids))
    offset, held = 0, list[Tile]()
    while ids := [id for (id,) in await read(sql, (*chosen.values, ORDERED, offset))]:
        offset += len(ids)
        for at in range(0, len(ids), PAGE):
            rows = await read(_TILES, (json.dumps(ids[at : at + PAGE]),))
            held = _together([*held, *map(_tile, rows)])
            # The last tile may continue on the next page.
            if held[:-1]:
                yield held[:-1]
            held = held[-1:]
        if len(ids) < ORDERED:
            break
    if held:
        yield held


def _together(found: list[Tile]) -> list[Tile]:
    """Join consecutive frames of one take into one tile, that of the first."""
    made: list[Tile] = []
    for tile in found:
        if made and tile.take and tile.take == made[-1].take:
            last = made[-1]
            made[-1] = msgspec.structs.replace(last, frames=last.frames + tile.frames, size=last.size + tile.size)
        else:
            made.append(tile)
    return made


def _tile(row: Sequence[Any]) -> Tile:
    id, archive, root, path, kind, size, payload, xxh128, sha256, taken, zone, changed, *more = row
    camera, lens, duration, picture, width, height, note, film, movie, roles = more
    below = relative(root, path)
    digest = xxh128.hex()
    if picture is None:
        picture = places.thumbnail(payload, digest, "400") if kind in (Kind.IMAGES, Kind.VIDEOS) else ""
    if film is None:
        film = places.proxy(payload, digest) if kind == Kind.VIDEOS else ""
    marks = ["LIVE"] if movie is not None else []
    held = (roles or "").split(",")
    marks += ["RAW+JPEG"] if Role.RAW_PAIR in held else []
    marks += ["CLOCK NOT SET"] if zone == "unset" else []
    taken = display(taken or "") if zone != "unset" else ""
    return Tile(
        id=id,
        archive=archive,
        name=display(os.path.basename(below)),
        path=display(below),
        kind=kind,
        size=size,
        payload=payload,
        picture=picture,
        film=film,
        width=width or 0,
        height=height or 0,
        note=display(note or ""),
        sha256=sha256.hex(),
        at=taken or changed or "",
        taken=taken,
        camera=display(camera or ""),
        lens=display(lens or ""),
        duration=duration or 0.0,
        marks=tuple(marks),
        take=_take(below),
    )


def _take(path: bytes) -> bytes:
    """The key that the frames of one take share; empty for any other file."""
    folder, _, name = path.rpartition(b"/")
    found = _FRAME.fullmatch(name)
    if not found or not found[1]:
        return b""
    above, _, last = folder.rpartition(b"/")
    return folder if found[1] in (last, os.path.basename(above)) else b""
