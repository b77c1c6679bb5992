"""Folders of original names: by card, by date, by location, by camera. They are read from the catalog on demand.

One group (a card, a day, a camera's day) is read as a whole, and cached for a while: the largest is a card.
"""

import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from unicodedata import normalize

import msgspec

from core.catalog import original_names as sql
from core.errors import ArchiveError
from core.paths import relative
from core.serving.content import Payload
from core.sqlite import connect_to_read

GROUPS_CACHED = 32
"""The most cached groups."""

FRESH = 10.0
"""Seconds after which a group is read again."""

SHARE = 20
"""A group is kept for at least so many times the time that reading it took, because a card of a hundred thousand
files takes seconds to read."""

LOCK_TIMEOUT = 5.0
"""Seconds that a read waits for an engine that locks the whole catalog."""

BY_CARD, BY_DATE, BY_LOCATION, BY_CAMERA = "by card", "by date", "by location", "by camera"
TOP = (BY_CARD, BY_DATE, BY_LOCATION, BY_CAMERA)


class ServedFile(msgspec.Struct, frozen=True):
    """An archived file under one of its names; mtime: seconds since 1970."""

    payload: Payload
    mtime: float


class ServedFolder(msgspec.Struct):
    """A folder and the names in it. mtime: None where it is not known."""

    members: dict[str, "ServedFile | ServedFolder"] = msgspec.field(default_factory=dict)
    mtime: float | None = None


class ServedNames:
    """The folders of one archive."""

    def __init__(self, database: str, uuid: str) -> None:
        self._path = database
        self._local = threading.local()
        rows = self._rows(sql.FIND_ARCHIVE, (uuid,))
        if not rows:
            raise ArchiveError(
                "the catalog of this machine does not know this archive.", "Bring it in: lading rebuild PATH."
            )
        self.archive_id: int = rows[0][0]
        self._kept: OrderedDict[tuple[str, ...], tuple[float, ServedFolder]] = OrderedDict()
        """Groups, each with the time from which on it is read again."""
        self._turn = threading.Lock()

    def _rows(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows of a query, on a read-only connection of this thread."""
        if not hasattr(self._local, "connection"):
            self._local.connection = connect_to_read(self._path, LOCK_TIMEOUT)
        found: list[tuple[Any, ...]] = self._local.connection.execute(query, values).fetchall()
        return found

    async def read(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """`core.database.Read`; it never suspends."""
        return self._rows(query, values)

    def find(self, parts: Sequence[str]) -> "ServedFile | ServedFolder | None":
        """The file or folder at a path; None if it does not exist.

        A name that does not exist as it is spelled is looked for in other Unicode normalization forms, because
        clients on a Mac decompose or compose names before they ask.
        """
        found = self._find_exact(parts)
        return self._find_normalized(parts) if found is None and not all(map(str.isascii, parts)) else found

    def _find_normalized(self, parts: Sequence[str]) -> "ServedFile | ServedFolder | None":
        found: ServedFile | ServedFolder | None = self._find_exact(())
        path: list[str] = []
        for part in parts:
            if not isinstance(found, ServedFolder):
                return None
            if part not in found.members:
                plain = normalize("NFC", part)
                alike = (one for one in found.members if not one.isascii() and normalize("NFC", one) == plain)
                part = next(alike, part)
            path.append(part)
            found = self._find_exact(path)
        return found

    def _find_exact(self, parts: Sequence[str]) -> "ServedFile | ServedFolder | None":
        if not parts:
            return ServedFolder({name: ServedFolder() for name in TOP})
        group, rest = self._group(parts)
        found: ServedFile | ServedFolder | None = group
        for name in rest:
            found = found.members.get(name) if isinstance(found, ServedFolder) else None
        return found

    def _group(self, parts: Sequence[str]) -> tuple["ServedFolder | None", Sequence[str]]:
        """The group that a path is in, and the rest of the path within it."""
        top, *rest = parts
        depth = {BY_CARD: 1, BY_LOCATION: 2, BY_DATE: 2, BY_CAMERA: 2}.get(top)
        if depth is None:
            return None, ()
        for length in range(min(depth, len(rest)), -1, -1):
            key = (top, *rest[:length])
            if (folder := self._cached(key)) is not None:
                return folder, rest[length:]
        return None, ()

    def _cached(self, key: tuple[str, ...]) -> ServedFolder | None:
        with self._turn:
            kept = self._kept.get(key)
            begun = time.monotonic()
            if kept is not None:
                self._kept.move_to_end(key)
                if begun < kept[0]:
                    return kept[1]
                # This thread reads the group again, while the others use the former one.
                self._kept[key] = (begun + FRESH, kept[1])
        made = self._build(*key)
        with self._turn:
            if made is None:
                self._kept.pop(key, None)
            else:
                now = time.monotonic()
                self._kept[key] = (now + max(FRESH, SHARE * (now - begun)), made)
                self._kept.move_to_end(key)
                while len(self._kept) > GROUPS_CACHED:
                    self._kept.popitem(last=False)
        return made

    def _build(self, top: str, *names: str) -> ServedFolder | None:
        """Read the group `names` below `top` from the catalog; None if there is no such group."""
        if top in (BY_CARD, BY_LOCATION):
            return self._build_by_card(*names) if top == BY_CARD else self._build_by_location(*names)
        rows = self._rows(sql.DAYS, (self.archive_id,))
        if top == BY_DATE:
            return self._build_by_date(rows, *names)
        return self._build_by_camera(rows, *names)

    # Cards

    def _cards(self, location: str | None = None) -> dict[str, list[tuple[int, bytes]]]:
        """(import, root), newest first, by the card's name; cards with the same name get numbers."""
        found: dict[tuple[int, bytes], tuple[str, list[tuple[int, bytes]]]] = {}
        for number, root, volume, label, volume_name, place in self._rows(sql.IMPORTS, (self.archive_id,)):
            if location is None or name_of(place) == location:
                name = name_of(label or os.path.basename(root) or volume_name or "card")
                found.setdefault((volume, root), (name, []))[1].append((number, root))
        cards: dict[str, list[tuple[int, bytes]]] = {}
        for name, imports in reversed(found.values()):
            cards[_free(name, cards)] = imports
        return cards

    def _build_by_card(self, *names: str) -> ServedFolder | None:
        cards = self._cards()
        if not names:
            return ServedFolder({name: ServedFolder() for name in cards})
        return self._tree(cards[names[0]]) if names[0] in cards else None

    def _build_by_location(self, *names: str) -> ServedFolder | None:
        if not names:
            rows = self._rows(sql.FIND_LOCATIONS, (self.archive_id,))
            return ServedFolder({name_of(name): ServedFolder() for (name,) in rows})
        cards = self._cards(names[0])
        if len(names) == 1:
            return ServedFolder({name: ServedFolder() for name in cards}) if cards else None
        return self._tree(cards[names[1]]) if names[1] in cards else None

    def _tree(self, imports: list[tuple[int, bytes]]) -> ServedFolder:
        """The original tree of a card. If imports of the card have different content under one path, that of the
        newest import has the name, and the others get numbered names."""
        top = ServedFolder()
        seen: set[tuple[bytes, int]] = set()
        for number, root in imports:
            folders = self._rows(sql.FIND_FOLDERS, (number,))
            for path, mtime_ns in folders:
                folder = _folder_at(top, path)
                folder.mtime = mtime_ns / 1e9 if folder.mtime is None else folder.mtime
            for path, mtime_ns, item, *payload in self._rows(sql.FIND_FILES, (number,)):
                if (path, item) not in seen:
                    seen.add((path, item))
                    above, _, name = relative(root, path).rpartition(b"/")
                    _put(_folder_at(top, above), name, ServedFile(Payload(*payload), mtime_ns / 1e9))
        return top

    # Dates and cameras

    def _build_by_date(self, rows: list[tuple[Any, ...]], *names: str) -> ServedFolder | None:
        days = sorted({day for day, _, _ in rows})
        if not names:
            return ServedFolder({name_of(day[:4]): ServedFolder() for day in days})
        below = [day for day in days if name_of(day[:4]) == names[0]]
        if len(names) == 1:
            return ServedFolder({name_of(day): ServedFolder() for day in below}) if below else None
        return self._build_days(day for day in below if name_of(day) == names[1])

    def _build_by_camera(self, rows: list[tuple[Any, ...]], *names: str) -> ServedFolder | None:
        if not names:
            return ServedFolder(
                {name_of(camera): ServedFolder() for camera in sorted({camera for _, camera, _ in rows})}
            )
        below = [(day, camera) for day, camera, _ in rows if name_of(camera) == names[0]]
        if len(names) == 1:
            return ServedFolder({name_of(day): ServedFolder() for day, _ in below}) if below else None
        chosen = [(day, camera) for day, camera in below if name_of(day) == names[1]]
        return self._build_days([chosen[0][0]], chosen[0][1]) if chosen else None

    def _build_days(self, days: Iterable[str], camera: str = "") -> ServedFolder | None:
        made: ServedFolder | None = None
        for day in days:
            made = made or ServedFolder()
            for path, mtime_ns, _, *payload in self._rows(sql.OF_DAY, (self.archive_id, day, camera, camera)):
                _put(made, os.path.basename(path), ServedFile(Payload(*payload), mtime_ns / 1e9))
        return made


# Characters that XML 1.0 cannot hold, or that would separate folders.
_UNFIT = re.compile("[\x00-\x1f\x7f/\ufffe\uffff]")


def name_of(name: bytes | str) -> str:
    """A name for WebDAV: bytes that are not UTF-8, and control characters, become %XX."""
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    safe = "".join(f"%{ord(one) - 0xDC00:02X}" if "\udc80" <= one <= "\udcff" else one for one in text)
    safe = _UNFIT.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), safe)
    return f"%2E{safe[1:]}" if safe in (".", "..") else safe or "%"


def _free(name: str, taken: Iterable[str]) -> str:
    """The name or, if it is taken, the first numbered one that is free."""
    stem, ending = os.path.splitext(name)
    return next(one for one in _numbered(stem, ending) if one not in taken)


def _numbered(stem: str, ending: str) -> Iterator[str]:
    yield stem + ending
    number = 2
    while True:
        yield f"{stem}-{number}{ending}"
        number += 1


def _folder_at(top: ServedFolder, path: bytes) -> ServedFolder:
    folder = top
    for name in path.split(b"/") if path else ():
        below = folder.members.setdefault(name_of(name), ServedFolder())
        if not isinstance(below, ServedFolder):
            # A file of an older import has this name, which is a folder's now.
            below = folder.members[_free(name_of(name), folder.members)] = ServedFolder()
        folder = below
    return folder


def _put(folder: ServedFolder, name: bytes, file: ServedFile) -> None:
    folder.members[_free(name_of(name), folder.members)] = file
