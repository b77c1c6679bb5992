"""Imports: their state, their sums, their receipts."""

from collections.abc import Sequence
from statistics import median

import msgspec

from core.catalog.rows import ImportRow, marks
from core.catalog.table import Table
from core.models import Outcome, State, Waits

PACES = 9
"""Imports of which the pace is taken."""

_IMPORTS = """
    SELECT i.id, i.name, a.id, a.uuid, a.path, l.id, l.folder, l.name, v.id, v.identity, i.root, i.source,
           i.single, i.options, i.state, i.reason, i.advice, i.listed, i.started, i.ended, i.verdict,
           i.verdict_reason, i.receipt, i.runs, i.machine, i.zone, i.previous, i.waits, v.name
    FROM import i JOIN archive a ON a.id = i.archive_id JOIN location l ON l.id = i.location_id
         JOIN volume v ON v.id = i.volume_id
"""


class Imports(Table):
    """The table of imports."""

    async def new_import(self, values: dict[str, object]) -> int:
        """A new import row; `values` by column."""
        columns = ", ".join(values)
        sql = f"INSERT INTO import ({columns}) VALUES ({marks(len(values))}) RETURNING id"  # noqa: S608
        return await self._one(sql, list(values.values()))

    async def drop_import(self, import_id: int) -> None:
        """Forget an import that never began."""
        await self.database.run(("DELETE FROM import WHERE id = ?", [(import_id,)]))

    async def imports(self, where: str = "", parameters: Sequence[object] = ()) -> list[ImportRow]:
        """Imports, oldest first; `where` is a condition on i (import) and a (archive)."""
        sql = _IMPORTS + (f" WHERE {where}" if where else "") + " ORDER BY i.started, i.id"
        return [msgspec.convert(row, ImportRow) for row in await self.database.read(sql, parameters)]

    async def import_named(self, name: str) -> ImportRow | None:
        """The import with this id."""
        rows = await self.imports("i.name = ?", (name,))
        return rows[0] if rows else None

    async def import_names(self, archive_id: int) -> set[str]:
        """The ids of all imports into an archive."""
        rows = await self.database.read("SELECT name FROM import WHERE archive_id = ?", (archive_id,))
        return {name for (name,) in rows}

    async def set_import(self, import_id: int, **values: object) -> None:
        """Change columns of an import."""
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
        """Change an import's state; with `before` only when that is what it is in."""
        await self.database.run(
            (
                "UPDATE import SET state = ?, reason = ?, advice = ?, waits = ? "
                "WHERE id = ? AND (? IS NULL OR state = ?)",
                [(state, reason, advice, waits, import_id, before, before)],
            )
        )

    async def pace(self, archive_id: int, volume_id: int | None) -> tuple[float, float] | None:
        """Bytes and files a second of earlier imports into an archive, in the middle of those from this volume,
        else of all; None when nothing was measured. One that was taken up again has stood still for a while."""
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
        """`size` bytes more were read from its source."""
        await self.database.run(
            ("UPDATE import SET bytes_read = bytes_read + ? WHERE id = ?", [(size, import_id)])
        )

    async def last_receipt(self, archive_id: int) -> str:
        """The SHA-256 of the receipt of the import into this archive that ended last; empty when there is none."""
        rows = await self.database.read(
            "SELECT receipt FROM import WHERE archive_id = ? AND receipt != '' "
            "ORDER BY ended DESC, id DESC LIMIT 1",
            (archive_id,),
        )
        return rows[0][0] if rows else ""

    async def totals(self, import_id: int) -> dict[Outcome, tuple[int, int]]:
        """Files and bytes by outcome."""
        rows = await self.database.read(
            "SELECT outcome, count(*), sum(size) FROM file WHERE import_id = ? GROUP BY outcome", (import_id,)
        )
        return {Outcome(outcome): (count, size) for outcome, count, size in rows}

    async def reasons(self, import_id: int) -> list[tuple[str, int, bytes]]:
        """Why files failed: the reason, how many, and the path of the newest."""
        rows = await self.database.read(
            "SELECT reason, count(*), path, max(id) FROM file WHERE import_id = ? AND outcome = ? "
            "GROUP BY reason ORDER BY count(*) DESC LIMIT 100",
            (import_id, Outcome.FAILED),
        )
        return [(reason or "", count, path) for reason, count, path, _ in rows]
