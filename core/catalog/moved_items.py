"""Items that are moved to another location of their archive, together with an import that refers to them."""

from collections.abc import Iterable
from typing import NamedTuple

import aiosqlite

from core.catalog.base import Table
from core.catalog.items import Items
from core.database import Read
from core.models import Outcome

# Selects, by page, the items at the old location that the import refers to, each with the first of its files;
# whether another import of that location refers to it, too; the path of the item with the same content at the new
# location. The query is driven by the import's files in order of their ids, so that other items of the location
# are not read. (`+` keeps SQLite from using that column's index, which it cannot tell from a better one without
# statistics.)
_OF_IMPORT = """
    SELECT f.id, i.path, i.size, i.xxh128, i.sha256, i.kind, EXISTS (
        SELECT 1 FROM file AS g CROSS JOIN import AS j ON j.id = g.import_id
        WHERE g.item_id = i.id AND j.id != ?1 AND j.location_id = ?2 AND +g.outcome IN (?6, ?7)), (
        SELECT path FROM item AS o WHERE o.archive_id = i.archive_id AND +o.location_id = ?3
        AND o.xxh128 = i.xxh128 AND o.sha256 = i.sha256 AND o.size = i.size AND o.damage IS NULL)
    FROM file AS f CROSS JOIN item AS i ON i.id = f.item_id
    WHERE f.import_id = ?1 AND f.id > ?4 AND +f.outcome IN (?6, ?7) AND +i.location_id = ?2 AND i.damage IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM file AS e WHERE e.item_id = f.item_id AND +e.import_id = ?1 AND +e.id < f.id
        AND +e.outcome IN (?6, ?7))
    ORDER BY f.id LIMIT ?5
"""

_OF_ITEM = ("adjusted", "metadata", "probe", "derivative", "unopenable", "job", "copy_item")
"""Tables with rows about an item."""


class ItemToMove(NamedTuple):
    """An item at the old location. file: the first file of the import with this content. shared: another import of
    the old location refers to the item, too. there: the path of an item with its content at the new location."""

    file: int
    path: str
    size: int
    xxh128: bytes
    sha256: bytes
    kind: str
    shared: bool
    there: str | None


class MovedItem(NamedTuple):
    """An item whose payload was moved, or with `copied` copied, from `path` to `to`."""

    path: str
    to: str
    copied: bool
    size: int
    kind: str
    xxh128: bytes
    sha256: bytes


async def to_move(read: Read, import_id: int, old: int, new: int, after: int, count: int) -> list[ItemToMove]:
    """The next `count` items that an import refers to at the location `old`, beyond those of its file `after`, by
    file; with what the location `new` has of them."""
    held = (Outcome.ARCHIVED, Outcome.DUPLICATE)
    return [ItemToMove(*row) for row in await read(_OF_IMPORT, (import_id, old, new, after, count, *held))]


class MovedItems(Table):
    """Records moves of items within one archive."""

    def __init__(self, items: Items, archive_id: int) -> None:
        super().__init__(items.database)
        self._items = items
        self._archive_id = archive_id

    async def record(
        self, import_id: int | None, location_id: int, moved: Iterable[tuple[MovedItem, str | None]]
    ) -> list[int]:
        """Record in one transaction that these items, each with its damage, are at the location now.

        import_id: the import that refers to them there. Returns the ids of items that need jobs, since nothing was
        derived from them yet.
        """

        async def unit(connection: aiosqlite.Connection) -> list[int]:
            lacking: list[int] = []
            for item, damage in moved:
                lacking += await self._one_item(connection, import_id, location_id, item, damage)
            return lacking

        return await self.database.write(unit)

    async def _one_item(
        self,
        connection: aiosqlite.Connection,
        import_id: int | None,
        location_id: int,
        item: MovedItem,
        damage: str | None,
    ) -> list[int]:
        there: dict[str, tuple[int, str | None]] = {}
        same: list[int] = []
        for path, number, harm, found in await connection.execute_fetchall(
            "SELECT path, id, damage, sha256 FROM item WHERE archive_id = ? AND xxh128 = ?",
            (self._archive_id, item.xxh128),
        ):
            there[path] = number, harm
            if found == item.sha256:
                same.append(number)
        before, after = there.get(item.path), there.get(item.to)
        if after is None and before is not None and not item.copied:
            await connection.execute(
                "UPDATE item SET path = ?, location_id = ?, damage = ? WHERE id = ?",
                (item.to, location_id, damage, before[0]),
            )
            return [before[0]] if before[1] is not None and damage is None else []
        lacking: list[int] = []
        if after is None:
            if damage is not None:
                return []
            after = self._items.new_item_id(), None
            await self._insert(connection, after[0], location_id, item, same)
            lacking.append(after[0])
        if import_id is not None:
            await connection.executemany(
                "UPDATE file SET item_id = ? WHERE item_id = ? AND +import_id = ?",
                [(after[0], number, import_id) for number in same if number != after[0]],
            )
        if before is not None and not item.copied:
            # The new location had an item with this content already.
            await self._replace(connection, before[0], after[0])
        return lacking

    async def _insert(
        self, connection: aiosqlite.Connection, id: int, location_id: int, item: MovedItem, same: list[int]
    ) -> None:
        """Insert an item, with the corrections of the other items of its content."""
        values = (id, self._archive_id, location_id, item.xxh128, item.sha256, item.size, item.kind, item.to)
        await connection.execute(
            "INSERT INTO item (id, archive_id, location_id, xxh128, sha256, size, kind, path, level) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')",
            values,
        )
        await connection.executemany(
            "INSERT OR IGNORE INTO adjusted "
            "SELECT ?, made, import_id, what, by, captured, captured_local, offset, captured_zone "
            "FROM adjusted WHERE item_id = ?",
            [(id, number) for number in same],
        )

    @staticmethod
    async def _replace(connection: aiosqlite.Connection, old: int, new: int) -> None:
        """Let all that refers to the item `old` refer to `new`, and delete `old`."""
        await connection.execute("UPDATE file SET item_id = ? WHERE item_id = ?", (new, old))
        await connection.execute("UPDATE differing SET item_id = ? WHERE item_id = ?", (new, old))
        # A verdict that is reached later may need this: it looks for all contents that an import saw on its card.
        await connection.execute("UPDATE OR REPLACE elsewhere_item SET item_id = ? WHERE item_id = ?", (new, old))
        await connection.execute("DELETE FROM live_pair WHERE still_id = ?", (old,))
        await connection.execute("DELETE FROM live_pair WHERE movie_id = ?", (old,))
        for table in _OF_ITEM:
            await connection.execute(f"DELETE FROM {table} WHERE item_id = ?", (old,))  # noqa: S608 - our own
        await connection.execute("DELETE FROM item WHERE id = ?", (old,))
