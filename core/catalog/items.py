"""Items: the distinct contents that archives hold, and what audits found out about them.

The parameter `copy` is the number of the copy of the archive (core.catalog.copies); 0: the one in use.
"""

from collections.abc import Iterable, Sequence

from core.catalog.base import Table, together
from core.catalog.rows import MARKS, Item, marks, parts
from core.database import Statement
from core.models import Outcome

BY_DIGEST = "INDEXED BY item_digest"
"""Index for look-ups of many digests. Without statistics SQLite would read all items of an archive instead."""


def _item_table(copy: int, by: str = "") -> str:
    """The table `item` with the levels, times of reading and damage of one copy of the archive.

    by: SQL that names the index to use."""
    if not copy:
        return f"item {by}"
    return (
        "(SELECT t.id, t.archive_id, t.location_id, t.xxh128, t.sha256, t.size, t.kind, t.path, "  # noqa: S608
        "coalesce(c.level, '') AS level, c.read_back AS read_back, c.damage AS damage "
        f"FROM item t {by} LEFT JOIN copy_item c ON c.item_id = t.id AND c.copy_id = {copy:d})"
    )


def _items(copy: int = 0, by: str = "") -> str:
    columns = "id, location_id, xxh128, sha256, size, kind, path, level, read_back, damage"
    return f"SELECT {columns} FROM {_item_table(copy, by)}"  # noqa: S608


_ARCHIVED = f"""
    SELECT f.id, t.id, t.location_id, t.xxh128, t.sha256, t.size, t.kind, t.path, t.level, t.read_back, t.damage
    FROM file f JOIN item t ON t.id = f.item_id WHERE f.import_id = ? AND f.outcome = {int(Outcome.ARCHIVED)}
"""  # noqa: S608

_SETTLE = """
    INSERT INTO item (id, archive_id, location_id, xxh128, sha256, size, kind, path, level, read_back, damage)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    location_id = excluded.location_id, path = excluded.path, level = excluded.level,
    read_back = excluded.read_back, damage = excluded.damage
"""

_SETTLE_FILES = """
    UPDATE file SET outcome = new.column2, item_id = new.column3, reason = new.column4, size = new.column5,
    mtime_ns = coalesce(new.column6, mtime_ns), kind = new.column7, sort = new.column8
    FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?)) AS new WHERE file.id = new.column1
"""

ReadAgain = tuple[int, str, float | None, str | None]
"""The result of reading an item again: id, level reached, when it was intact (Unix time; None: it was not), damage
(None: intact)."""


class Items(Table):
    """The tables of items and audits."""

    last_item_id = 0
    """The highest id that was assigned."""

    damage_noted = 0
    """How many times damage was recorded since the catalog was opened. A verdict that takes many queries compares
    it before and after: if it has changed, an item that was judged as sound may be damaged."""

    def new_item_id(self) -> int:
        """An id that no item row has had."""
        self.last_item_id += 1
        return self.last_item_id

    async def settle(
        self,
        items: Iterable[tuple[int, Item]],
        files: Iterable[tuple[int, Outcome, int | None, str | None, int, int | None, str, str]],
        also: Iterable[tuple[str, Iterable[Sequence[object]]]] = (),
    ) -> None:
        """Write one batch's results in one transaction: items as (archive, item), inserted or updated; files as
        (id, outcome, item, reason, size, mtime_ns, kind, sort), where mtime_ns None keeps the present one; then
        the statements of `also`."""
        await self.database.run(
            *together(_SETTLE, [_values(archive, item) for archive, item in items]),
            *together(_SETTLE_FILES, list(files)),
            *also,
        )

    async def with_digests(
        self, archive_id: int, location_id: int | None, hashes: Sequence[bytes], copy: int = 0
    ) -> list[Item]:
        """Items with one of these XXH3-128, of an archive, or of one of its locations."""
        found: list[Item] = []
        for part in parts(hashes):
            sql = (
                f"{_items(copy, BY_DIGEST)} WHERE archive_id = ? AND (? IS NULL OR location_id = ?) "
                f"AND xxh128 IN ({marks(len(part))}) ORDER BY id"
            )
            rows = await self.database.read(sql, (archive_id, location_id, location_id, *part))
            found += [Item(*row) for row in rows]
        return found

    async def items(self, ids: Iterable[int], archive_id: int, copy: int = 0) -> dict[int, Item]:
        """Those of the items that are in this archive, by id."""
        wanted, found = list(ids), {}
        for at in range(0, len(wanted), MARKS):
            part = wanted[at : at + MARKS]
            sql = f"{_items(copy)} WHERE +archive_id = ? AND id IN ({marks(len(part))})"
            rows = await self.database.read(sql, (archive_id, *part))
            found.update({row[0]: Item(*row) for row in rows})
        return found

    async def count_after(self, archive_id: int, after: int) -> tuple[int, int]:
        """(count, bytes) of an archive's items beyond the id `after`."""
        rows = await self.database.read(
            "SELECT count(*), coalesce(sum(size), 0) FROM item WHERE +archive_id = ? AND id > ?",
            (archive_id, after),
        )
        return rows[0][0], rows[0][1]

    async def archived(self, import_id: int, after: int, count: int) -> list[tuple[int, Item]]:
        """(file id, item) of up to `count` files that an import archived, beyond the file id `after`, by that
        id."""
        rows = await self.database.read(
            f"{_ARCHIVED} AND f.id > ? ORDER BY f.id LIMIT ?", (import_id, after, count)
        )
        return [(number, Item(*row)) for number, *row in rows]

    async def some_archived(self, import_id: int, count: int) -> list[Item]:
        """Up to `count` items that an import archived, chosen at random."""
        rows = await self.database.read(f"{_ARCHIVED} ORDER BY random() LIMIT ?", (import_id, count))
        return [Item(*row) for _, *row in rows]

    async def sampled(self, archive_id: int) -> int:
        """The bytes used on an archive's volume when its oldest items were last sampled; 0: never."""
        rows = await self.database.read("SELECT sampled FROM archive WHERE id = ?", (archive_id,))
        found: int = rows[0][0]
        return found

    async def set_sampled(self, archive_id: int, used: int) -> None:
        """Record that the oldest items were sampled now, with `used` bytes in use on the volume."""
        await self.database.run(("UPDATE archive SET sampled = ? WHERE id = ?", [(used, archive_id)]))

    # Audits

    async def audit_after(self, archive_id: int, now: float, copy: int = 0) -> tuple[float, int]:
        """(start time, item id) of the unfinished audit: it has read all items up to that id. Without one an audit
        is begun at `now`, from id 0."""
        table, key, id = _audit(archive_id, copy)
        sql = f"INSERT OR IGNORE INTO {table} ({key}, started, after) VALUES (?, ?, 0)"  # noqa: S608
        await self.database.run((sql, [(id, now)]))
        rows = await self.database.read(f"SELECT started, after FROM {table} WHERE {key} = ?", (id,))  # noqa: S608
        return rows[0][0], rows[0][1]

    async def items_after(self, archive_id: int, after: int, count: int, copy: int = 0) -> list[Item]:
        """Up to `count` items of an archive beyond the id `after`, by id."""
        rows = await self.database.read(
            f"{_items(copy)} WHERE +archive_id = ? AND id > ? ORDER BY id LIMIT ?", (archive_id, after, count)
        )
        return [Item(*row) for row in rows]

    async def least_read(
        self,
        archive_id: int,
        read: tuple[float, float],
        share: int,
        salt: int,
        skip: int,
        count: int,
        copy: int = 0,
    ) -> list[Item]:
        """Items not read back between the two times `read`, the longest unread first, without the first `skip`;
        only those whose hashed id (multiplicative hash with `salt`) is below `share`, of 2³²."""
        rows = await self.database.read(
            f"{_items(copy)} WHERE archive_id = ? AND (read_back IS NULL OR read_back NOT BETWEEN ? AND ?) "
            "AND (id * 2654435761 + ?) % 4294967296 < ? ORDER BY read_back, id LIMIT ? OFFSET ?",
            (archive_id, *read, salt, share, count, skip),
        )
        return [Item(*row) for row in rows]

    async def least_read_held(
        self, archive_id: int, read: tuple[float, float], share: int, salt: int, copy: int = 0
    ) -> tuple[int, int]:
        """(count, bytes) of the items that `least_read` selects."""
        rows = await self.database.read(
            f"SELECT count(*), coalesce(sum(size), 0) FROM {_item_table(copy)} WHERE archive_id = ? AND "  # noqa: S608
            "(read_back IS NULL OR read_back NOT BETWEEN ? AND ?) AND (id * 2654435761 + ?) % 4294967296 < ?",
            (archive_id, *read, salt, share),
        )
        return rows[0][0], rows[0][1]

    async def damaged_items(self, archive_id: int, copy: int = 0) -> list[Item]:
        """All items known to be damaged, by id."""
        rows = await self.database.read(
            f"{_items(copy)} WHERE archive_id = ? AND damage IS NOT NULL ORDER BY id", (archive_id,)
        )
        return [Item(*row) for row in rows]

    async def of_contents(self, archive_id: int, digests: Iterable[str], copy: int = 0) -> list[Item]:
        """Items with these XXH3-128, in hexadecimal digits."""
        found: list[Item] = []
        for digest in digests:
            rows = await self.database.read(
                f"{_items(copy)} WHERE archive_id = ? AND xxh128 = ?", (archive_id, bytes.fromhex(digest))
            )
            found += [Item(*row) for row in rows]
        return found

    async def oldest(self, archive_id: int, copy: int = 0) -> tuple[str, float | None, int]:
        """The path of the file that was read back longest ago, when that was (None: never), and how many were
        never read back."""
        rows = await self.database.read(
            f"SELECT path, read_back FROM {_item_table(copy)} WHERE archive_id = ? ORDER BY read_back LIMIT 1",  # noqa: S608
            (archive_id,),
        )
        never = await self.database.read(
            f"SELECT count(*) FROM {_item_table(copy)} WHERE archive_id = ? AND read_back IS NULL",  # noqa: S608
            (archive_id,),
        )
        path, when = rows[0] if rows else ("", None)
        return path, when, never[0][0]

    async def audited(
        self,
        archive_id: int,
        after: int,
        found: Iterable[ReadAgain],
        copy: int = 0,
        also: Sequence[Statement] = (),
    ) -> None:
        """Record the results of reading items again, and that the audit has read all items up to the id `after`.
        `also` is executed in the same transaction."""
        table, key, id = _audit(archive_id, copy)
        read = list(found)
        await self.database.run(
            _read_again(read, copy),
            (f"UPDATE {table} SET after = ? WHERE {key} = ?", [(after, id)]),  # noqa: S608
            *also,
        )
        self._note(read)

    async def read_again(self, found: Iterable[ReadAgain], copy: int = 0, also: Sequence[Statement] = ()) -> None:
        """Record the results of reading items again. A damaged item keeps the time when it was last intact. `also`
        is executed in the same transaction."""
        read = list(found)
        await self.database.run(_read_again(read, copy), *also)
        self._note(read)

    def _note(self, read: Iterable[ReadAgain]) -> None:
        self.damage_noted += any(damage is not None for *_, damage in read)

    async def damaged(self, archive_id: int, count: int, copy: int = 0) -> tuple[int, list[tuple[str, str]]]:
        """How many items are known to be damaged, and (path, damage) of the first `count`."""
        total = await self.database.read(
            f"SELECT count(*) FROM {_item_table(copy)} WHERE archive_id = ? AND damage IS NOT NULL",  # noqa: S608
            (archive_id,),
        )
        rows = await self.database.read(
            f"SELECT path, damage FROM {_item_table(copy)} "  # noqa: S608 - names of our own
            "WHERE archive_id = ? AND damage IS NOT NULL ORDER BY id LIMIT ?",
            (archive_id, count),
        )
        return total[0][0], [(path, why) for path, why in rows]

    async def unproven(self, archive_id: int, after: int, count: int, copy: int = 0) -> list[Item]:
        """Up to `count` items beyond the id `after` that were never read back successfully or are damaged, by
        id."""
        rows = await self.database.read(
            f"{_items(copy)} WHERE +archive_id = ? AND id > ? AND (read_back IS NULL OR damage IS NOT NULL) "
            "ORDER BY id LIMIT ?",
            (archive_id, after, count),
        )
        return [Item(*row) for row in rows]

    async def proven(self, archive_id: int, copy: int = 0) -> tuple[int, int]:
        """(count, bytes) of items that were read back successfully and are not known to be damaged."""
        rows = await self.database.read(
            f"SELECT count(*), coalesce(sum(size), 0) FROM {_item_table(copy)} "  # noqa: S608 - names of our own
            "WHERE +archive_id = ? AND read_back IS NOT NULL AND damage IS NULL",
            (archive_id,),
        )
        return rows[0][0], rows[0][1]

    async def end_audit(self, archive_id: int, copy: int = 0) -> None:
        """Delete the record of the audit, which is completed."""
        table, key, id = _audit(archive_id, copy)
        await self.database.run((f"DELETE FROM {table} WHERE {key} = ?", [(id,)]))  # noqa: S608


def _audit(archive_id: int, copy: int) -> tuple[str, str, int]:
    """The table of unfinished audits, its key column, and the key of this archive or copy."""
    return ("copy_audit", "copy_id", copy) if copy else ("audit", "archive_id", archive_id)


def _read_again(found: Iterable[ReadAgain], copy: int) -> tuple[str, list[tuple[object, ...]]]:
    if copy:
        return (
            "INSERT INTO copy_item (copy_id, item_id, level, read_back, damage) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (copy_id, item_id) DO UPDATE SET level = excluded.level, "
            "read_back = coalesce(excluded.read_back, read_back), damage = excluded.damage",
            [(copy, *one) for one in found],
        )
    return (
        "UPDATE item SET level = ?, read_back = coalesce(?, read_back), damage = ? WHERE id = ?",
        [(level, when, damage, id) for id, level, when, damage in found],
    )


def _values(archive_id: int, item: Item) -> tuple[object, ...]:
    return (
        item.id,
        archive_id,
        item.location_id,
        item.xxh128,
        item.sha256,
        item.size,
        item.kind,
        item.path,
        item.level,
        item.read_back,
        item.damage,
    )
