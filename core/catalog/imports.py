"""The table of imports: states, totals, receipts."""

import json
from collections.abc import Sequence

import msgspec

from core.catalog.base import Table
from core.catalog.rows import ImportRow, marks
from core.models import Outcome, State, Waits

PACES = 9
"""The number of earlier imports from which the pace is computed."""

RECENT_IMPORTS = 1000
"""More imports than a snapshot shows."""

_IMPORTS = """
    SELECT i.id, i.name, a.id, a.uuid, a.path, l.id, l.folder, l.name, v.id, v.identity, i.root, i.source,
           i.single, i.options, i.state, i.reason, i.advice, i.listed, i.started, i.ended, i.verdict,
           i.verdict_reason, i.receipt, i.runs, i.machine, i.zone, i.previous, i.waits, v.name, i.together
    FROM import i JOIN archive a ON a.id = i.archive_id JOIN location l ON l.id = i.location_id
         JOIN volume v ON v.id = i.volume_id
"""


class Imports(Table):
    """The table of imports."""

    async def new_import(self, values: dict[str, object]) -> int:
        """Insert an import row, and return its id. `values` is keyed by column."""
        columns = ", ".join(values)
        sql = f"INSERT INTO import ({columns}) VALUES ({marks(len(values))}) RETURNING id"  # noqa: S608
        return await self._one(sql, list(values.values()))

    async def new_imports(self, values: Sequence[dict[str, object]]) -> list[ImportRow]:
        """New import rows, all or none; each with the same columns."""
        columns = list(values[0])
        sql = f"INSERT INTO import ({', '.join(columns)}) VALUES ({marks(len(columns))})"  # noqa: S608
        await self.database.run((sql, [[each[column] for column in columns] for each in values]))
        return [(await self.imports("i.name = ?", (each["name"],)))[0] for each in values]

    async def drop_import(self, import_id: int) -> None:
        """Delete the row of an import that never began."""
        await self.database.run(("DELETE FROM import WHERE id = ?", [(import_id,)]))

    async def imports(self, where: str = "", parameters: Sequence[object] = ()) -> list[ImportRow]:
        """Imports, oldest first; `where` is a condition on i (import) and a (archive)."""
        sql = _IMPORTS + (f" WHERE {where}" if where else "") + " ORDER BY i.started, i.id"
        return [msgspec.convert(row, ImportRow) for row in await self.database.read(sql, parameters)]

    async def import_named(self, name: str) -> ImportRow | None:
        """The import with this id; None when there is none."""
        rows = await self.imports("i.name = ?", (name,))
        return rows[0] if rows else None

    async def accepting(self, volume_id: int, archive_id: int) -> dict[int, tuple[str, ...]]:
        """By row id of imports of a volume into an archive that accepted entries which cannot be copied: the kinds
        of entries accepted (`core.media.left_out`)."""
        rows = await self.database.read(
            "SELECT id, options ->> 'accept' FROM import WHERE volume_id = ? AND archive_id = ? "
            "AND json_array_length(options, '$.accept') > 0",
            (volume_id, archive_id),
        )
        return {id: tuple(json.loads(sorts)) for id, sorts in rows}

    async def unclean_ends(self) -> dict[int, int]:
        """How often engines have ended uncleanly during each running import, by the import's row id."""
        return dict(await self.database.read("SELECT id, unclean FROM import WHERE state = ?", (State.RUNNING,)))

    async def newest_archive(self) -> bytes:
        """The path of the archive that the newest import goes into; empty if there is no import."""
        rows = await self.database.read(
            "SELECT a.path FROM import i JOIN archive a ON a.id = i.archive_id ORDER BY i.id DESC LIMIT 1"
        )
        return bytes(rows[0][0]) if rows else b""

    async def import_names(self, archive_id: int) -> set[str]:
        """The ids of all imports into an archive."""
        rows = await self.database.read("SELECT name FROM import WHERE archive_id = ?", (archive_id,))
        return {name for (name,) in rows}

    async def import_locations(self) -> dict[str, tuple[str, str]]:
        """(name, folder) of the location of each of the newest imports, by the import's id."""
        rows = await self.database.read(
            "SELECT i.name, l.name, l.folder FROM import i JOIN location l ON l.id = i.location_id "
            "ORDER BY i.id DESC LIMIT ?",
            (RECENT_IMPORTS,),
        )
        return {id: (name, folder) for id, name, folder in rows}

    async def set_import(self, import_id: int, **values: object) -> None:
        """Set columns of an import."""
        columns = ", ".join(f"{name} = ?" for name in values)
        await self.database.run((f"UPDATE import SET {columns} WHERE id = ?", [[*values.values(), import_id]]))  # noqa: S608

    async def set_state(
        self,
        import_id: int,
        state: State,
        reason: str = "",
        advice: str = "",
        *,
        waits: Waits = Waits.NOTHING,
        before: State | None = None,
    ) -> None:
        """Set an import's state. With `before`, only if it is in that state."""
        await self.database.run(
            (
                "UPDATE import SET state = ?, reason = ?, advice = ?, waits = ? "
                "WHERE id = ? AND (? IS NULL OR state = ?)",
                [(state, reason, advice, waits, import_id, before, before)],
            )
        )

    async def pace(self, archive_id: int, volume_id: int | None) -> tuple[float, float] | None:
        """(bytes, files) per second: the median of earlier imports from this volume into an archive, else of all
        into it. None when nothing was measured. Resumed imports do not count, since they include the time they
        were paused."""
        from statistics import median  # imported here, because it makes an engine start later

        for volume in (volume_id, None):
            rows = await self.database.read(
                "SELECT i.bytes_read / (i.ended - i.started), "
                "(SELECT count(*) FROM file f WHERE f.import_id = i.id AND f.outcome IN (?, ?)) "
                "/ (i.ended - i.started) FROM import i WHERE i.archive_id = ? AND i.state = ? AND i.runs = 1 "
                "AND i.ended > i.started AND i.bytes_read > 0 AND (? IS NULL OR i.volume_id = ?) "
                "ORDER BY i.id DESC LIMIT ?",
                (Outcome.ARCHIVED, Outcome.DUPLICATE, archive_id, State.DONE, volume, volume, PACES),
            )
            if rows:
                return median(row[0] for row in rows), median(row[1] for row in rows)
        return None

    async def add_read(self, import_id: int, size: int) -> None:
        """Add `size` to the bytes that were read from the import's source."""
        await self.database.run(
            ("UPDATE import SET bytes_read = bytes_read + ? WHERE id = ?", [(size, import_id)])
        )

    async def begun_before(self, row: ImportRow) -> str:
        """The import into the same archive that began before this one; empty when there is none."""
        rows = await self.database.read(
            "SELECT name FROM import WHERE archive_id = ? AND id < ? ORDER BY id DESC LIMIT 1",
            (row.archive_id, row.id),
        )
        return rows[0][0] if rows else ""

    async def last_receipt(self, archive_id: int) -> str:
        """The SHA-256 of the receipt of the import into this archive that ended last; empty when there is none.

        It is the one that no other names as the one before it: the clock may have been wrong at either's end.
        """
        rows = await self.database.read(
            "SELECT receipt FROM import i WHERE archive_id = ?1 AND receipt != '' ORDER BY "
            "receipt IN (SELECT previous FROM import WHERE archive_id = ?1 AND previous != ''), "
            "ended DESC, id DESC LIMIT 1",
            (archive_id,),
        )
        return rows[0][0] if rows else ""

    async def totals(self, import_id: int) -> dict[Outcome, tuple[int, int]]:
        """(files, bytes) by outcome."""
        rows = await self.database.read(
            "SELECT outcome, count(*), sum(size) FROM file WHERE import_id = ? GROUP BY outcome", (import_id,)
        )
        return {Outcome(outcome): (count, size) for outcome, count, size in rows}

    async def levels(self, import_id: int) -> set[str]:
        """The verification levels that archived files of an import reached."""
        rows = await self.database.read(
            "SELECT DISTINCT t.level FROM file f CROSS JOIN item t ON t.id = f.item_id "
            "WHERE f.import_id = ? AND f.outcome = ?",
            (import_id, Outcome.ARCHIVED),
        )
        return {level for (level,) in rows}

    async def reasons(self, import_id: int) -> list[tuple[str, int, bytes, str, int]]:
        """Why files failed: (reason, count, path of the newest, side, code), most frequent first, at most 100."""
        rows = await self.database.read(
            "SELECT f.reason, count(*), f.path, coalesce(e.side, ''), coalesce(e.code, 0), max(f.id) FROM file f "
            "LEFT JOIN failure e ON e.file_id = f.id WHERE f.import_id = ? AND f.outcome = ? "
            "GROUP BY f.reason ORDER BY count(*) DESC LIMIT 100",
            (import_id, Outcome.FAILED),
        )
        return [(reason or "", count, path, side, code) for reason, count, path, side, code, _ in rows]
