"""Files: one row for each directory entry seen in an import; the import's folders; and links between files."""

import json
from collections.abc import Collection, Iterable, Sequence

from core.catalog.base import Table, together
from core.catalog.failures import delete_failures, forget_causes, insert_failures
from core.catalog.rows import FailureRow, FileRow, SeenRow, marks, parts
from core.database import Row
from core.media.left_out import Sort
from core.models import Outcome

ATTRIBUTES_UNKEPT = "extended attributes not kept"

NAME = """
    INSERT INTO file_name (rowid, path)
    SELECT f.id, CAST(substr(f.path, 1 + length(i.root)) AS TEXT)
    FROM json_each(?) AS new CROSS JOIN file AS f ON f.id = new.value JOIN import AS i ON i.id = f.import_id
    ORDER BY f.id
"""
"""Adds the names of the files with these ids, given as JSON, to the index for searches; in one unit with their
rows."""


class Files(Table):
    """The tables of files, folders and links."""

    last_file_id = 0
    """The highest id that was assigned."""

    def new_file_id(self) -> int:
        """An id that no file row has had."""
        self.last_file_id += 1
        return self.last_file_id

    async def seen(
        self, volume_id: int, paths: Sequence[bytes], archive_id: int | None = None
    ) -> dict[bytes, list[SeenRow]]:
        """The rows of any import (into this archive, if given) that have these paths on this volume, by path;
        newest last."""
        found: dict[bytes, list[SeenRow]] = {}
        for part in parts(paths):
            sql = (
                "SELECT path, import_id, id, size, mtime_ns, outcome, item_id, sort, target FROM file "  # noqa: S608
                f"WHERE volume_id = ? AND path IN ({marks(len(part))}) "
                "AND (? IS NULL OR (SELECT archive_id FROM import WHERE import.id = import_id) = ?) ORDER BY id"
            )
            for row in await self.database.read(sql, (volume_id, *part, archive_id, archive_id)):
                found.setdefault(row[0], []).append(SeenRow(*row))
        return found

    async def enter(
        self,
        new: Iterable[FileRow],
        changed: Sequence[FileRow],
        folders: Iterable[tuple[int, bytes, int]],
        gone: Collection[int] = (),
        far: Sequence[tuple[int, bytes, str]] = (),
        failed: Sequence[FailureRow] = (),
    ) -> None:
        """Write rows of entries just listed, and why some `failed`. `gone`: ids of rows whose entry is no file any
        more.

        folders: (import, path, mtime_ns). far: exact times that a row's mtime_ns cannot hold (core.files.times),
        by import and path below its source.
        """
        new = list(new)
        exact = [("INSERT OR REPLACE INTO far_time (import_id, path, ns) VALUES (?, ?, ?)", far)] if far else []
        stale = [(row.id,) for row in changed] + [(id,) for id in gone]
        await self.database.run(
            *delete_failures([*(row.id for row in changed if row.outcome != Outcome.TODO), *gone]),
            *forget_causes([row.id for row in changed if row.outcome == Outcome.TODO]),
            ("DELETE FROM file WHERE id = ?", [(id,) for id in gone]),
            *together(
                "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, "
                "reason, sort, target) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_values(row) for row in new],
            ),
            (NAME, [(json.dumps([row.id for row in new]),)]),
            (
                "UPDATE file SET size = ?, mtime_ns = ?, kind = ?, outcome = ?, item_id = ?, reason = ?, "
                "sort = ?, target = ? WHERE id = ?",
                [(*_values(row)[5:], row.id) for row in changed],
            ),
            ("UPDATE listed SET found = NULL, file_id = NULL, exact = 0 WHERE file_id = ?", stale),
            ("DELETE FROM unkept WHERE file_id = ?", [(r.id,) for r in changed]),
            ("DELETE FROM differing WHERE file_id = ?", [(r.id,) for r in changed]),
            ("INSERT OR REPLACE INTO folder (import_id, path, mtime_ns) VALUES (?, ?, ?)", folders),
            *exact,
            *insert_failures(failed),
        )

    def unkept_statement(self, ids: Sequence[int]) -> list[tuple[str, Sequence[Sequence[object]]]]:
        """The statement that records files which were archived without some of their extended attributes."""
        return [("INSERT OR IGNORE INTO unkept VALUES (?)", [(id,) for id in ids])] if ids else []

    async def unkept_files(self, volume_id: int) -> set[int]:
        """Ids of a volume's files that were archived without some of their extended attributes."""
        sql = "SELECT u.file_id FROM unkept u CROSS JOIN file f ON f.id = u.file_id WHERE f.volume_id = ?"
        return {id for (id,) in await self.database.read(sql, (volume_id,))}

    async def far_times(self, import_id: int, paths: Sequence[bytes]) -> dict[bytes, str]:
        """The exact times of those paths that have one recorded, by path below the source."""
        found: dict[bytes, str] = {}
        for part in parts(paths):
            sql = f"SELECT path, ns FROM far_time WHERE import_id = ? AND path IN ({marks(len(part))})"  # noqa: S608
            found |= dict(await self.database.read(sql, (import_id, *part)))
        return found

    async def perhaps_indexes(
        self, import_id: int, after: int, largest: int, count: int
    ) -> list[tuple[int, bytes, int]]:
        """(id, path on the volume, item) of up to `count` archived files beyond the id `after` that may be a
        card's index, by their names and because they have at most `largest` bytes."""
        sql = (
            "SELECT id, path, item_id FROM file WHERE import_id = ? AND id > ? AND item_id IS NOT NULL "
            "AND size <= ? AND lower(CAST(substr(path, -4) AS TEXT)) IN ('.xml', '.ale') ORDER BY id LIMIT ?"
        )
        return await self.database.read(sql, (import_id, after, largest, count))

    async def sizes(self, ids: Sequence[int]) -> list[int]:
        """The sizes of these files."""
        sql = "SELECT f.size FROM json_each(?) j CROSS JOIN file f ON f.id = j.value ORDER BY j.key"
        return [size for (size,) in await self.database.read(sql, (json.dumps(ids),))]

    async def any_below(self, import_id: int, volume_id: int, folder: bytes) -> bool:
        """Whether an import has a file below this folder of its volume."""
        sql = "SELECT 1 FROM file WHERE volume_id = ? AND path > ? AND path < ? AND import_id = ? LIMIT 1"
        return bool(await self.database.read(sql, (volume_id, folder + b"/", folder + b"0", import_id)))

    async def todo(self, import_id: int, after: int, count: int) -> list[Row]:
        """(id, path, size, kind, item_id) of up to `count` files still to do beyond the id `after`, by id."""
        return await self.database.read(
            "SELECT id, path, size, kind, item_id FROM file WHERE import_id = ? AND outcome = ? AND id > ? "
            "ORDER BY id LIMIT ?",
            (import_id, Outcome.TODO, after, count),
        )

    async def span(self, import_id: int) -> tuple[int, int]:
        """The lowest and the highest id of an import's files; zeros when it has none."""
        sql = "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM file WHERE import_id = ?"
        ((first, last),) = await self.database.read(sql, (import_id,))
        return first, last

    async def paths(
        self, import_id: int, after: int, count: int, outcomes: Sequence[Outcome] = tuple(Outcome)
    ) -> list[tuple[int, bytes]]:
        """(id, path) of an import's files with these outcomes, by id; up to `count` beyond the id `after`."""
        rows = await self.database.read(
            f"SELECT id, path FROM file WHERE import_id = ? AND id > ? AND +outcome IN ({marks(len(outcomes))}) "  # noqa: S608
            "ORDER BY id LIMIT ?",
            (import_id, after, *outcomes, count),
        )
        return [(id, path) for id, path in rows]

    async def unread(self, import_id: int, after: int, count: int) -> list[FileRow]:
        """Files of an import that no batch has read, by id: those that are neither archived nor duplicates, and
        those taken from the record."""
        rows = await self.database.read(
            "SELECT id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, reason, "
            "sort, target FROM file WHERE import_id = ? AND id > ? AND (outcome NOT IN (?, ?) OR sort = ?) "
            "ORDER BY id LIMIT ?",
            (import_id, after, Outcome.ARCHIVED, Outcome.DUPLICATE, Sort.RECORD, count),
        )
        return [FileRow(*row) for row in rows]

    async def folders(self, import_id: int, after: bytes, count: int) -> list[tuple[bytes, int]]:
        """(path, mtime_ns) of an import's folders without the root, by path; up to `count` beyond the path
        `after`."""
        rows = await self.database.read(
            "SELECT path, mtime_ns FROM folder WHERE import_id = ? AND path > ? ORDER BY path LIMIT ?",
            (import_id, after, count),
        )
        return [(path, mtime_ns) for path, mtime_ns in rows]

    async def by_stem(self, import_id: int, stems: Sequence[bytes]) -> dict[bytes, list[tuple[int, bytes]]]:
        """(id, path) of an import's files, by stem key."""
        found: dict[bytes, list[tuple[int, bytes]]] = {}
        for part in parts(stems):
            sql = f"SELECT stem, id, path FROM file WHERE import_id = ? AND stem IN ({marks(len(part))})"  # noqa: S608
            for stem, number, path in await self.database.read(sql, (import_id, *part)):
                found.setdefault(stem, []).append((number, path))
        return found

    async def stems_from(self, import_id: int, beginning: bytes, count: int) -> list[bytes]:
        """Up to `count` stem keys of an import's files that begin so, by name."""
        sql = "SELECT DISTINCT stem FROM file WHERE import_id = ? AND stem >= ? AND stem < ? ORDER BY stem LIMIT ?"
        rows = await self.database.read(sql, (import_id, beginning, beginning + b"\xff", count))
        return [stem for (stem,) in rows]

    async def times(self, ids: Sequence[int]) -> list[int]:
        """When these files were changed, in ns since 1970."""
        sql = "SELECT f.mtime_ns FROM json_each(?) j CROSS JOIN file f ON f.id = j.value ORDER BY j.key"
        return [mtime for (mtime,) in await self.database.read(sql, (json.dumps(ids),))]

    async def in_stem_order(self, import_id: int, after: tuple[bytes, int], count: int) -> list[Row]:
        """(stem, id, path) of an import's files, by stem key and id; up to `count` beyond the stem and id
        `after`."""
        # The first condition bounds the search in the index; the second one alone would not.
        return await self.database.read(
            "SELECT stem, id, path FROM file WHERE import_id = ? AND stem >= ? AND (stem, id) > (?, ?) "
            "ORDER BY stem, id LIMIT ?",
            (import_id, after[0], *after, count),
        )

    async def has_links(self, import_id: int) -> bool:
        """Whether some files of an import were linked before."""
        rows = await self.database.read(
            "SELECT EXISTS (SELECT 1 FROM link CROSS JOIN file ON file.id = file_id WHERE file_id BETWEEN "
            "(SELECT min(id) FROM file WHERE import_id = ?1) AND (SELECT max(id) FROM file WHERE import_id = ?1) "
            "AND import_id = ?1)",
            (import_id,),
        )
        return bool(rows[0][0])

    async def link(self, links: Sequence[tuple[int, int, str]], *, again: bool = True) -> None:
        """Record that files belong to others: (file, owner, role). A file has one owner, so an earlier link is
        replaced; without `again` there is none."""
        await self.database.run(
            *([("DELETE FROM link WHERE file_id = ?", [(file,) for file, _, _ in links])] if again else []),
            *together("INSERT INTO link (file_id, owner_id, role) VALUES (?, ?, ?)", links),
        )


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
        row.sort,
        row.target,
    )
