"""Files of one import or of all imports, filtered, searched and paged; and the details of one file."""

# ruff: noqa: S608 - what is put together are conditions of our own; what a person typed is always a value

import json
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from core.catalog import held_copies, search, search_plan
from core.catalog.failures import REASON_SQL
from core.catalog.find_import import find
from core.catalog.sequences import SHOWN
from core.database import Read
from core.errors import UsageError
from core.listings import FileView
from core.media.local_time import zone_text
from core.models import Outcome
from core.paths import display, is_remote, relative
from core.words import counted

PAGE = 200
"""The most files on one page."""

COUNTED = 5_000
"""The most files that are counted: nobody reads more, and counting a million takes long."""

MOST_READ = 4 * COUNTED
"""The most files that are read to find COUNTED distinct contents."""

CAPTURED = "m.captured_local || iif(m.captured_zone = 'utc' AND m.offset IS NULL, 'Z', '')"
"""SQL of the capture date: local time at the place, or UTC with a Z behind it where the zone is not known."""

_FROM = """
    file f JOIN import i ON i.id = f.import_id JOIN location l ON l.id = i.location_id
         JOIN archive a ON a.id = i.archive_id LEFT JOIN item t ON t.id = f.item_id
         LEFT JOIN metadata m ON m.item_id = t.id LEFT JOIN failure e ON e.file_id = f.id
"""
_SELECT = (
    f"SELECT f.id, i.name, i.root, f.path, f.size, f.mtime_ns, f.kind, f.outcome, {REASON_SQL}, t.path, t.level, "
    f"{CAPTURED}, m.camera, i.options ->> 'label', l.name, l.folder, a.path, "
    "t.xxh128, t.sha256, (SELECT s.told FROM sequence s WHERE s.file_id = f.id), t.damage, "
    "(SELECT count(DISTINCT g.import_id) FROM file g WHERE g.item_id = f.item_id AND g.outcome IN (1, 2))"
)


async def page(
    read: Read, name: str, outcomes: Sequence[Outcome], text: str, offset: int
) -> tuple[int, bool, list[FileView]]:
    """(total, more, files): how many files fit, whether there are more than that, and those from row `offset` on.

    name: an import's id; empty: all imports, where `archived` finds them. outcomes: only these; empty: all. text:
    a search as in `core.catalog.search`. Of a film in numbered pictures only the first frame is listed. More than
    COUNTED are counted only for one import without `text`. Raises UsageError.
    """
    if not name and not outcomes:
        total, more, numbers = await archived(read, text)
        return total, more, await _views(read, numbers[max(offset, 0) :][:PAGE])
    wanted = await search.criteria(read, text)
    # Junk files are listed only for one import.
    where, values = (SHOWN, list[Any]()) if name else (f"f.outcome != ? AND {SHOWN}", list[Any]([Outcome.LITTER]))
    if outcomes:
        where += f" AND f.outcome IN ({','.join('?' * len(outcomes))})"
        values += outcomes
    if name:
        number = await find(read, name)
        if not wanted:
            return await _whole(read, f"f.import_id = ? AND {where}", [number, *values], offset)
        wanted.append([search.of_imports([number])])
    lead = await search_plan.find_lead(read, wanted)
    rest, with_rest = search_plan.conditions(lead.rest)
    found = f"SELECT f.id FROM {search_plan.driven_by(lead.ids)} AND {where}{rest}"
    if lead.few:
        found += f" ORDER BY f.id {'' if name else 'DESC'}"
    # Counted and found in one query: finding out that nothing fits may have to read all rows that the index leads
    # to.
    ids = await read(f"{found} LIMIT {COUNTED + 1}", (*lead.values, *values, *with_rest))
    shown = ids[:COUNTED][max(offset, 0) :][:PAGE]
    return min(len(ids), COUNTED), len(ids) > COUNTED, await _views(read, [id for (id,) in shown])


async def archived(read: Read, text: str) -> tuple[int, bool, list[int]]:
    """(total, more, ids): files that fit `text`, newest first, one file of each content.

    Without an `outcome:` in the text only files that are in the archive. Of a film in numbered pictures only the
    first frame. At most COUNTED. Raises UsageError.
    """
    wanted = await search.criteria(read, text)
    only = "f.outcome != ?" if search.asks_outcome(text) else "f.outcome IN (?, ?)"
    values = [Outcome.LITTER] if search.asks_outcome(text) else [Outcome.ARCHIVED, Outcome.DUPLICATE]
    lead = await search_plan.find_lead(read, wanted)
    rest, with_rest = search_plan.conditions(lead.rest)
    found = f"SELECT f.id, f.item_id FROM {search_plan.driven_by(lead.ids)} AND {only} AND {SHOWN}{rest}"
    if lead.few:
        found += " ORDER BY f.id DESC"
    rows = await read(f"{found} LIMIT {MOST_READ + 1}", (*lead.values, *values, *with_rest))
    first: dict[object, int] = {}
    for id, item in rows[:MOST_READ]:
        first.setdefault((id,) if item is None else item, id)
    ids = list(first.values())
    return min(len(ids), COUNTED), len(rows) > MOST_READ or len(ids) > COUNTED, ids[:COUNTED]


async def _whole(read: Read, fits: str, values: Sequence[Any], offset: int) -> tuple[int, bool, list[FileView]]:
    """All files of one import that fit, with their exact count."""
    ((total,),) = await read(f"SELECT count(*) FROM file f WHERE {fits}", values)
    found = f"SELECT f.id FROM file f WHERE {fits} ORDER BY f.id LIMIT ? OFFSET ?"
    ids = await read(found, (*values, PAGE, max(offset, 0)))
    return total, False, await _views(read, [id for (id,) in ids])


async def _views(read: Read, ids: list[int]) -> list[FileView]:
    rows = await read(f"{_SELECT} FROM json_each(?) d CROSS JOIN {_FROM} WHERE f.id = d.value", (json.dumps(ids),))
    copies = await held_copies.of_files(read, ids)
    return [msgspec.structs.replace(_view(row), copies=copies.get(row[0], ())) for row in rows]


async def position(read: Read, file_id: int) -> int:
    """The row of a file in the list of all files of its import, as `page` gives it. Raises UsageError."""
    rows = await read(
        f"SELECT (SELECT count(*) FROM file f WHERE f.import_id = w.import_id AND f.id < w.id AND {SHOWN}) "
        "FROM file w WHERE w.id = ?",
        (file_id,),
    )
    if not rows:
        raise UsageError("there is no such file any more.", "Search again.")
    return int(rows[0][0])


async def details(read: Read, file_id: int) -> list[tuple[str, str]]:
    """All that is recorded of one file, as (name, value) to show. Raises UsageError."""
    rows = await read(f"{_SELECT}, t.id, t.read_back FROM {_FROM} WHERE f.id = ?", (file_id,))
    if not rows:
        raise UsageError("there is no such file any more.", "Search again.")
    view, (item, read_back) = _view(rows[0][:-2]), rows[0][-2:]
    told = [
        ("original", view.path),
        ("import", f"{view.import_id} {view.label}".strip()),
        ("film", view.sequence),
        ("location", view.location),
        ("outcome", view.outcome.word + (f": {view.reason}" if view.reason else "")),
        ("size", counted(view.size, "byte")),
        ("changed", stamp(view.mtime)),
    ]
    if view.outcome is Outcome.FAILED:
        for stage, attempts in await read("SELECT stage, attempts FROM failure WHERE file_id = ?", (file_id,)):
            told += [("failed at", stage), ("attempts", str(attempts or ""))]
    if item is not None:
        told += [
            ("DAMAGED", f"{view.damage}; lading audit --heal SRC" if view.damage else ""),
            ("archive", f"{view.archive}/{view.payload}"),
            ("XXH3-128", view.xxh128),
            ("SHA-256", view.sha256),
            ("read back", stamp(read_back) if read_back else "never"),
        ]
        for copy in await held_copies.of_item(read, item):
            done = "compared" if is_remote(copy.path) else "read back"
            when = f"{done} {stamp(copy.read_back)}" if copy.read_back else f"never {done}"
            told.append(("copy", f"{copy.path}: {copy.damage or when}"))
        told += [(name, display(value)) for name, value in await _of_item(read, file_id, item)]
    return [(name, value) for name, value in told if value]


async def corrected(read: Read, item: int) -> list[str]:
    """Texts of the corrections of an item's capture date, the latest last."""
    rows = await read("SELECT what, made, by FROM adjusted WHERE item_id = ? ORDER BY made", (item,))
    return [display(f"{what}, on {stamp(made)}" + (f" by {by}" if by else "")) for what, made, by in rows]


def stamp(seconds: float) -> str:
    """A Unix time as text in the local zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


async def _of_item(read: Read, file_id: int, item: int) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    for row in await read(
        # exiftool estimates the duration of MP3 and Ogg by their bit rate.
        f"SELECT {CAPTURED}, captured_tag, captured_zone, offset, camera, lens, coalesce(m.width, p.width), "
        "coalesce(m.height, p.height), coalesce(p.duration, m.duration), lat, lon, m.error "
        "FROM metadata m LEFT JOIN probe p ON p.item_id = m.item_id WHERE m.item_id = ?",
        (item,),
    ):
        captured, tag, zone, offset, camera, lens, width, height, duration, lat, lon, error = row
        told += [
            ("taken", "clock not set" if zone == "unset" else _taken(captured or "")),
            ("zone", zone_text(zone or "", offset)),
            ("dated by", tag or ""),
            ("camera", camera or ""),
            ("lens", lens or ""),
            ("pixels", f"{width} x {height}" if width and height else ""),
            ("duration", f"{duration:.1f} s" if duration else ""),
            ("position", f"{lat:.5f}, {lon:.5f}" if lat is not None and lon is not None else ""),
            ("metadata", error or ""),
        ]
    told += [("corrected", one) for one in await corrected(read, item)]
    for codec, rate, code in await read(
        "SELECT codec, frame_rate, time_code FROM probe WHERE item_id = ?", (item,)
    ):
        told += [("codec", codec or ""), ("frames", f"{rate:g}/s" if rate else ""), ("time code", code or "")]
    for role, path in await read(
        "SELECT o.role, f.path FROM link o JOIN file f ON f.id = o.file_id "
        "WHERE o.owner_id = ? AND o.role != 'frame' LIMIT 50",
        (file_id,),
    ):
        told.append((role.replace("_", " "), display(path)))
    for role, path in await read(
        "SELECT o.role, f.path FROM link o JOIN file f ON f.id = o.owner_id WHERE o.file_id = ? LIMIT 50",
        (file_id,),
    ):
        told.append((f"{role.replace('_', ' ')} of", display(path)))
    for (path,) in await read(
        "SELECT t.path FROM live_pair p JOIN item t ON t.id = iif(p.still_id = ?1, p.movie_id, p.still_id) "
        "WHERE p.still_id = ?1 OR p.movie_id = ?1 LIMIT 50",
        (item,),
    ):
        told.append(("live partner", path))
    for role, path, note in await read("SELECT role, path, note FROM derivative WHERE item_id = ?", (item,)):
        told.append(("proxy" if role == "proxy" else f"thumbnail {role}", path or note))
    for name, path in await read(
        "SELECT i.name, f.path FROM file f JOIN import i ON i.id = f.import_id "
        "WHERE f.item_id = ? AND f.id != ? LIMIT 50",
        (item, file_id),
    ):
        told.append(("also", f"{display(path)} in {name}"))
    return told


def _taken(captured: str) -> str:
    """A capture date as other dates are shown."""
    return captured.replace("Z", " UTC").replace("T", " ", 1)


def _view(row: Sequence[Any]) -> FileView:
    number, name, root, path, size, mtime_ns, kind, outcome, reason, payload, level, *more = row
    captured, camera, label, location, folder, archive, xxh128, sha256, sequence, damage, imports = more
    there = payload is not None and outcome in (Outcome.ARCHIVED, Outcome.DUPLICATE)
    return FileView(
        id=number,
        import_id=name,
        path=display(relative(root, path)),
        size=size,
        mtime=mtime_ns / 1e9,
        kind=kind,
        outcome=Outcome(outcome),
        reason=display(reason or ""),
        payload=payload if there else "",
        level=level if there else "",
        captured=display(captured or ""),
        camera=display(camera or ""),
        label=display(label or ""),
        location=display(location),
        location_folder=folder,
        archive=display(archive),
        xxh128=xxh128.hex() if there else "",
        sha256=sha256.hex() if there else "",
        sequence=sequence or "",
        damage=display(damage or "") if there else "",
        imports=imports if there else 0,
    )
