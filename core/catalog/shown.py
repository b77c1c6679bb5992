"""All that is known of one item, found by its digest, its place in the archive or a name that it had."""

import os
import re
from typing import Any

from core.errors import UsageError
from core.models import JobView, Outcome
from core.paths import display
from core.receipts.lookup import Read
from core.receipts.row import below
from core.shown import Derived, Facts, ItemView, Original
from core.tasks.metadata import Metadata, unpack
from core.tasks.probed import Probe

MOST = 20
"""Items that one name may mean, and files that are listed of one item."""

_DIGEST = re.compile(r"[0-9a-f]{6,64}", re.IGNORECASE)
_NAMED = re.compile(rb"[0-9a-f]{32}")

_ITEM = """
    SELECT t.xxh128, t.sha256, t.size, t.kind, a.path, t.path, l.name, t.level, t.read_back, t.damage
    FROM item t JOIN archive a ON a.id = t.archive_id JOIN location l ON l.id = t.location_id WHERE t.id = ?
"""
_FILES = """
    SELECT f.id, i.root, f.path, i.name, coalesce(i.options ->> 'label', ''), l.name, f.outcome, f.mtime_ns
    FROM file f JOIN import i ON i.id = f.import_id JOIN location l ON l.id = i.location_id
    WHERE f.item_id = ? ORDER BY f.id LIMIT ?
"""
_LINKS = """
    SELECT o.role, i.root, f.path FROM link o JOIN file f ON f.id = o.file_id JOIN import i ON i.id = f.import_id
    WHERE o.owner_id = ?1
    UNION ALL
    SELECT o.role || ' of', i.root, f.path FROM link o JOIN file f ON f.id = o.owner_id
    JOIN import i ON i.id = f.import_id WHERE o.file_id = ?1 LIMIT ?2
"""
_PARTNERS = """
    SELECT t.path FROM live_pair p JOIN item t ON t.id = iif(p.still_id = ?1, p.movie_id, p.still_id)
    WHERE p.still_id = ?1 OR p.movie_id = ?1 LIMIT ?2
"""
_JOBS = """
    SELECT id, queue, state, attempts, error, due, ended FROM job
    WHERE item_id = ? AND location_id = 0 AND import_id = 0 ORDER BY priority DESC, id
"""


async def find(read: Read, wanted: str, path: bytes) -> list[int]:
    """The items that `wanted` means: a digest or six of its first digits, else those at `path` (absolute) in an
    archive or on a card, else those of which a file was called `wanted`; the first `MOST`. Raises UsageError."""
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
        sql = "SELECT id FROM item WHERE xxh128 BETWEEN ? AND ? ORDER BY id LIMIT ?"
        if found := [id for (id,) in await read(sql, (first, last, MOST))]:
            return found
    first, last = (bytes.fromhex(digest.ljust(64, fill)) for fill in "0f")
    sql = "SELECT id FROM item WHERE sha256 BETWEEN ? AND ? ORDER BY id LIMIT ?"
    return [id for (id,) in await read(sql, (first, last, MOST))]


async def _in_archive(read: Read, path: bytes) -> list[int]:
    """By the digest in the name of a payload, a thumbnail or a proxy: no path has to be searched for."""
    named = _NAMED.match(os.path.basename(path))
    if not named:
        return []
    rows = await read(
        "SELECT t.id, a.path FROM item t JOIN archive a ON a.id = t.archive_id WHERE t.xxh128 = ? LIMIT ?",
        (bytes.fromhex(named[0].decode()), MOST),
    )
    here = [id for id, root in rows if path.startswith(root.rstrip(b"/") + b"/")]
    return here or [id for id, _ in rows]


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
    return list(found)[:MOST]


async def _by_name(read: Read, name: bytes) -> list[int]:
    rows = await read(
        "SELECT DISTINCT item_id FROM file "
        "WHERE item_id IS NOT NULL AND (path = ?1 OR substr(path, ?2) = ?3) LIMIT ?4",
        (name, -len(name) - 1, b"/" + name, MOST),
    )
    return [id for (id,) in rows]


async def item(read: Read, id: int, *, raw: bool) -> ItemView:
    """All that is known of an item; `raw`: with all that exiftool and ffprobe said. Raises UsageError."""
    rows = await read(_ITEM, (id,))
    if not rows:
        raise UsageError("there is no such item any more.", "Ask again.")
    xxh128, sha256, size, kind, archive, path, location, level, read_back, damage = rows[0]
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
        level=level,
        read_back=read_back,
        damage=display(damage or ""),
        originals=tuple([await _original(read, row) for row in await read(_FILES, (id, MOST))]),
        originals_count=count,
        partners=tuple(display(other) for (other,) in await read(_PARTNERS, (id, MOST))),
        derivatives=await _derivatives(read, id),
        metadata=metadata,
        probe=probe,
        exiftool=exiftool if raw else "",
        ffprobe=ffprobe if raw else "",
        jobs=await _jobs(read, id),
    )


async def _original(read: Read, row: tuple[Any, ...]) -> Original:
    id, root, path, name, label, location, outcome, mtime_ns = row
    links = await read(_LINKS, (id, MOST))
    return Original(
        path=display(below(root, path)),
        import_id=name,
        label=display(label),
        location=display(location),
        outcome=Outcome(outcome).name.lower(),
        mtime=mtime_ns / 1e9,
        links=tuple((role.replace("_", " "), display(below(top, other))) for role, top, other in links),
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


async def _derivatives(read: Read, id: int) -> tuple[Derived, ...]:
    rows = await read("SELECT role, path, width, height, size, note FROM derivative WHERE item_id = ?", (id,))
    found = [
        Derived(role=role, path=path, width=width, height=height, size=size, note=display(note))
        for role, path, width, height, size, note in rows
    ]
    return tuple(sorted(found, key=lambda one: (len(one.role), one.role)))


async def _jobs(read: Read, id: int) -> tuple[JobView, ...]:
    return tuple(
        JobView(id=number, queue=queue, state=state, attempts=attempts, error=error, due=due, ended=ended)
        for number, queue, state, attempts, error, due, ended in await read(_JOBS, (id,))
    )
