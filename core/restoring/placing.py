"""Paths of files that are restored by date or under new names. Files that belong together stay together.

A file goes to the folder of its owner, and gets the same number where names collide. Files within a structure that
is only valid as a tree (`core.media.card_structures`), and files that describe a card, keep their path and name.
"""

import json
import os
import time
from bisect import bisect
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import aiosqlite
import msgspec

from core.database import Read
from core.media.card_structures import belongs_to_card, structure
from core.media.file_types import MEDIA, SIDECARS, split
from core.media.frames import frame
from core.paths import relative
from core.queue.enqueue import UNFINISHED
from core.restoring.naming import Naming
from core.restoring.selection import Found
from core.sqlite import connect

PAGE = 2000
"""Rows per page."""

FOLDERS_CACHED = 64
"""The most folders whose dates are cached."""

_FACTS = f"""
    SELECT f.id, f.import_id, f.volume_id, i.root, f.path, f.mtime_ns, m.captured_local, m.camera,
           (SELECT min(o.owner_id) FROM link o WHERE o.file_id = f.id),
           m.item_id IS NULL AND EXISTS (SELECT 1 FROM job j WHERE j.item_id = f.item_id AND j.queue = 'exiftool'
           AND j.state IN {UNFINISHED})
    FROM json_each(?) d CROSS JOIN file f ON f.id = d.value JOIN import i ON i.id = f.import_id
    LEFT JOIN metadata m ON m.item_id = f.item_id
"""  # noqa: S608 - a list of our own
_DATES = """
    SELECT f.path, m.captured_local FROM file f CROSS JOIN metadata m ON m.item_id = f.item_id
    WHERE f.volume_id = ?1 AND f.path > ?2 AND f.path < ?3 AND f.import_id = ?4 AND m.captured_local IS NOT NULL
        AND instr(substr(f.path, ?5), x'2f') = 0
    ORDER BY f.path LIMIT ?6
"""
_TABLES = """
    CREATE TABLE place (root TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE used (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""


class _Facts(msgspec.Struct, frozen=True):
    id: int
    import_id: int
    volume_id: int
    top: bytes
    path: bytes
    mtime_ns: int
    captured: str | None
    camera: str | None
    owner: int | None
    unread: int
    """1: its metadata is not read yet."""

    @property
    def original(self) -> bytes:
        """The path below the source's root."""
        return relative(self.top, self.path)


class _Plan(msgspec.Struct):
    """The path of a file, before its group has a number. A group is a file without an owner and all that belongs
    to it."""

    found: Found
    folder: bytes
    stem: bytes
    ending: bytes
    root: str
    """Identifies the group: volume and path of the file without an owner."""
    name: bytes
    """Key that two groups must not share: folder and new name of the file without an owner."""


class Placing:
    """Assigns the paths of one restore; made by `placing`."""

    def __init__(self, read: Read, scratch: aiosqlite.Connection, naming: Naming | None, *, by_date: bool) -> None:
        self._read = read
        self._scratch = scratch
        self._naming = naming
        self._by_date = by_date
        self._days: dict[tuple[int, bytes], tuple[list[bytes], list[str]]] = {}
        self.unread = 0
        """Files that were placed without their date of capture, because metadata is not read yet."""

    async def place(self, page: Sequence[Found], below: bytes) -> None:
        """Set the path of each file of a page that does not keep its original one. below: the tree's folder."""
        facts = await self._facts([found.number for found in page])
        made = [await self._plan(found, facts, below) for found in page if found.file is not None]
        plans = [plan for plan in made if plan is not None]
        numbers = await self._numbers(plans)
        for plan in plans:
            number = numbers[plan.root]
            mark = b"-%d" % number if number > 1 else b""
            if plan.found.file is not None:
                plan.found.file.path = os.path.join(plan.folder, plan.stem + mark + plan.ending)

    async def _facts(self, ids: Sequence[int]) -> dict[int, _Facts]:
        """The facts of these files and of all their direct and indirect owners."""
        facts: dict[int, _Facts] = {}
        wanted = set(ids)
        while wanted:
            rows = [_Facts(*row) for row in await self._read(_FACTS, (json.dumps(sorted(wanted)),))]
            facts |= {one.id: one for one in rows}
            wanted = {one.owner for one in rows if one.owner is not None} - facts.keys()
        return facts

    async def _plan(self, found: Found, facts: dict[int, _Facts], below: bytes) -> _Plan | None:
        own = root = facts[found.number]
        seen = {own.id}
        while root.owner is not None and root.owner in facts and root.owner not in seen:
            root = facts[root.owner]
            seen.add(root.id)
        if belongs_to_card(own.original) or structure(own.original) or structure(root.original):
            return None
        above, name = os.path.split(own.original)
        root_above, root_name = os.path.split(root.original)
        root_stem = _parts(root_name)[0]
        stem, ending = _parts(name)
        if name.lower().startswith(root_stem.lower()):
            # A number behind the owner's stem leaves the two linked: C0001-2M01.XML, X-2.jpg.suppl.json.
            stem, ending = name[: len(root_stem)], name[len(root_stem) :]
        self.unread += root.unread
        day = (root.captured or await self._day(root))[:10]
        folder = os.path.join(below, above)
        of_film = frame(root.original) is not None
        if self._by_date:
            # A folder within the owner's folder, such as one of proxies or of an editor, is kept below the new
            # folder.
            kept = relative(root_above, above) if _lies_in(above, root_above) else b""
            if of_film:
                kept = os.path.join(os.path.basename(root_above), kept)
            folder = os.path.join(os.fsencode(day[:4]), os.fsencode(day), kept)
        whole = os.path.join(os.fsencode(day) if self._by_date else os.path.join(below, root_above), b"")
        if self._naming is not None and not of_film:
            facts_of_root = (root.captured or "", day, root.camera or "")
            other = b"" if self._naming.stem or stem.lower() == root_stem.lower() else b"_" + stem
            stem = self._naming.name(stem, *facts_of_root) + other
            root_stem = self._naming.name(root_stem, *facts_of_root)
        return _Plan(
            found, folder, stem, ending, f"{root.volume_id} {_text(root.path)}", whole + root_stem.lower()
        )

    async def _day(self, file: _Facts) -> str:
        """The day of a file without a capture date: that of the nearest dated file before it in its folder by
        name, else of the first after it; if the folder has none, the day when the file was last modified."""
        folder = os.path.join(os.path.dirname(file.path), b"")
        if (file.import_id, folder) not in self._days:
            while len(self._days) >= FOLDERS_CACHED:
                del self._days[next(iter(self._days))]
            self._days[file.import_id, folder] = await self._of_folder(file, folder)
        paths, days = self._days[file.import_id, folder]
        if not paths:
            return time.strftime("%Y-%m-%d", time.localtime(file.mtime_ns // 10**9))
        return days[max(0, bisect(paths, file.path) - 1)]

    async def _of_folder(self, file: _Facts, folder: bytes) -> tuple[list[bytes], list[str]]:
        """The files of a folder, by name, at which the day of capture changes, and these days."""
        paths: list[bytes] = []
        days: list[str] = []
        after, end = folder, folder[:-1] + b"0"  # the byte after the slash
        while rows := await self._read(
            _DATES, (file.volume_id, after, end, file.import_id, len(folder) + 1, PAGE)
        ):
            for path, captured in rows:
                if not days or days[-1] != captured[:10]:
                    paths.append(path)
                    days.append(captured[:10])
            after = rows[-1][0]
        return paths, days

    async def _numbers(self, plans: Iterable[_Plan]) -> dict[str, int]:
        """The number of each group: 1 for the first with its name, then counting up."""
        wanted = {plan.root: _text(plan.name) for plan in plans}
        known = await self._scratch.execute_fetchall(
            "SELECT root, number FROM place WHERE root IN (SELECT value FROM json_each(?))",
            (json.dumps([*wanted]),),
        )
        numbers: dict[str, int] = {row[0]: row[1] for row in known}
        fresh = [root for root in wanted if root not in numbers]
        names = sorted({wanted[root] for root in fresh})
        rows = await self._scratch.execute_fetchall(
            "SELECT name, number FROM used WHERE name IN (SELECT value FROM json_each(?))", (json.dumps(names),)
        )
        used: dict[str, int] = {row[0]: row[1] for row in rows}
        for root in fresh:
            name = wanted[root]
            numbers[root] = used[name] = used.get(name, 0) + 1
        await self._scratch.executemany("INSERT INTO place VALUES (?, ?)", [(one, numbers[one]) for one in fresh])
        await self._scratch.executemany("INSERT OR REPLACE INTO used VALUES (?, ?)", [(n, used[n]) for n in names])
        return numbers


@asynccontextmanager
async def placing(read: Read, naming: Naming | None, *, by_date: bool) -> AsyncIterator[Placing]:
    """A Placing for one restore. The names in use are kept in a temporary database of SQLite."""
    async with connect("") as scratch:
        await scratch.executescript(_TABLES)
        await scratch.execute("BEGIN")
        yield Placing(read, scratch, naming, by_date=by_date)


def _text(path: bytes) -> str:
    return path.decode("latin-1")


def _lies_in(folder: bytes, above: bytes) -> bool:
    return folder.startswith(os.path.join(above, b"")) and folder != above


def _parts(name: bytes) -> tuple[bytes, bytes]:
    """(stem, rest of the name). A sidecar named after a whole file name, X.CR3.xmp, gives X and .CR3.xmp."""
    stem, extension = split(name)
    if extension in SIDECARS and split(stem)[1] in MEDIA:
        stem = split(stem)[0]
    return stem, name[len(stem) :]
