"""Selects what to restore by an import, a card, a location or a search, and gives each file its path in the
tree."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from core.catalog import file_list
from core.catalog.failures import REASON_SQL
from core.catalog.find_import import NoImportError, nearest
from core.catalog.find_import import find as row_of
from core.database import Read
from core.errors import UsageError
from core.files import times
from core.models import Outcome
from core.paths import display, relative
from core.workers.restore_messages import ToRestore

PAGE = 1024
"""Files per page of the catalog."""

SHOWN = 5

_IMPORTS = """
    SELECT i.id, i.name, i.archive_id, a.path, i.volume_id, i.root, i.single, coalesce(i.options ->> 'label', ''),
           l.name, v.name, i.source
    FROM import i JOIN archive a ON a.id = i.archive_id JOIN location l ON l.id = i.location_id
    JOIN volume v ON v.id = i.volume_id ORDER BY i.id DESC
"""
_FILES = f"""
    SELECT f.id, f.path, f.mtime_ns, f.outcome, {REASON_SQL}, t.id, t.path, t.size, t.xxh128, t.sha256, f.target
    FROM file f LEFT JOIN item t ON t.id = f.item_id LEFT JOIN failure e ON e.file_id = f.id
    WHERE f.import_id = ? AND f.id > ? AND f.outcome != ? {{only}} ORDER BY f.id LIMIT ?
"""  # noqa: S608 - a column of our own
_ONLY = "AND f.id IN (SELECT value FROM json_each(?))"

_FAR = "SELECT ns FROM far_time WHERE import_id = ? AND path = ?"
_FOLDERS = """
    SELECT f.path, f.mtime_ns, coalesce(t.ns, '') FROM folder f
    LEFT JOIN far_time t ON t.import_id = f.import_id AND t.path = f.path WHERE f.import_id = ?
"""


# Of several files with one path, the first import's comes last, and so replaces the others in a dict.
_DIFFERING = """
    SELECT f.path, f.item_id, t.id, t.path, t.size, t.xxh128, t.sha256
    FROM differing d JOIN file f ON f.id = d.file_id JOIN import i ON i.id = f.import_id
    JOIN item t ON t.id = d.item_id WHERE f.volume_id = ? AND i.archive_id = ? AND f.item_id IS NOT NULL
    ORDER BY f.id DESC
"""


class PickedImport(msgspec.Struct, frozen=True):
    """One import. `source`: (volume, root, single file), what was picked; imports of one source share one tree."""

    id: int
    name: str
    archive_id: int
    archive: bytes
    source: tuple[int, bytes, bytes]
    label: str
    location: str
    volume: str
    path: bytes


class SourceTree(msgspec.Struct):
    """Imports of one source, newest first, and the folder below the destination for their files.

    only: ids of the files to restore; None: all.
    """

    folder: bytes
    imports: list[PickedImport]
    only: frozenset[int] | None = None


class Found(msgspec.Struct):
    """A file to restore, or the reason why it cannot be restored. `link`: the target of a recorded symbolic
    link."""

    number: int
    path: bytes
    file: ToRestore | None
    reason: str = ""
    link: bytes | None = None


async def trees(read: Read, name: str, archive: int = 0) -> list[SourceTree]:
    """The trees of `name`: an import (its id or the beginning of it), a card or a location. `archive`: the id of
    the archive, if `name` is in several; 0: none is given. Raises UsageError.

    A prefix `import:`, `card:` or `location:` of `name` says which of these it is. If there are several sources,
    each gets a folder.
    """
    everything = await _all_imports(read)
    kind, colon, rest = name.partition(":")
    if not colon or kind not in ("import", "card", "location"):
        kind, rest = "", name
    told = rest.strip().casefold()
    cards = [one for one in everything if told and told in (one.label.casefold(), one.volume.casefold())]
    places = [one for one in everything if told and told == one.location.casefold()]
    chosen: list[PickedImport]
    if kind == "card" or (not kind and cards and not places):
        chosen = cards
    elif kind == "location" or (not kind and places and not cards):
        chosen = places
    elif not kind and cards and places:
        raise UsageError(
            f"{display(rest)} is a card and a location.", f"Say card:{display(rest)} or location:{display(rest)}."
        )
    else:
        try:
            id = await row_of(read, rest.strip())
        except NoImportError:
            if kind:
                raise
            raise _unknown_name(rest.strip(), everything) from None
        chosen = [one for one in everything if one.id == id]
    if not chosen:
        known = [one.label for one in everything] if kind == "card" else [one.location for one in everything]
        listed = f"`lading {'cards' if kind == 'card' else 'location'}` lists them."
        raise UsageError(f"there is no {kind} {display(rest)}.", nearest(rest.strip(), known) or listed)
    return _of_one_archive(chosen, rest, archive)


def _unknown_name(name: str, everything: Sequence[PickedImport]) -> UsageError:
    known = {known for one in everything for known in (one.name, one.label, one.volume, one.location) if known}
    listed = "`lading imports`, `lading cards` and `lading location` list them."
    return UsageError(
        f"no import, card or location is called {display(name) or 'that'}.",
        f"{nearest(name, sorted(known)) or listed} Single files: lading restore --find WORDS DEST",
    )


async def trees_of_search(read: Read, text: str, archive: int = 0) -> list[SourceTree]:
    """The trees of the archived files that match `text` (`core.catalog.search`), each content once. `archive`: as
    for `trees`. Raises UsageError."""
    _, more, ids = await file_list.archived(read, text)
    if more:
        raise UsageError(
            f"more files fit {display(text)} than are restored so.", "Give another word, or an import."
        )
    rows = await read(
        "SELECT f.import_id, f.id FROM json_each(?) d CROSS JOIN file f ON f.id = d.value", (json.dumps(ids),)
    )
    wanted = {row[0] for row in rows}
    chosen = [one for one in await _all_imports(read) if one.id in wanted]
    if not chosen:
        raise UsageError(f"nothing that fits {display(text)} is in the archive.", "Look for it: lading find WORD")
    only = frozenset(row[1] for row in rows)
    return [msgspec.structs.replace(tree, only=only) for tree in _of_one_archive(chosen, text, archive)]


async def _all_imports(read: Read) -> list[PickedImport]:
    rows = await read(_IMPORTS, ())
    return [PickedImport(*row[:4], (row[4], row[5], row[6]), *row[7:]) for row in rows]  # type: ignore[call-arg]


def _of_one_archive(chosen: Sequence[PickedImport], rest: str, archive: int) -> list[SourceTree]:
    if len({one.archive_id for one in chosen}) > 1:
        chosen = [one for one in chosen if one.archive_id == archive]
        if not chosen:
            raise UsageError(f"{display(rest)} is in several archives.", "Say which: --archive DIR.")
    return _by_source(chosen)


def _by_source(chosen: Sequence[PickedImport]) -> list[SourceTree]:
    found: dict[tuple[int, bytes, bytes], list[PickedImport]] = {}
    for one in chosen:
        found.setdefault(one.source, []).append(one)
    if len(found) == 1:
        return [SourceTree(b"", list(chosen))]
    made: list[SourceTree] = []
    taken: set[bytes] = set()
    for imports in found.values():
        newest = imports[0]
        name = os.fsencode(newest.label.replace("/", "_")) or os.path.basename(newest.path) or b"source"
        if name in (b".", b"..") or name in taken:
            name += b" " + newest.name.encode()
        taken.add(name)
        made.append(SourceTree(name, imports))
    return made


async def files(read: Read, tree: SourceTree) -> AsyncIterator[list[Found]]:
    """Pages of the files of a tree. A file that several imports saw with the same content is listed once; a file
    is listed as missing only if none of them has archived it.

    Files that differ from an earlier import despite equal size and time come last, each after the earlier content:
    so the earlier content gets the name, and the later file a numbered one.
    """
    several = len(tree.imports) > 1
    seen: set[tuple[bytes, int | None]] = set()
    archived: set[bytes] = set()
    first, later = await _differing(read, tree)
    held: list[tuple[Found, Sequence[Any]]] = []
    missing: dict[bytes, Found] = {}
    sql = _FILES.format(only="" if tree.only is None else _ONLY)
    given = () if tree.only is None else (json.dumps(sorted(tree.only)),)
    for one in tree.imports:
        after = 0
        while rows := await read(sql, (one.id, after, Outcome.LITTER, *given, PAGE)):
            after = rows[-1][0]
            page = [_from_row(row, one.source[1], tree.folder) for row in rows]
            await _set_exact_times(read, one, rows, page)
            every = list(zip(page, rows, strict=True))
            if several:
                fresh = [(found, row) for found, row in every if (found.path, row[5]) not in seen]
                seen.update((found.path, row[5]) for found, row in every)
                for found, _ in fresh:
                    if found.file is None:
                        missing.setdefault(found.path, found)
                every = [(found, row) for found, row in fresh if found.file is not None]
                archived.update(found.path for found, _ in every)
            held += [(found, row) for found, row in every if (row[1], row[5]) in later]
            yield [found for found, row in every if (row[1], row[5]) not in later]
    if never := [found for path, found in missing.items() if path not in archived]:
        yield never
    for found, row in held:
        if found.file is not None:
            yield [Found(found.number, found.path, _with_content(found.file, first[row[1]]))]
            yield [found]


async def _differing(read: Read, tree: SourceTree) -> tuple[dict[bytes, tuple[Any, ...]], set[tuple[bytes, int]]]:
    """(earlier contents by path, {(path, item)} of the files that differ from them)."""
    one = tree.imports[0]
    rows = await read(_DIFFERING, (one.source[0], one.archive_id))
    first = {row[0]: row[2:] for row in rows}
    return first, {(row[0], row[1]) for row in rows if row[1] != first[row[0]][0]}


def _with_content(file: ToRestore, item: Sequence[Any]) -> ToRestore:
    _, payload, size, xxh128, sha256 = item
    return ToRestore(file.path, payload, size, file.mtime_ns, xxh128, sha256, file.far)


def _from_row(row: Sequence[Any], root: bytes, folder: bytes) -> Found:
    number, path, mtime_ns, outcome, reason, item, payload, size, xxh128, sha256, link = row
    target = os.path.join(folder, relative(root, path))
    if item is None or outcome not in (Outcome.ARCHIVED, Outcome.DUPLICATE):
        word = Outcome(outcome).name.lower().replace("todo", "not read yet")
        return Found(number, target, None, f"{word}: {reason}" if reason else word, link)
    return Found(number, target, ToRestore(target, payload, size, mtime_ns, xxh128, sha256))


async def _set_exact_times(
    read: Read, one: PickedImport, rows: Sequence[Sequence[Any]], page: list[Found]
) -> None:
    """Set the exact times of files whose time is outside the range of the catalog's column."""
    for row, found in zip(rows, page, strict=True):
        if found.file is not None and times.is_far(row[2]):
            exact = await read(_FAR, (one.id, relative(one.source[1], row[1])))
            found.file.far = exact[0][0] if exact else ""


async def folders(read: Read, tree: SourceTree) -> list[tuple[bytes, int, str]]:
    """(path, mtime_ns, exact time) of the folders of a whole tree, deepest first; times are from the newest
    import."""
    found: dict[bytes, tuple[int, str]] = {}
    for one in tree.imports if tree.only is None else ():
        for path, mtime_ns, far in await read(_FOLDERS, (one.id,)):
            found.setdefault(os.path.join(tree.folder, path), (mtime_ns, far))
    ordered = sorted(found, key=lambda path: (-path.count(b"/"), path))
    return [(path, *found[path]) for path in ordered]
