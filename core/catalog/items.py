"""Items: the distinct contents that archives hold, and what audits found out about them."""

from collections.abc import Iterable, Sequence

from core.catalog.rows import MARKS, Item, marks, parts
from core.catalog.table import Table
from core.models import Outcome

_ITEMS = "SELECT id, location_id, xxh128, sha256, size, kind, path, level, read_back, damage FROM item"

_SETTLE = """
    INSERT INTO item (id, archive_id, location_id, xxh128, sha256, size, kind, path, level, read_back, damage)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    location_id = excluded.location_id, path = excluded.path, level = excluded.level,
    read_back = excluded.read_back, damage = excluded.damage
"""


class Items(Table):
    """The tables of items and audits."""

    last_item_id = 0
    """The highest number that was given away."""

    def new_item_id(self) -> int:
        """A number no item row has had."""
        self.last_item_id += 1
        return self.last_item_id

    async def settle(
        self,
        items: Iterable[tuple[int, Item]],
        files: Iterable[tuple[int, Outcome, int | None, str | None, int, int | None, str]],
        also: Iterable[tuple[str, Iterable[Sequence[object]]]] = (),
    ) -> None:
        """One batch's results: (archive, item) made or brought up to date, then (id, outcome, item, reason, size,
        mtime, kind) of files; `also` are statements that go into the same unit."""
        await self.database.run(
            (_SETTLE, [_values(archive, item) for archive, item in items]),
            (
                "UPDATE file SET outcome = ?, item_id = ?, reason = ?, size = ?, "
                "mtime_ns = coalesce(?, mtime_ns), kind = ? WHERE id = ?",
                [(out, item, why, size, mtime, kind, id) for id, out, item, why, size, mtime, kind in files],
            ),
            *also,
        )

    async def known(self, archive_id: int, location_id: int | None, hashes: Sequence[bytes]) -> list[Item]:
        """Items of an archive, or of one location, with one of these XXH3-128."""
        found: list[Item] = []
        for part in parts(hashes):
            sql = (
                f"{_ITEMS} WHERE archive_id = ? AND (? IS NULL OR location_id = ?) "
                f"AND xxh128 IN ({marks(len(part))}) ORDER BY id"
            )
            rows = await self.database.read(sql, (archive_id, location_id, location_id, *part))
            found += [Item(*row) for row in rows]
        return found

    async def items(self, ids: Iterable[int], archive_id: int) -> dict[int, Item]:
        """Items of an archive by id."""
        wanted, found = list(ids), {}
        for at in range(0, len(wanted), MARKS):
            part = wanted[at : at + MARKS]
            sql = f"{_ITEMS} WHERE archive_id = ? AND id IN ({marks(len(part))})"
            rows = await self.database.read(sql, (archive_id, *part))
            found.update({row[0]: Item(*row) for row in rows})
        return found

    async def held(self, archive_id: int, after: int) -> tuple[int, int]:
        """Items of an archive beyond the id `after`, and their bytes."""
        rows = await self.database.read(
            "SELECT count(*), coalesce(sum(size), 0) FROM item WHERE archive_id = ? AND id > ?",
            (archive_id, after),
        )
        return rows[0][0], rows[0][1]

    # Audits

    async def audit_after(self, archive_id: int, now: float) -> tuple[float, int]:
        """When the audit under way began, and up to which item it is done; else one begins `now`."""
        await self.database.run(
            ("INSERT OR IGNORE INTO audit (archive_id, started, after) VALUES (?, ?, 0)", [(archive_id, now)])
        )
        rows = await self.database.read("SELECT started, after FROM audit WHERE archive_id = ?", (archive_id,))
        return rows[0][0], rows[0][1]

    async def items_after(self, archive_id: int, after: int, count: int) -> list[Item]:
        """Items of an archive by id."""
        rows = await self.database.read(
            f"{_ITEMS} WHERE archive_id = ? AND id > ? ORDER BY id LIMIT ?", (archive_id, after, count)
        )
        return [Item(*row) for row in rows]

    async def least_read(
        self, archive_id: int, before: float, share: int, salt: int, skip: int, count: int
    ) -> list[Item]:
        """Items not read back since `before`, longest ago first, without the first `skip`; of all only those whose
        mixed number is below `share` of 2³²."""
        rows = await self.database.read(
            f"{_ITEMS} WHERE archive_id = ? AND (read_back IS NULL OR read_back < ?) "
            "AND (id * 2654435761 + ?) % 4294967296 < ? ORDER BY read_back, id LIMIT ? OFFSET ?",
            (archive_id, before, salt, share, count, skip),
        )
        return [Item(*row) for row in rows]

    async def least_read_held(self, archive_id: int, before: float, share: int, salt: int) -> tuple[int, int]:
        """How many those are, and their bytes."""
        rows = await self.database.read(
            "SELECT count(*), coalesce(sum(size), 0) FROM item WHERE archive_id = ? AND "
            "(read_back IS NULL OR read_back < ?) AND (id * 2654435761 + ?) % 4294967296 < ?",
            (archive_id, before, salt, share),
        )
        return rows[0][0], rows[0][1]

    async def damaged_items(self, archive_id: int) -> list[Item]:
        """Items known to be damaged."""
        rows = await self.database.read(
            f"{_ITEMS} WHERE archive_id = ? AND damage IS NOT NULL ORDER BY id", (archive_id,)
        )
        return [Item(*row) for row in rows]

    async def oldest(self, archive_id: int) -> tuple[str, float | None, int]:
        """The file that was read back longest ago, when (None: never), and how many never were."""
        rows = await self.database.read(
            "SELECT path, read_back FROM item WHERE archive_id = ? ORDER BY read_back LIMIT 1", (archive_id,)
        )
        never = await self.database.read(
            "SELECT count(*) FROM item WHERE archive_id = ? AND read_back IS NULL", (archive_id,)
        )
        path, when = rows[0] if rows else ("", None)
        return path, when, never[0][0]

    async def audited(
        self, archive_id: int, after: int, found: Iterable[tuple[int, str, float | None, str | None]]
    ) -> None:
        """(item, level, when, damage) of items read again; every item up to `after` is done."""
        await self.database.run(
            (
                "UPDATE item SET level = ?, read_back = coalesce(?, read_back), damage = ? WHERE id = ?",
                [(level, when, damage, id) for id, level, when, damage in found],
            ),
            ("UPDATE audit SET after = ? WHERE archive_id = ?", [(after, archive_id)]),
        )

    async def read_again(self, found: Iterable[tuple[int, str, float | None, str | None]]) -> None:
        """(item, level, when, damage) of items read again; of a damaged one it stays known when it was well."""
        await self.database.run(
            (
                "UPDATE item SET level = ?, read_back = coalesce(?, read_back), damage = ? WHERE id = ?",
                [(level, when, damage, id) for id, level, when, damage in found],
            )
        )

    async def damaged(self, archive_id: int, count: int) -> tuple[int, list[tuple[str, str]]]:
        """How many items are known to be damaged, and (path, why) of the first."""
        total = await self.database.read(
            "SELECT count(*) FROM item WHERE archive_id = ? AND damage IS NOT NULL", (archive_id,)
        )
        rows = await self.database.read(
            "SELECT path, damage FROM item WHERE archive_id = ? AND damage IS NOT NULL ORDER BY id LIMIT ?",
            (archive_id, count),
        )
        return total[0][0], [(path, why) for path, why in rows]

    async def end_audit(self, archive_id: int) -> None:
        """The audit is through."""
        await self.database.run(("DELETE FROM audit WHERE archive_id = ?", [(archive_id,)]))


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
