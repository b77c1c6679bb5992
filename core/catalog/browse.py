"""Files of one import or of all, filtered, searched and paged; and all that is known of one."""

# ruff: noqa: S608 - what is put together are conditions of our own; what a person typed is always a value

import json
import time
from collections.abc import Sequence
from typing import Any

from core.catalog import leads, search
from core.errors import UsageError
from core.models import FileView, Outcome
from core.paths import display
from core.receipts.lookup import Read, find
from core.receipts.row import below

MOST = 200
"""Files on one page at most."""

COUNTED = 5_000
"""Files that are counted: nobody reads more, and counting a million takes its time."""

_FROM = """
    file f JOIN import i ON i.id = f.import_id JOIN location l ON l.id = i.location_id
         JOIN archive a ON a.id = i.archive_id LEFT JOIN item t ON t.id = f.item_id
         LEFT JOIN metadata m ON m.item_id = t.id
"""
_SELECT = (
    "SELECT f.id, i.name, i.root, f.path, f.size, f.mtime_ns, f.kind, f.outcome, f.reason, t.path, t.level, "
    "m.captured_local, m.make, m.model, i.options ->> 'label', l.name, a.path, "
    "t.xxh128, t.sha256"
)


async def page(
    read: Read, name: str, outcomes: Sequence[Outcome], text: str, offset: int
) -> tuple[int, bool, list[FileView]]:
    """How many files there are, whether that is only the least there are, and those from row `offset` on.

    name: an import's id, or empty for all, newest files first. outcomes: only these; empty: all. text: as in
    `core.catalog.search`. More than COUNTED are counted only for one import without `text`. Raises UsageError.
    """
    wanted = await search.criteria(read, text)
    # An import tells of its litter, too.
    where, values = ("1", list[Any]()) if name else ("f.outcome != ?", list[Any]([Outcome.LITTER]))
    if outcomes:
        where += f" AND f.outcome IN ({','.join('?' * len(outcomes))})"
        values += outcomes
    if name:
        number = await find(read, name)
        if not wanted:
            return await _whole(read, f"f.import_id = ? AND {where}", [number, *values], offset)
        wanted.append([search.of_imports([number])])
    lead = await leads.leading(read, wanted)
    rest, with_rest = leads.conditions(lead.rest)
    found = f"SELECT f.id FROM {leads.led_by(lead.ids)} AND {where}{rest}"
    if lead.few:
        found += f" ORDER BY f.id {'' if name else 'DESC'}"
    # Counted and found in one pass: telling that nothing fits may take all that an index leads to.
    ids = await read(f"{found} LIMIT {COUNTED + 1}", (*lead.values, *values, *with_rest))
    shown = ids[:COUNTED][max(offset, 0) :][:MOST]
    return min(len(ids), COUNTED), len(ids) > COUNTED, await _views(read, [id for (id,) in shown])


async def _whole(read: Read, fits: str, values: Sequence[Any], offset: int) -> tuple[int, bool, list[FileView]]:
    """All files of one import that fit: as many as they are."""
    ((total,),) = await read(f"SELECT count(*) FROM file f WHERE {fits}", values)
    found = f"SELECT f.id FROM file f WHERE {fits} ORDER BY f.id LIMIT ? OFFSET ?"
    ids = await read(found, (*values, MOST, max(offset, 0)))
    return total, False, await _views(read, [id for (id,) in ids])


async def _views(read: Read, ids: list[int]) -> list[FileView]:
    rows = await read(f"{_SELECT} FROM json_each(?) d CROSS JOIN {_FROM} WHERE f.id = d.value", (json.dumps(ids),))
    return [_view(row) for row in rows]


async def known(read: Read, file_id: int) -> list[tuple[str, str]]:
    """All that is known of one file, as names and values to show. Raises UsageError."""
    rows = await read(f"{_SELECT}, t.id, t.read_back FROM {_FROM} WHERE f.id = ?", (file_id,))
    if not rows:
        raise UsageError("there is no such file any more.", "Search again.")
    view, (item, read_back) = _view(rows[0][:-2]), rows[0][-2:]
    told = [
        ("original", view.path),
        ("import", f"{view.import_id} {view.label}".strip()),
        ("location", view.location),
        ("outcome", view.outcome.name.lower() + (f": {view.reason}" if view.reason else "")),
        ("size", f"{view.size:,} bytes"),
        ("changed", stamp(view.mtime)),
    ]
    if view.outcome is Outcome.FAILED:
        for stage, attempts in await read("SELECT stage, attempts FROM failure WHERE file_id = ?", (file_id,)):
            told += [("failed at", stage), ("attempts", str(attempts))]
    if item is not None:
        told += [
            ("archive", f"{view.archive}/{view.payload}"),
            ("XXH3-128", view.xxh128),
            ("SHA-256", view.sha256),
            ("read back", stamp(read_back) if read_back else "never"),
        ]
        told += [(name, display(value)) for name, value in await _of_item(read, file_id, item)]
    return [(name, value) for name, value in told if value]


def stamp(seconds: float) -> str:
    """A time in the local zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


async def _of_item(read: Read, file_id: int, item: int) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    for row in await read(
        "SELECT captured_local, make, model, lens, width, height, duration, lat, lon, error FROM metadata "
        "WHERE item_id = ?",
        (item,),
    ):
        captured, make, model, lens, width, height, duration, lat, lon, error = row
        told += [
            ("taken", captured or ""),
            ("camera", camera(make, model)),
            ("lens", lens or ""),
            ("pixels", f"{width} x {height}" if width and height else ""),
            ("duration", f"{duration:.1f} s" if duration else ""),
            ("position", f"{lat:.5f}, {lon:.5f}" if lat is not None and lon is not None else ""),
            ("metadata", error or ""),
        ]
    for codec, rate, code in await read(
        "SELECT codec, frame_rate, time_code FROM probe WHERE item_id = ?", (item,)
    ):
        told += [("codec", codec or ""), ("frames", f"{rate:g}/s" if rate else ""), ("time code", code or "")]
    for role, path in await read(
        "SELECT o.role, f.path FROM link o JOIN file f ON f.id = o.file_id WHERE o.owner_id = ? LIMIT 50",
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


def camera(make: str | None, model: str | None) -> str:
    """`Sony ILCE-7SM3`; the maker once where the model begins with it."""
    make, model = (make or "").strip(), (model or "").strip()
    return model if make and model.lower().startswith(make.lower().split()[0]) else f"{make} {model}".strip()


def _view(row: Sequence[Any]) -> FileView:
    number, name, root, path, size, mtime_ns, kind, outcome, reason, payload, level, *more = row
    captured, make, model, label, location, archive, xxh128, sha256 = more
    there = payload is not None and outcome in (Outcome.ARCHIVED, Outcome.DUPLICATE)
    return FileView(
        id=number,
        import_id=name,
        path=display(below(root, path)),
        size=size,
        mtime=mtime_ns / 1e9,
        kind=kind,
        outcome=Outcome(outcome),
        reason=display(reason or ""),
        payload=payload if there else "",
        level=level if there else "",
        captured=display(captured or ""),
        camera=display(camera(make, model)),
        label=display(label or ""),
        location=display(location),
        archive=display(archive),
        xxh128=xxh128.hex() if there else "",
        sha256=sha256.hex() if there else "",
    )
