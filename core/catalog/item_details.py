"""The details of one item, found by its digest, its path in the archive or a name that it had."""

import os
import re
from typing import Any, NamedTuple

from core.catalog import held_copies, search
from core.catalog.file_list import CAPTURED, corrected
from core.database import Read
from core.details import Derived, Facts, ItemView, Original
from core.errors import UsageError
from core.media.exposure import exposure
from core.media.ffprobe_parse import Probe
from core.media.local_time import zone_text
from core.media.metadata import Metadata, unpack
from core.models import JobState, Outcome
from core.paths import display, relative
from core.snapshot import JobView

SHOWN = 20
"""The most items that one name may match, and the most files that are listed of one item."""


class HeldPayload(NamedTuple):
    """Where a content is: an archive, the path below its root, and that of its proxy, or empty."""

    archive_id: int
    path: str
    size: int
    xxh128: bytes
    sha256: bytes
    proxy: str


_DIGEST = re.compile(r"[0-9a-f]{6,64}", re.IGNORECASE)
_NAMED = re.compile(rb"[0-9a-f]{32}")
_ASCII = re.compile(rb"[\x01-\x7f]+")

_ITEM = """
    SELECT t.xxh128, t.sha256, t.size, t.kind, a.path, t.path, l.name, l.folder, t.level, t.read_back,
        t.damage
    FROM item t JOIN archive a ON a.id = t.archive_id JOIN location l ON l.id = t.location_id WHERE t.id = ?
"""
_FILES = """
    SELECT f.id, i.root, f.path, i.name, coalesce(i.options ->> 'label', ''), l.name, l.folder, f.outcome,
        f.mtime_ns
    FROM file f JOIN import i ON i.id = f.import_id JOIN location l ON l.id = i.location_id
    WHERE f.item_id = ? ORDER BY f.id LIMIT ?
"""
_LINKS = """
    SELECT o.role, i.root, f.path FROM link o JOIN file f ON f.id = o.file_id JOIN import i ON i.id = f.import_id
    WHERE o.owner_id = ?1 AND o.role != 'frame'
    UNION ALL
    SELECT 'film', x'', CAST(told AS BLOB) FROM sequence WHERE file_id = ?1
    UNION ALL
    SELECT o.role || ' of', i.root, f.path FROM link o JOIN file f ON f.id = o.owner_id
    JOIN import i ON i.id = f.import_id WHERE o.file_id = ?1 LIMIT ?2
"""
_PARTNERS = """
    SELECT t.path FROM live_pair p JOIN item t ON t.id = iif(p.still_id = ?1, p.movie_id, p.still_id)
    WHERE p.still_id = ?1 OR p.movie_id = ?1 LIMIT ?2
"""
_FILMS = """
    SELECT t.archive_id, t.path, coalesce(d.path, '') FROM item t
    LEFT JOIN derivative d ON d.item_id = t.id AND d.role = 'proxy'
    WHERE substr(t.sha256, 1, 8) = ? AND t.sha256 = ? AND t.kind = 'videos'
"""
_PAYLOADS = """
    SELECT t.archive_id, t.path, t.size, t.xxh128, t.sha256, coalesce(d.path, '') FROM item t
    LEFT JOIN derivative d ON d.item_id = t.id AND d.role = 'proxy'
    WHERE substr(t.sha256, 1, 8) = ? AND t.sha256 = ? ORDER BY t.damage IS NOT NULL, t.id
"""
_THUMBNAILS = """
    SELECT t.archive_id, d.path FROM item t JOIN derivative d ON d.item_id = t.id AND d.role = '400'
    WHERE substr(t.sha256, 1, 8) = ? AND t.sha256 = ? AND d.path != ''
"""
_JOBS = """
    SELECT id, queue, state, attempts, error, due, ended FROM job
    WHERE item_id = ? AND location_id = 0 AND import_id = 0 ORDER BY priority DESC, id
"""


async def find(read: Read, wanted: str, path: bytes) -> list[int]:
    """Ids of the items that `wanted` selects: by a digest or at least its first six digits; else by an absolute
    `path` in an archive or on a card; else by a file name or the end of a path. At most SHOWN. Raises
    UsageError."""
    digest = wanted.strip().lower()
    found = await _by_digest(read, digest) if _DIGEST.fullmatch(digest) else []
    found = found or await _in_archive(read, path) or await _on_a_card(read, path)
    found = found or await _by_name(read, os.fsencode(wanted).strip(b"/"))
    if not found:
        raise UsageError(
            f"nothing is known of {display(wanted)!r}.",
            "Give an XXH3-128 or SHA-256, a path in an archive, or a name or path that it had on its card.",
        )
    return found


async def _by_digest(read: Read, digest: str) -> list[int]:
    if len(digest) <= 32:
        first, last = (bytes.fromhex(digest.ljust(32, fill)) for fill in "0f")
        sql = (
            "SELECT t.id FROM archive a CROSS JOIN item t ON t.archive_id = a.id "
            "WHERE t.xxh128 BETWEEN ? AND ? ORDER BY t.id LIMIT ?"
        )
        if found := [id for (id,) in await read(sql, (first, last, SHOWN))]:
            return found
    first, last = (bytes.fromhex(digest.ljust(64, fill)) for fill in "0f")
    sql = (
        "SELECT id FROM item WHERE substr(sha256, 1, 8) BETWEEN ? AND ? AND sha256 BETWEEN ? AND ? "
        "ORDER BY +id LIMIT ?"
    )
    return [id for (id,) in await read(sql, (first[:8], last[:8], first, last, SHOWN))]


async def _in_archive(read: Read, path: bytes) -> list[int]:
    """Find items by the digest in the name of a payload file, a thumbnail or a proxy, which an index serves. A
    file that another program put into the archive has no digest in its name, and is looked up by its path."""
    named = _NAMED.match(os.path.basename(path))
    if not named:
        return await _at_archive_path(read, path)
    rows = await read(
        "SELECT t.id, a.path FROM archive a CROSS JOIN item t ON t.archive_id = a.id WHERE t.xxh128 = ? LIMIT ?",
        (bytes.fromhex(named[0].decode()), SHOWN),
    )
    here = [id for id, root in rows if path.startswith(root.rstrip(b"/") + b"/")]
    return here or [id for id, _ in rows]


async def _at_archive_path(read: Read, path: bytes) -> list[int]:
    """The items whose payload has this absolute path, in the first archive that has any."""
    for number, root in await read("SELECT id, path FROM archive", ()):
        top = root.rstrip(b"/") + b"/"
        if path.startswith(top):
            below_root = path.removeprefix(top).decode(errors="replace")
            sql = "SELECT id FROM item WHERE archive_id = ? AND path = ?"
            if found := [id for (id,) in await read(sql, (number, below_root))]:
                return found
    return []


async def _on_a_card(read: Read, path: bytes) -> list[int]:
    found: dict[int, None] = {}
    for number, volume, source, root in await read(
        "SELECT id, volume_id, source, root FROM import WHERE substr(?, 1, length(source)) = source", (path,)
    ):
        if path[len(source) :][:1] not in (b"", b"/"):
            continue
        inside = path[len(source) :].strip(b"/")
        below_root = b"/".join(part for part in (root.strip(b"/"), inside) if part)
        rows = await read(
            "SELECT item_id FROM file WHERE volume_id = ? AND path = ? AND import_id = ? AND item_id IS NOT NULL",
            (volume, below_root, number),
        )
        found |= dict.fromkeys(id for (id,) in rows)
    return list(found)[:SHOWN]


async def _by_name(read: Read, name: bytes) -> list[int]:
    last = os.path.basename(name)
    try:
        ids, led = search.names_query([last.decode()])
    except UnicodeDecodeError:
        ids, led = search.names_query([[run.decode() for run in _ASCII.findall(last)]])
    rows = await read(
        f"SELECT DISTINCT f.item_id FROM ({ids or 'SELECT id FROM file'}) d CROSS JOIN file f ON f.id = d.id "  # noqa: S608
        "WHERE f.item_id IS NOT NULL AND (f.path = ? OR substr(f.path, ?) = ?) LIMIT ?",
        (*led, name, -len(name) - 1, b"/" + name, SHOWN),
    )
    return [id for (id,) in rows]


async def item(read: Read, id: int, *, raw: bool) -> ItemView:
    """The details of an item. raw: include the complete output of exiftool and ffprobe. Raises UsageError."""
    rows = await read(_ITEM, (id,))
    if not rows:
        raise UsageError("there is no such item any more.", "Ask again.")
    xxh128, sha256, size, kind, archive, path, location, folder, level, read_back, damage = rows[0]
    metadata, exiftool = await _facts(read, "metadata", Metadata.__struct_fields__, id)
    probe, ffprobe = await _facts(read, "probe", Probe.__struct_fields__, id)
    ((count,),) = await read("SELECT count(*) FROM file WHERE item_id = ?", (id,))
    return ItemView(
        xxh128=xxh128.hex(),
        sha256=sha256.hex(),
        size=size,
        kind=kind,
        archive=display(archive),
        path=display(path),
        location=display(location),
        location_folder=folder,
        level=level,
        read_back=read_back,
        damage=display(damage or ""),
        originals=tuple([await _original(read, row) for row in await read(_FILES, (id, SHOWN))]),
        originals_count=count,
        partners=tuple(display(other) for (other,) in await read(_PARTNERS, (id, SHOWN))),
        derivatives=await _derivatives(read, id),
        metadata=metadata,
        probe=probe,
        exposure=exposure(exiftool),
        exiftool=exiftool if raw else "",
        ffprobe=ffprobe if raw else "",
        copies=await held_copies.of_item(read, id),
        jobs=await _jobs(read, id),
        **await _taken(read, id),
    )


async def _taken(read: Read, id: int) -> dict[str, Any]:
    """The capture date, how its zone is known, and its corrections, as fields of ItemView."""
    told: dict[str, Any] = {}
    sql = f"SELECT {CAPTURED}, m.captured_zone, m.offset FROM metadata m WHERE m.item_id = ?"  # noqa: S608
    for captured, zone, offset in await read(sql, (id,)):
        told["taken"] = "clock not set" if zone == "unset" else (captured or "").replace("Z", " UTC")
        told["zone"] = zone_text(zone or "", offset)
    told["adjusted"] = tuple(await corrected(read, id))
    return told


async def _original(read: Read, row: tuple[Any, ...]) -> Original:
    id, root, path, name, label, location, folder, outcome, mtime_ns = row
    links = await read(_LINKS, (id, SHOWN))
    return Original(
        path=display(relative(root, path)),
        import_id=name,
        label=display(label),
        location=display(location),
        location_folder=folder,
        outcome=Outcome(outcome).word,
        mtime=mtime_ns / 1e9,
        links=tuple((role.replace("_", " "), display(relative(top, other))) for role, top, other in links),
    )


async def _facts(read: Read, table: str, columns: tuple[str, ...], id: int) -> tuple[Facts, str]:
    rows = await read(f"SELECT {', '.join(columns)}, raw FROM {table} WHERE item_id = ?", (id,))  # noqa: S608
    if not rows:
        return {}, ""
    *values, raw = rows[0]
    told = {
        name: display(value) if isinstance(value, str) else value
        for name, value in zip(columns, values, strict=True)
        if value not in (None, "")
    }
    return told, unpack(raw) if raw else ""


async def payload(read: Read, file: int) -> tuple[int, str, int, bytes, bytes]:
    """(archive id, path in the archive, size, XXH3-128, SHA-256) of what a file (its row's id) holds."""
    sql = (
        "SELECT t.archive_id, t.path, t.size, t.xxh128, t.sha256 FROM file f JOIN item t ON t.id = f.item_id "
        "WHERE f.id = ?"
    )
    ((archive, path, size, xxh128, sha256),) = await read(sql, (file,))
    return archive, path, size, xxh128, sha256


async def thumbnails(read: Read, sha256: bytes) -> list[tuple[int, str]]:
    """Where the smallest thumbnails of a content are: (archive, path below its root)."""
    return [(archive, path) for archive, path in await read(_THUMBNAILS, (sha256[:8], sha256))]


async def films(read: Read, sha256: bytes) -> list[tuple[int, str, str]]:
    """Where films with a content are: (archive, path below its root, that of the proxy or empty)."""
    return [(archive, path, proxy) for archive, path, proxy in await read(_FILMS, (sha256[:8], sha256))]


async def payloads(read: Read, sha256: bytes) -> list[HeldPayload]:
    """Where a content is, with the proxies of a film; what is known to be damaged comes last."""
    return [HeldPayload(*row) for row in await read(_PAYLOADS, (sha256[:8], sha256))]


async def _derivatives(read: Read, id: int) -> tuple[Derived, ...]:
    rows = await read("SELECT role, path, width, height, size, note FROM derivative WHERE item_id = ?", (id,))
    found = [
        Derived(role=role, path=path, width=width, height=height, size=size, note=display(note))
        for role, path, width, height, size, note in rows
    ]
    return tuple(sorted(found, key=lambda one: (len(one.role), one.role)))


async def _jobs(read: Read, id: int) -> tuple[JobView, ...]:
    return tuple(
        JobView(
            id=number, queue=queue, state=JobState(state), attempts=attempts, error=error, due=due, ended=ended
        )
        for number, queue, state, attempts, error, due, ended in await read(_JOBS, (id,))
    )
