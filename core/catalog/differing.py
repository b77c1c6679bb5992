"""Files whose content differs from what an earlier import read under the same path, with the same size and
time."""

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from core.catalog.base import Table
from core.catalog.rows import MARKS, marks
from core.database import Read
from core.paths import display, relative
from core.words import count_clause

NAMED = 3
"""The most files that a sentence names."""

Known = tuple[bytes, int, int]
"""A file as it was listed: its path, its size in bytes, and its mtime_ns. One path may have several."""


class Before(msgspec.Struct, frozen=True, array_like=True):
    """What an earlier import read under a file's path: its item, and when that import began (Unix time). `size`
    and `mtime_ns` are the same in both listings."""

    file: int
    size: int
    mtime_ns: int
    item: int
    xxh128: bytes
    sha256: bytes
    imported: float


class Differing(Table):
    """The table `differing`, and which of it a person has accepted."""

    async def earlier_contents(self, files: Sequence[int]) -> dict[int, Before]:
        """What earlier imports read of previously imported files that are still to do, by the file's id."""
        found: dict[int, Before] = {}
        for at in range(0, len(files), MARKS):
            part = files[at : at + MARKS]
            sql = (
                "SELECT f.id, f.size, f.mtime_ns, t.id, t.xxh128, t.sha256, "  # noqa: S608
                "(SELECT max(i.started) FROM file e JOIN import i ON i.id = e.import_id WHERE e.path = f.path "
                "AND e.volume_id = f.volume_id AND e.import_id != f.import_id AND e.item_id = f.item_id) "
                f"FROM file f JOIN item t ON t.id = f.item_id WHERE f.id IN ({marks(len(part))})"
            )
            rows = [Before(*row) for row in await self.database.read(sql, tuple(part))]
            found.update((row.file, row) for row in rows)
        return found

    @staticmethod
    def differing_statement(
        files: Iterable[tuple[int, int, float]],
    ) -> list[tuple[str, Sequence[Sequence[object]]]]:
        """The statement that records (file, item of the earlier import, when that began); it is executed in the
        transaction that writes the files."""
        rows = list(files)
        sql = "INSERT OR REPLACE INTO differing (file_id, item_id, imported) VALUES (?, ?, ?)"
        return [(sql, rows)] if rows else []

    async def unaccepted(self, volume_id: int, archive_id: int) -> dict[Known, float]:
        """When the earlier import began (Unix time) that read other content, for the files of a volume that
        differ from an import into this archive and that nobody has accepted."""
        rows = await self.database.read(
            "SELECT f.path, f.size, f.mtime_ns, d.imported FROM differing d CROSS JOIN file f ON f.id = d.file_id "
            "JOIN import i ON i.id = f.import_id WHERE f.volume_id = ? AND i.archive_id = ? "
            "AND d.accepted IS NULL ORDER BY d.file_id DESC",
            (volume_id, archive_id),
        )
        return {(path, size, mtime_ns): imported for path, size, mtime_ns, imported in rows}

    async def acceptable(self, import_id: int) -> list[int]:
        """The imports whose verdict changes when this one is accepted: this one and earlier ones of its volume."""
        rows = await self.database.read(
            "SELECT o.id FROM import i JOIN import o ON o.volume_id = i.volume_id AND o.archive_id = i.archive_id "
            "AND o.id <= i.id WHERE i.id = ?1 AND o.otherwise != '' AND o.accepted IS NULL "
            "AND (SELECT otherwise != '' AND accepted IS NULL FROM import WHERE id = ?1) ORDER BY o.id",
            (import_id,),
        )
        return [id for (id,) in rows]

    async def accept(self, import_id: int, when: float, by: str) -> None:
        """Record that a person has accepted an import: what differs, and its verdict, which becomes what it would
        have been without the differences."""
        await self.database.run(
            (
                "UPDATE differing SET accepted = ? WHERE accepted IS NULL AND file_id IN "
                "(SELECT f.id FROM file f JOIN import o ON o.id = f.import_id JOIN import i ON i.id = ? "
                "WHERE o.volume_id = i.volume_id AND o.archive_id = i.archive_id AND o.id <= i.id)",
                [(when, import_id)],
            ),
            (
                "UPDATE import SET accepted = ?, accepted_by = ?, verdict = otherwise, "
                "verdict_reason = otherwise_reason WHERE id = ? AND otherwise != ''",
                [(when, by, import_id)],
            ),
        )


class Differs(NamedTuple):
    """A file that differs: its path below the source's root; when the earlier import began (Unix time); the path
    in the archive and the digests of what that import read."""

    path: bytes
    imported: float
    payload: str
    xxh128: str
    sha256: str


async def of_import(read: Read, import_id: int) -> list[Differs]:
    """The files of an import that differ."""
    rows = await read(
        "SELECT i.root, f.path, d.imported, t.path, t.xxh128, t.sha256 FROM file f "
        "JOIN differing d ON d.file_id = f.id JOIN item t ON t.id = d.item_id "
        "JOIN import i ON i.id = f.import_id WHERE f.import_id = ? ORDER BY f.id",
        (import_id,),
    )
    return [
        Differs(relative(root, path), imported, payload, xxh128.hex(), sha256.hex())
        for root, path, imported, payload, xxh128, sha256 in rows
    ]


def sentence(found: Sequence[tuple[bytes, float]]) -> str:
    """A sentence about files that differ, each given as (path, when the earlier import began)."""
    days = sorted({time.strftime("%Y-%m-%d", time.localtime(when)) for _, when in found})
    day = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    names = ", ".join(display(path) for path, _ in found[:NAMED]) + (", …" if len(found) > NAMED else "")
    differ = count_clause(len(found), f"differ from what was imported on {day}")
    return f"{differ} although size and time are the same: {names}"
