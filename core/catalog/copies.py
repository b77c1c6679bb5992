"""Copies of archives: the tables `item` and `archive` describe the copy in use, `copy` and `copy_item` all
others."""

import time

import aiosqlite

from core.catalog.base import NOW, Table
from core.catalog.rows import CopyRow
from core.media.metadata import RULES

_COLUMNS = "archive_id, path, volume, root, fsid, mark"
_PLACE = f"({_COLUMNS})"
_SIX = "?, ?, ?, ?, ?, ?"

_SWAP = (
    # The facts of the copy that was in use are kept with the other copies ...
    "INSERT INTO copy (id, archive_id, path, volume, root, fsid, mark, seen) "
    "SELECT :from, id, path, volume, root, fsid, mark, seen FROM archive WHERE id = :archive",
    "INSERT INTO copy_item (copy_id, item_id, level, read_back, damage) "
    "SELECT :from, id, level, read_back, damage FROM item "
    "WHERE archive_id = :archive AND (read_back IS NOT NULL OR damage IS NOT NULL)",
    "INSERT INTO copy_audit (copy_id, started, after) "
    "SELECT :from, started, after FROM audit WHERE archive_id = :archive",
    # ... and the copy that is in use from now on gets only the facts that were found in it.
    "UPDATE archive SET (path, volume, root, fsid, mark, seen) = "
    "(SELECT path, volume, root, fsid, mark, seen FROM copy WHERE id = :to) WHERE id = :archive",
    "UPDATE item SET level = '', read_back = NULL, damage = NULL WHERE archive_id = :archive",
    "UPDATE item SET level = c.level, read_back = c.read_back, damage = c.damage "
    "FROM copy_item c WHERE c.copy_id = :to AND c.item_id = item.id",
    "DELETE FROM audit WHERE archive_id = :archive",
    "INSERT INTO audit (archive_id, started, after) "
    "SELECT :archive, started, after FROM copy_audit WHERE copy_id = :to",
    "DELETE FROM copy_audit WHERE copy_id = :to",
    "DELETE FROM copy_item WHERE copy_id = :to",
    "DELETE FROM copy WHERE id = :to",
    # Journals, bags and thumbnails are forgotten, because they may differ between the two copies.
    "DELETE FROM derivative WHERE item_id IN (SELECT id FROM item WHERE archive_id = :archive)",
    "DELETE FROM journal WHERE archive_id = :archive",
    "DELETE FROM bag_missing WHERE location_id IN (SELECT id FROM location WHERE archive_id = :archive)",
    "DELETE FROM bag WHERE location_id IN (SELECT id FROM location WHERE archive_id = :archive)",
)


class Copies(Table):
    """The tables of copies."""

    async def copies(self, uuid: str) -> list[CopyRow]:
        """All known copies of an archive, the one in use first; empty for an archive that was never opened."""
        rows = await self.database.read(
            "SELECT 0, id, path, volume, root, fsid, mark FROM archive WHERE uuid = ?1 UNION ALL "
            "SELECT * FROM (SELECT c.id, c.archive_id, c.path, c.volume, c.root, c.fsid, c.mark "
            "FROM copy c JOIN archive a ON a.id = c.archive_id WHERE a.uuid = ?1 ORDER BY c.seen DESC)",
            (uuid,),
        )
        return [CopyRow(*row) for row in rows]

    async def copies_of(self, archive_id: int) -> list[CopyRow]:
        """As `copies`, by the archive's row id."""
        rows = await self.database.read("SELECT uuid FROM archive WHERE id = ?", (archive_id,))
        return await self.copies(rows[0][0]) if rows else []

    async def first_copy(
        self, uuid: str, path: bytes, volume: str, root: bytes, fsid: str, mark: str
    ) -> int | None:
        """Insert an archive that was never opened before, with its copy at `path` as the one in use, and return
        its row id. None when it is known already, at this or another place. Parameters as in `archive`."""

        async def unit(connection: aiosqlite.Connection) -> int | None:
            sql = (
                "INSERT INTO archive (uuid, path, volume, root, fsid, mark, seen, rules) "  # noqa: S608
                f"VALUES ({_SIX}, {NOW}, ?) ON CONFLICT (uuid) DO NOTHING RETURNING id"
            )
            values = (uuid, path, volume, root, fsid, mark, time.time(), RULES)
            return next((id for (id,) in await connection.execute_fetchall(sql, values)), None)

        return await self.database.write(unit)

    async def copy_seen(self, copy: CopyRow) -> int:
        """Record that a copy which is not in use was seen now. Returns its number; a copy numbered 0 gets a new
        one."""
        place = copy.archive_id, copy.path, copy.volume, copy.root, copy.fsid, copy.mark

        async def unit(connection: aiosqlite.Connection) -> int:
            # Two callers may have seen a new copy at the same time.
            same = await connection.execute_fetchall(f"SELECT id FROM copy WHERE {_PLACE} = ({_SIX})", place)  # noqa: S608
            number = copy.number or next((id for (id,) in same), None)
            values = (*place, time.time(), number)
            if number is not None:
                sql = f"UPDATE copy SET {_PLACE} = ({_SIX}), seen = {NOW} WHERE id = ?"  # noqa: S608
                await connection.execute(sql, values)
                return number
            sql = f"INSERT INTO copy ({_COLUMNS}, seen, id) VALUES ({_SIX}, {NOW}, ?)"  # noqa: S608
            return (await connection.execute(sql, values)).lastrowid or 0

        return await self.database.write(unit)

    async def use_copy(self, archive_id: int, number: int) -> None:
        """Make this copy the one in use. Damage and times of reading stay recorded with the copy that they were
        found in."""

        async def unit(connection: aiosqlite.Connection) -> None:
            rows = await connection.execute_fetchall("SELECT max(id) + 1 FROM copy")
            numbers = {"to": number, "from": next(iter(rows))[0], "archive": archive_id}
            for sql in _SWAP:
                await connection.execute(sql, numbers)

        await self.database.write(unit)

    async def awaiting_copies(self, archive_id: int) -> list[tuple[int, int]]:
        """(row id, copies asked for) of imports into an archive that would be SAFE with more copies. An import
        that differs from an earlier one is included once a person has accepted the differences."""
        return [
            (number, copies)
            for number, copies in await self.database.read(
                "SELECT id, copies FROM import WHERE archive_id = ? AND copies > 0 "
                "AND (otherwise = '' OR accepted IS NOT NULL) ORDER BY id",
                (archive_id,),
            )
        ]

    async def card_items(self, import_id: int, after: int, count: int) -> list[int]:
        """Ids of up to `count` items beyond the id `after` that this import saw on its card; and that it, or
        another one of the same volume that began before its end, archived or found as duplicates. A verdict covers
        the whole card, so it may rest on what another import has brought at the same time."""
        rows = await self.database.read(
            "SELECT item_id FROM (SELECT DISTINCT f.item_id FROM import i CROSS JOIN import e "
            "ON e.volume_id = i.volume_id AND e.archive_id = i.archive_id "
            "AND (e.id <= i.id OR e.started <= i.ended) CROSS JOIN file f ON f.import_id = e.id "
            "WHERE i.id = ?1 AND f.item_id > ?2 "
            "UNION SELECT item_id FROM elsewhere_item WHERE import_id = ?1 AND item_id > ?2) "
            "ORDER BY item_id LIMIT ?3",
            (import_id, after, count),
        )
        return [item for (item,) in rows]

    async def end_wait_for_copies(self, import_id: int) -> None:
        """Set an import to SAFE that waited for copies, because there are enough copies now. The notes that were
        made at its end become the reason of the verdict."""
        await self.database.run(
            (
                "UPDATE import SET copies = 0, verdict = 'SAFE', verdict_reason = copied_reason, announced = 0 "
                "WHERE id = ? AND copies > 0 AND (otherwise = '' OR accepted IS NOT NULL)",
                [(import_id,)],
            )
        )

    async def archive_of_copy_at(self, path: bytes) -> int | None:
        """The row id of the archive of which any copy, in use or not, was last seen at `path`; None when there is
        none."""
        rows = await self.database.read(
            "SELECT id FROM (SELECT id, path, seen FROM archive "
            "UNION ALL SELECT archive_id, path, seen FROM copy) WHERE path = ? ORDER BY seen DESC LIMIT 1",
            (path,),
        )
        return rows[0][0] if rows else None

    async def formerly_at(self, path: bytes) -> list[tuple[int, str, bytes]]:
        """(row id, identity of the volume, path there) of archives of which a copy was at `path` before it was
        seen elsewhere. The identity is empty where the volume could not be identified."""
        rows = await self.database.read(
            "SELECT archive_id, volume, root FROM former_place WHERE path = ?", (path,)
        )
        return [(id, volume, root) for id, volume, root in rows]
