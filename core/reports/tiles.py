"""The pictures, films and recordings of a selection, one tile each: by day, by camera, in the order of capture.

A sidecar, a camera's own proxy and the JPEG beside a RAW are on the tile of the file that they belong to, the
movie of a Live Photo on that of its still; frames of one take in a folder of its name are one tile.
"""

import os
import re
from collections.abc import AsyncIterator

import msgspec

from core.catalog import tile_rows
from core.catalog.file_sets import FileSet
from core.catalog.tile_rows import TileRow
from core.database import Read
from core.derivatives import places
from core.media.file_types import Kind
from core.media.makers.rule import Role
from core.paths import display, relative

PAGE = 200
"""Tiles per query."""

ORDERED = 50_000
"""Files per query for the order: eight bytes each are kept, so that a million files take few queries."""

# Frames of a take are in a folder with the name of the take, or in one below it (ARRI: <Clip>/<WxH>/).
_FRAME = re.compile(rb"(.*?)[._-]?(\d{4,})\.(?:dng|ari|arx|dpx|exr|tiff?)", re.IGNORECASE | re.DOTALL)


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


async def tiles(read: Read, files: FileSet) -> AsyncIterator[list[Tile]]:
    """The tiles of a set of files, in order, a page at a time. With more than `ORDERED` files, one whose metadata
    is found meanwhile may be missed or come twice."""
    offset, held = 0, list[Tile]()
    while ids := await tile_rows.order(read, files, ORDERED, offset):
        offset += len(ids)
        for at in range(0, len(ids), PAGE):
            rows = await tile_rows.rows(read, ids[at : at + PAGE])
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


def _tile(row: TileRow) -> Tile:
    below = relative(row.root, row.path)
    digest = row.xxh128.hex()
    picture, film = row.picture, row.film
    if picture is None:
        picture = places.thumbnail(row.payload, digest, "400") if row.kind in (Kind.IMAGES, Kind.VIDEOS) else ""
    if film is None:
        film = places.proxy(row.payload, digest) if row.kind == Kind.VIDEOS else ""
    marks = ["LIVE"] if row.movie is not None else []
    marks += ["RAW+JPEG"] if Role.RAW_PAIR in (row.roles or "").split(",") else []
    marks += ["CLOCK NOT SET"] if row.zone == "unset" else []
    taken = display(row.captured or "") if row.zone != "unset" else ""
    return Tile(
        id=row.id,
        archive=row.archive,
        name=display(os.path.basename(below)),
        path=display(below),
        kind=row.kind,
        size=row.size,
        payload=row.payload,
        picture=picture,
        film=film,
        width=row.width or 0,
        height=row.height or 0,
        note=display(row.note or ""),
        sha256=row.sha256.hex(),
        at=taken or row.changed or "",
        taken=taken,
        camera=display(row.camera or ""),
        lens=display(row.lens or ""),
        duration=row.duration or 0.0,
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
