"""What a person wants back, by the name of an import, a card or a location; and where each file is to lie."""

import os
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from core.catalog import below
from core.errors import UsageError
from core.media.cards import structure
from core.models import Outcome
from core.paths import display
from core.receipts.lookup import Read
from core.receipts.lookup import find as row_of
from core.workers.messages import ToRestore

PAGE = 1024
"""Files fetched from the catalog together."""

SHOWN = 5

_IMPORTS = """
    SELECT i.id, i.name, i.archive_id, a.path, i.volume_id, i.root, i.single, coalesce(i.options ->> 'label', ''),
           l.name, v.name, i.source
    FROM import i JOIN archive a ON a.id = i.archive_id JOIN location l ON l.id = i.location_id
    JOIN volume v ON v.id = i.volume_id ORDER BY i.id DESC
"""
# A sidecar goes where the file goes that it belongs to.
_FILES = """
    SELECT f.id, f.path, f.mtime_ns, f.outcome, f.reason, t.id, t.path, t.size, t.xxh128, t.sha256,
           coalesce((SELECT m.captured_local FROM link o JOIN file w ON w.id = o.owner_id
                     JOIN metadata m ON m.item_id = w.item_id WHERE o.file_id = f.id LIMIT 1), m.captured_local),
           coalesce((SELECT w.mtime_ns FROM link o JOIN file w ON w.id = o.owner_id WHERE o.file_id = f.id
                     LIMIT 1), f.mtime_ns)
    FROM file f LEFT JOIN item t ON t.id = f.item_id LEFT JOIN metadata m ON m.item_id = f.item_id
    WHERE f.import_id = ? AND f.id > ? AND f.outcome != ? ORDER BY f.id LIMIT ?
"""


class Wanted(msgspec.Struct, frozen=True):
    """One import. `source`: its volume, and what of it was picked; imports of one source share one tree."""

    id: int
    name: str
    archive_id: int
    archive: bytes
    source: tuple[int, bytes, bytes]
    label: str
    location: str
    volume: str
    path: bytes


class Tree(msgspec.Struct):
    """Imports of one source, the newest first, and the folder below the destination that they go to."""

    folder: bytes
    imports: list[Wanted]


class Found(msgspec.Struct):
    """A file to restore, or why it cannot be."""

    number: int
    path: bytes
    file: ToRestore | None
    reason: str = ""


async def trees(read: Read, name: str) -> list[Tree]:
    """What `name` means: an import (its id or the beginning of it), a card or a location. Raises UsageError.

    `import:`, `card:` and `location:` before it say which. What came from several sources gets a folder for each.
    """
    rows = await read(_IMPORTS, ())
    everything = [Wanted(*row[:4], (row[4], row[5], row[6]), *row[7:]) for row in rows]  # type: ignore[call-arg]
    kind, colon, rest = name.partition(":")
    if not colon or kind not in ("import", "card", "location"):
        kind, rest = "", name
    told = rest.strip().casefold()
    cards = [one for one in everything if told and told in (one.label.casefold(), one.volume.casefold())]
    places = [one for one in everything if told and told == one.location.casefold()]
    chosen: list[Wanted]
    if kind == "card" or (not kind and cards and not places):
        chosen = cards
    elif kind == "location" or (not kind and places and not cards):
        chosen = places
    elif not kind and cards and places:
        raise UsageError(
            f"{display(rest)} is a card and a location.", f"Say card:{display(rest)} or location:{display(rest)}."
        )
    else:
        id = await row_of(read, rest.strip())
        chosen = [one for one in everything if one.id == id]
    if not chosen:
        raise UsageError(f"there is no {kind} {display(rest)}.", "See `lading imports`.")
    if len({one.archive_id for one in chosen}) > 1:
        raise UsageError(f"{display(rest)} is in several archives.", "Give the id of an import.")
    return _by_source(chosen)


def _by_source(chosen: Sequence[Wanted]) -> list[Tree]:
    found: dict[tuple[int, bytes, bytes], list[Wanted]] = {}
    for one in chosen:
        found.setdefault(one.source, []).append(one)
    if len(found) == 1:
        return [Tree(b"", list(chosen))]
    made: list[Tree] = []
    taken: set[bytes] = set()
    for imports in found.values():
        newest = imports[0]
        name = os.fsencode(newest.label.replace("/", "_")) or os.path.basename(newest.path) or b"source"
        if name in (b".", b"..") or name in taken:
            name += b" " + newest.name.encode()
        taken.add(name)
        made.append(Tree(name, imports))
    return made


async def files(read: Read, tree: Tree, *, by_date: bool) -> AsyncIterator[list[Found]]:
    """The files of a tree, some at a time; one that several imports saw alike only once."""
    several = len(tree.imports) > 1
    seen: set[tuple[bytes, int | None]] = set()
    for one in tree.imports:
        after = 0
        while rows := await read(_FILES, (one.id, after, Outcome.LITTER, PAGE)):
            after = rows[-1][0]
            page = [_found(row, one.source[1], tree.folder, by_date) for row in rows]
            if several:
                fresh = [(found, (found.path, row[5])) for found, row in zip(page, rows, strict=True)]
                page = [found for found, key in fresh if key not in seen]
                seen.update(key for _, key in fresh)
            yield page


def _found(row: Sequence[Any], root: bytes, folder: bytes, by_date: bool) -> Found:
    number, path, mtime_ns, outcome, reason, item, payload, size, xxh128, sha256, captured, dated = row
    original = below(root, path)
    target = os.path.join(folder, original)
    if by_date and structure(original) in (None, "XAVC"):
        day = captured[:10] if captured else time.strftime("%Y-%m-%d", time.localtime(dated // 10**9))
        target = os.path.join(os.fsencode(day[:4]), os.fsencode(day), os.path.basename(original))
    if item is None or outcome not in (Outcome.ARCHIVED, Outcome.DUPLICATE):
        word = Outcome(outcome).name.lower().replace("todo", "not read yet")
        return Found(number, target, None, f"{word}: {reason}" if reason else word)
    return Found(number, target, ToRestore(target, payload, size, mtime_ns, xxh128, sha256))


async def folders(read: Read, tree: Tree) -> list[tuple[bytes, int]]:
    """The folders of a tree with their times, the deepest first; the newest import tells the time."""
    found: dict[bytes, int] = {}
    for one in tree.imports:
        rows = await read("SELECT path, mtime_ns FROM folder WHERE import_id = ?", (one.id,))
        for path, mtime_ns in rows:
            found.setdefault(os.path.join(tree.folder, path), mtime_ns)
    return sorted(found.items(), key=lambda one: (-one[0].count(b"/"), one[0]))
