"""Checksum lists that were found on sources, and the result for each checksum in them.

A row of `listed` is one checksum. `found` is the checksum that was computed from the file, once it is known: a
checksum is confirmed if `found` equals `digest`, and differs otherwise. Once the lists of an import are `judged`,
a row without a file names a file that is not on the source, and a row with a file but without `found` names one
that was left out or failed.
"""

import json
import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from core.catalog.base import Table
from core.catalog.rows import marks, parts
from core.checksums.names import Checksum, composed
from core.database import Read, Statement
from core.models import Value
from core.words import counted


class FileChecksum(NamedTuple):
    """The checksum `found` of one file, by one algorithm. `file`: the id of its row. `path`: below the source's
    root."""

    file: int
    path: bytes
    algorithm: str
    found: bytes


class ListRow(Value, frozen=True, kw_only=True):
    """One list, and counts of its checksums by their result. `fault`: why the list, or the rest of it, could not
    be parsed; empty if it could."""

    path: bytes
    fault: str
    not_understood: int
    outside: int
    confirmed: int
    differ: int
    missing: int
    not_compared: int


def trouble(row: ListRow) -> str:
    """What is wrong with the list itself, for a person; empty if nothing is."""
    parts = [row.fault] if row.fault else []
    if row.not_understood:
        parts.append(counted(row.not_understood, "entry is not understood", "entries are not understood"))
    if row.outside:
        entries = counted(row.outside, "entry names a file that is", "entries name files that are")
        parts.append(f"{entries} not below the source")
    return "; ".join(parts)


class ListedOtherwise(NamedTuple):
    """A listed `digest` that is not the checksum `found` of the file. Paths are below the source's root, digests
    raw."""

    path: bytes
    list: bytes
    algorithm: str
    digest: bytes
    found: bytes


class Uncompared(NamedTuple):
    """A listed checksum that was not compared yet. `key`: `path` in NFC; `list`: the id of its list."""

    key: bytes
    list: int
    algorithm: str
    digest: bytes
    path: bytes


PAGE = 1000
"""Checksums that are copied at a time."""

_PAGE_OF_LISTED = (
    "SELECT key, list_id, algorithm, digest FROM listed WHERE import_id = ? "
    "AND (key, list_id, algorithm, digest) > (?, ?, ?, ?) ORDER BY key, list_id, algorithm, digest LIMIT ?"
)
_TAKE_OVER = (
    "INSERT OR REPLACE INTO listed (import_id, key, list_id, algorithm, digest, path, found, file_id, exact) "
    "SELECT ?, l.key, mine.id, l.algorithm, l.digest, l.path, l.found, (SELECT b.id FROM file a CROSS JOIN file b "
    "ON b.volume_id = a.volume_id AND b.path = a.path AND b.import_id = ? WHERE a.id = l.file_id), l.exact "
    "FROM listed l CROSS JOIN checksum_list c ON c.id = l.list_id "
    "CROSS JOIN checksum_list mine ON mine.import_id = ? AND mine.path = c.path "
    "WHERE l.import_id = ? AND l.key = ? AND l.list_id = ? AND l.algorithm = ? AND l.digest = ?"
)


class ChecksumLists(Table):
    """The tables `checksum_list` and `listed`."""

    async def checksum_list(self, import_id: int, path: bytes) -> int:
        """The id of a list of an import; the row is added if it is new, and its fault is cleared otherwise."""
        return await self._one(
            "INSERT INTO checksum_list (import_id, path) VALUES (?, ?) "
            "ON CONFLICT (import_id, path) DO UPDATE SET fault = '' RETURNING id",
            (import_id, path),
        )

    async def list_checksums(self, import_id: int, number: int, path: bytes, found: Iterable[Checksum]) -> None:
        """Enter checksums of the list at `path`, whose id is `number`. Rows that are there already stay as they
        are. An entry without an algorithm says that its file was renamed: that path is removed from the lists in
        the same folder and below."""
        rows = list(found)
        folder = path[: len(path) - len(os.path.basename(path))]
        renamed = [(import_id, composed(row.path), len(folder), folder) for row in rows if not row.algorithm]
        await self.database.run(
            (
                "DELETE FROM listed WHERE import_id = ? AND key = ? AND "
                "(SELECT substr(path, 1, ?) = ? FROM checksum_list WHERE id = list_id)",
                renamed,
            ),
            (
                "INSERT INTO listed (import_id, key, list_id, algorithm, digest, path) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                [
                    (import_id, composed(row.path), number, row.algorithm, row.digest, row.path)
                    for row in rows
                    if row.algorithm
                ],
            ),
        )

    async def list_read(self, number: int, fault: str, not_understood: int, outside: int) -> None:
        """Record the result of reading a list: see ListRow."""
        sql = "UPDATE checksum_list SET fault = ?, not_understood = ?, outside = ? WHERE id = ?"
        await self.database.run((sql, [(fault, not_understood, outside, number)]))

    async def listed(self, import_id: int, paths: Sequence[bytes]) -> dict[bytes, frozenset[str]]:
        """The algorithms of the checksums that lists have of these files, by path; files without a checksum are
        left out. Paths are below the source's root."""
        keys: dict[bytes, list[bytes]] = {}
        for path in paths:
            keys.setdefault(composed(path), []).append(path)
        found: dict[bytes, set[str]] = {}
        for part in parts(list(keys)):
            sql = f"SELECT key, algorithm FROM listed WHERE import_id = ? AND key IN ({marks(len(part))})"  # noqa: S608
            for key, algorithm in await self.database.read(sql, (import_id, *part)):
                for path in keys[key]:
                    found.setdefault(path, set()).add(algorithm)
        return {path: frozenset(algorithms) for path, algorithms in found.items()}

    @staticmethod
    def compared(import_id: int, files: Iterable[FileChecksum]) -> list[Statement]:
        """The statement that stores the checksums found for listed files. If two paths differ in Unicode
        normalization only, the file that is spelled as in the list counts."""
        rows = [
            (one.found, one.file, one.path, import_id, composed(one.path), one.algorithm, one.path)
            for one in files
        ]
        sql = (
            "UPDATE listed SET found = ?, file_id = ?, exact = (path = ?) "
            "WHERE import_id = ? AND key = ? AND algorithm = ? AND (path = ? OR NOT exact)"
        )
        return [(sql, rows)] if rows else []

    async def uncompared(self, import_id: int, after: Uncompared | None, count: int) -> list[Uncompared]:
        """Up to `count` checksums that were not compared yet, beyond `after` (None: from the first), ordered by
        key, list, algorithm and digest."""
        last = (after.key, after.list, after.algorithm, after.digest) if after else (b"", 0, "", b"")
        rows = await self.database.read(
            "SELECT key, list_id, algorithm, digest, path FROM listed WHERE import_id = ? AND found IS NULL "
            "AND (key, list_id, algorithm, digest) > (?, ?, ?, ?) "
            "ORDER BY key, list_id, algorithm, digest LIMIT ?",
            (import_id, *last, count),
        )
        return [Uncompared(*row) for row in rows]

    async def attach(self, import_id: int, files: Iterable[tuple[int, Uncompared]]) -> None:
        """Record the file (its id) that each checksum belongs to, for files that were not read."""
        sql = (
            "UPDATE listed SET file_id = ? WHERE import_id = ? AND key = ? AND list_id = ? AND algorithm = ? "
            "AND digest = ?"
        )
        await self.database.run((sql, [(file, import_id, *one[:4]) for file, one in files]))

    async def take_over_lists(self, import_id: int, other: int) -> None:
        """Give an import the judged checksum lists of `other`, which read the same source, instead of what it has
        of them itself."""
        await self.database.run(
            (
                "INSERT INTO checksum_list (import_id, path, fault, not_understood, outside, judged) "
                "SELECT ?, path, fault, not_understood, outside, judged FROM checksum_list WHERE import_id = ? "
                "ON CONFLICT (import_id, path) DO UPDATE SET fault = excluded.fault, "
                "not_understood = excluded.not_understood, outside = excluded.outside, judged = excluded.judged",
                [(import_id, other)],
            )
        )
        last: tuple[object, ...] = (b"", 0, "", b"")
        while rows := await self.database.read(_PAGE_OF_LISTED, (other, *last, PAGE)):
            await self.database.run((_TAKE_OVER, [(import_id, import_id, import_id, other, *row) for row in rows]))
            last = rows[-1]

    async def judge_lists(self, import_id: int) -> None:
        """Mark the lists of an import as judged: all checksums that can be compared have been."""
        await self.database.run(("UPDATE checksum_list SET judged = 1 WHERE import_id = ?", [(import_id,)]))


class Sums(NamedTuple):
    """Counts of files that lists name.

    confirmed: all checksums that were compared are equal. differ: at least one differs. missing: not on the
    source. not_compared: on the source, but nothing was compared.
    """

    confirmed: int
    differ: int
    missing: int
    not_compared: int


async def sums(read: Read, import_id: int) -> Sums:
    """The result of all lists of an import; they have to be judged."""
    ((confirmed, differ, missing, not_compared),) = await read(
        "SELECT coalesce(sum(equal AND NOT other), 0), coalesce(sum(other), 0), coalesce(sum(file IS NULL), 0), "
        "coalesce(sum(file IS NOT NULL AND NOT equal AND NOT other), 0) FROM (SELECT max(file_id) AS file, "
        "coalesce(max(found = digest), 0) AS equal, coalesce(max(found != digest), 0) AS other "
        "FROM listed WHERE import_id = ? GROUP BY key)",
        (import_id,),
    )
    return Sums(confirmed, differ, missing, not_compared)


async def lists_of(read: Read, import_id: int) -> list[ListRow]:
    """The checksum lists of an import, by path."""
    rows = await read(
        "SELECT c.path, c.fault, c.not_understood, c.outside, coalesce(sum(l.found = l.digest), 0), "
        "coalesce(sum(l.found != l.digest), 0), "
        "coalesce(sum(l.path IS NOT NULL AND l.file_id IS NULL AND c.judged), 0), count(l.path) "
        "FROM checksum_list c LEFT JOIN listed l ON l.import_id = c.import_id AND l.list_id = c.id "
        "WHERE c.import_id = ? GROUP BY c.id ORDER BY c.path",
        (import_id,),
    )
    return [
        ListRow(
            path=path,
            fault=fault,
            not_understood=unclear,
            outside=outside,
            confirmed=confirmed,
            differ=differ,
            missing=missing,
            not_compared=all_ - confirmed - differ - missing,
        )
        for path, fault, unclear, outside, confirmed, differ, missing, all_ in rows
    ]


async def differing(read: Read, import_id: int, most: int) -> list[ListedOtherwise]:
    """The first `most` checksums that differ from those of their files, by path."""
    rows = await read(
        "SELECT l.path, c.path, l.algorithm, l.digest, l.found FROM listed l "
        "JOIN checksum_list c ON c.id = l.list_id "
        "WHERE l.import_id = ? AND l.found != l.digest ORDER BY l.key, l.list_id LIMIT ?",
        (import_id, most),
    )
    return [ListedOtherwise(*row) for row in rows]


async def missing(read: Read, import_id: int, most: int) -> list[tuple[bytes, bytes]]:
    """(path, path of the list) of the first `most` files that lists name and that are not on the source."""
    rows = await read(
        "SELECT DISTINCT l.path, c.path FROM listed l JOIN checksum_list c ON c.id = l.list_id "
        "WHERE l.import_id = ? AND l.file_id IS NULL AND c.judged ORDER BY l.key LIMIT ?",
        (import_id, most),
    )
    return [(path, list) for path, list in rows]


async def computed(read: Read, files: Iterable[int]) -> dict[int, dict[str, bytes]]:
    """The checksums that were computed of files (ids of their rows) because lists name them, by file and
    algorithm."""
    found: dict[int, dict[str, bytes]] = {}
    sql = (
        "SELECT file_id, algorithm, found FROM listed "
        "WHERE file_id IN (SELECT value FROM json_each(?)) AND found IS NOT NULL"
    )
    for file, algorithm, digest in await read(sql, (json.dumps(list(files)),)):
        found.setdefault(file, {})[algorithm] = digest
    return found
