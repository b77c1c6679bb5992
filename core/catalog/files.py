"""Files: one row for each directory entry seen in an import; its folders; and what belongs to what."""

from collections.abc import Iterable, Sequence

from core.catalog.rows import FileRow, SeenRow, marks, parts
from core.catalog.table import Table
from core.database import Row
from core.models import Outcome


class Files(Table):
    """The tables of files, folders and links."""

    last_file_id = 0
    """The highest number that was given away."""

    def new_file_id(self) -> int:
        """A number no file row has had."""
        self.last_file_id += 1
        return self.last_file_id

    async def seen(
        self, volume_id: int, paths: Sequence[bytes], archive_id: int | None = None
    ) -> dict[bytes, list[SeenRow]]:
        """All rows, of any import (into one archive), that bear these paths on this volume; newest last."""
        found: dict[bytes, list[SeenRow]] = {}
        for part in parts(paths):
            sql = (
                "SELECT path, import_id, id, size, mtime_ns, outcome, item_id FROM file "  # noqa: S608
                f"WHERE volume_id = ? AND path IN ({marks(len(part))}) "
                "AND (? IS NULL OR (SELECT archive_id FROM import WHERE import.id = import_id) = ?) ORDER BY id"
            )
            for row in await self.database.read(sql, (volume_id, *part, archive_id, archive_id)):
                found.setdefault(row[0], []).append(SeenRow(*row))
        return found

    async def enter(
        self,
        new: Iterable[FileRow],
        changed: Iterable[FileRow],
        folders: Iterable[tuple[int, bytes, int]],
        gone: Iterable[int] = (),
    ) -> None:
        """Rows of entries just listed; `gone` are rows of what is no file any more."""
        await self.database.run(
            ("DELETE FROM file WHERE id = ?", [(id,) for id in gone]),
            (
                "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, "
                "reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_values(row) for row in new],
            ),
            (
                "UPDATE file SET size = ?, mtime_ns = ?, kind = ?, outcome = ?, item_id = ?, reason = ? "
                "WHERE id = ?",
                [(r.size, r.mtime_ns, r.kind, r.outcome, r.item_id, r.reason, r.id) for r in changed],
            ),
            ("INSERT OR REPLACE INTO folder (import_id, path, mtime_ns) VALUES (?, ?, ?)", folders),
        )

    async def todo(self, import_id: int, after: int, count: int) -> list[Row]:
        """(id, path, size, kind, item_id) of files still to do, by id."""
        return await self.database.read(
            "SELECT id, path, size, kind, item_id FROM file WHERE import_id = ? AND outcome = ? AND id > ? "
            "ORDER BY id LIMIT ?",
            (import_id, Outcome.TODO, after, count),
        )

    async def paths(self, import_id: int, after: int, count: int) -> list[tuple[int, bytes]]:
        """(id, path) of an import's files, by id."""
        rows = await self.database.read(
            "SELECT id, path FROM file WHERE import_id = ? AND id > ? ORDER BY id LIMIT ?",
            (import_id, after, count),
        )
        return [(id, path) for id, path in rows]

    async def unread(self, import_id: int, from_record: str, after: int, count: int) -> list[FileRow]:
        """Files of an import that no batch has read, by id: those without an item, and those with one whose reason
        is `from_record`."""
        rows = await self.database.read(
            "SELECT id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, reason "
            "FROM file WHERE import_id = ? AND id > ? AND (outcome NOT IN (?, ?) OR reason = ?) "
            "ORDER BY id LIMIT ?",
            (import_id, after, Outcome.ARCHIVED, Outcome.DUPLICATE, from_record, count),
        )
        return [FileRow(*row) for row in rows]

    async def folders(self, import_id: int, after: bytes, count: int) -> list[tuple[bytes, int]]:
        """(path, mtime) of an import's folders, by path; the root is not among them."""
        rows = await self.database.read(
            "SELECT path, mtime_ns FROM folder WHERE import_id = ? AND path > ? ORDER BY path LIMIT ?",
            (import_id, after, count),
        )
        return [(path, mtime_ns) for path, mtime_ns in rows]

    async def by_stem(self, import_id: int, stems: Sequence[bytes]) -> dict[bytes, list[tuple[int, bytes]]]:
        """(id, path) of an import's files by stem key."""
        found: dict[bytes, list[tuple[int, bytes]]] = {}
        for part in parts(stems):
            sql = f"SELECT stem, id, path FROM file WHERE import_id = ? AND stem IN ({marks(len(part))})"  # noqa: S608
            for stem, number, path in await self.database.read(sql, (import_id, *part)):
                found.setdefault(stem, []).append((number, path))
        return found

    async def link(self, links: Iterable[tuple[int, int, str]]) -> None:
        """Record that files belong to others: (file, owner, role)."""
        await self.database.run(("INSERT OR REPLACE INTO link (file_id, owner_id, role) VALUES (?, ?, ?)", links))


def _values(row: FileRow) -> tuple[object, ...]:
    return (
        row.id,
        row.import_id,
        row.volume_id,
        row.path,
        row.stem,
        row.size,
        row.mtime_ns,
        row.kind,
        row.outcome,
        row.item_id,
        row.reason,
    )
