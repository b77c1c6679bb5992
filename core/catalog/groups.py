"""Groups of imports: one source that is imported into several archives, by one import for each archive.

One import hands on the files that it has settled to the others, which copy them from its archive
(core.importing.following).
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from core.catalog.base import Table
from core.catalog.items import BY_DIGEST
from core.catalog.rows import MARKS, Item, marks
from core.database import Statement
from core.models import ENDED, IN_ARCHIVE, Outcome, Verdict
from core.workers.source_messages import SourceMetadata


class ListedFile(msgspec.Struct, frozen=True, array_like=True):
    """An entry that another import of the group has listed. `stage` and `code` are those of its failure; None if
    it did not fail."""

    id: int
    path: bytes
    stem: bytes
    size: int
    mtime_ns: int
    kind: str
    outcome: int
    reason: str | None
    sort: str
    target: bytes | None
    stage: str | None
    code: int | None


class HandedFile(msgspec.Struct, frozen=True, array_like=True):
    """A file that another import of the group has settled, and this one has still to do.

    `number` is the id of the row in `handed_on`, for paging. `id`, `path` and `known` (the item of an earlier
    import) are from this import's row; `outcome`, `size`, `mtime_ns`, `kind` and `reason` from the other's.
    `facts`: for `metadata_of`; None if the file was not read. `item`, `payload` and the digests are from
    the other archive; `stage`, `side`, `code` and `detail` from the failure, None without one.
    """

    number: int
    id: int
    path: bytes
    known: int | None
    outcome: int
    size: int
    mtime_ns: int
    kind: str
    reason: str | None
    facts: bytes | None
    item: int | None
    payload: str | None
    xxh128: bytes | None
    sha256: bytes | None
    stage: str | None
    side: str | None
    code: int | None
    detail: str | None


class FoundVerdict(msgspec.Struct, frozen=True, array_like=True):
    """The verdict of an import that has ended. `otherwise`: the one that holds once a person accepts what differs;
    empty: nothing differs, or it is accepted. `copies`: the number of copies that it waits for; 0: it waits for
    none."""

    verdict: Verdict
    reason: str
    otherwise: str
    otherwise_reason: str
    copies: int


def metadata_of(facts: bytes) -> SourceMetadata:
    """Decode what `Groups.hand_on` has stored: an array of the class's name and its fields. The name is ignored,
    because an engine of another version may have another one, and so are further fields of later versions."""
    _, *values = msgspec.msgpack.decode(facts, type=list[Any])
    return SourceMetadata(*values[: len(SourceMetadata.__struct_fields__)])


_HANDED = f"""
    FROM handed_on h CROSS JOIN file a ON a.id = h.file_id
    CROSS JOIN file b ON b.volume_id = a.volume_id AND b.path = a.path AND b.import_id = ?
    LEFT JOIN item t ON t.id = a.item_id LEFT JOIN failure e ON e.file_id = a.id
    WHERE h.import_id = ? AND h.id > ? AND b.outcome = {int(Outcome.TODO)}
"""


class Groups(Table):
    """The table `handed_on`, and queries about the imports of a group."""

    def hand_on(self, import_id: int, files: Iterable[tuple[int, SourceMetadata | None]]) -> list[Statement]:
        """The statement by which an import hands on files (id, facts) that it settles. facts: what was read
        besides the content; None if nothing was."""
        rows = [(import_id, id, msgspec.msgpack.encode(facts) if facts else None) for id, facts in files]
        return [("INSERT INTO handed_on (import_id, file_id, facts) VALUES (?, ?, ?)", rows)] if rows else []

    async def handed_on(self, other: int, import_id: int, after: int, count: int) -> list[HandedFile]:
        """Up to `count` files that `other` has settled and `import_id` has still to do, with a `number` beyond
        `after`, in the order in which they were settled."""
        rows = await self.database.read(
            "SELECT h.id, b.id, b.path, b.item_id, a.outcome, a.size, a.mtime_ns, a.kind, a.reason, h.facts, "
            f"t.id, t.path, t.xxh128, t.sha256, e.stage, e.side, e.code, e.detail {_HANDED} "
            "ORDER BY h.id LIMIT ?",
            (import_id, other, after, count),
        )
        return [HandedFile(*row) for row in rows]

    async def is_handed_on(self, other: int, import_id: int) -> bool:
        """Whether `import_id` can copy a file from the archive of `other`: `other` has archived one that
        `import_id` has still to do, and that is not known to be damaged. True, too, if `import_id` has no file to
        do."""
        rows = await self.database.read(
            f"SELECT 1 {_HANDED} AND h.facts IS NOT NULL AND a.outcome IN ({marks(len(IN_ARCHIVE))}) "
            "AND t.damage IS NULL LIMIT 1",
            (import_id, other, 0, *IN_ARCHIVE),
        )
        return bool(rows) or not await self.database.read(
            "SELECT 1 FROM file WHERE import_id = ? AND outcome = ? LIMIT 1", (import_id, Outcome.TODO)
        )

    async def listed_files(self, import_id: int, after: int, count: int) -> list[ListedFile]:
        """Up to `count` entries that an import has listed, beyond the id `after`, by id."""
        rows = await self.database.read(
            "SELECT f.id, f.path, f.stem, f.size, f.mtime_ns, f.kind, f.outcome, f.reason, "
            "f.sort, f.target, e.stage, e.code "
            "FROM file f LEFT JOIN failure e ON e.file_id = f.id WHERE f.import_id = ? AND f.id > ? "
            "ORDER BY f.id LIMIT ?",
            (import_id, after, count),
        )
        return [ListedFile(*row) for row in rows]

    async def forget_handed_on(self) -> None:
        """Delete the rows of imports whose whole group has ended, because nobody needs them any more."""
        sql = (
            "DELETE FROM handed_on WHERE import_id IN (SELECT i.id FROM import i WHERE i.together != '' "
            "AND NOT EXISTS (SELECT 1 FROM import o WHERE o.together = i.together AND o.together != '' "
            "AND o.state NOT IN (?, ?)))"
        )
        await self.database.run((sql, [ENDED]))

    async def found_verdict(self, import_id: int) -> FoundVerdict:
        """The verdict that an import has."""
        rows = await self.database.read(
            "SELECT verdict, verdict_reason, iif(accepted IS NULL, otherwise, ''), otherwise_reason, copies "
            "FROM import WHERE id = ?",
            (import_id,),
        )
        return msgspec.convert(rows[0], FoundVerdict)

    # Contents

    async def archives_together(self, together: str) -> list[int]:
        """Ids of the archives that a group imports into, in the order of its imports; none without a group."""
        if not together:
            return []
        rows = await self.database.read(
            "SELECT archive_id FROM import WHERE together = ? AND together != '' ORDER BY id", (together,)
        )
        return [id for (id,) in rows]

    async def awaiting_groups(self) -> list[str]:
        """Groups with an import that waits for copies to become SAFE."""
        rows = await self.database.read(
            "SELECT DISTINCT together FROM import WHERE together != '' AND copies > 0 "
            "AND (otherwise = '' OR accepted IS NOT NULL) ORDER BY together"
        )
        return [together for (together,) in rows]

    async def filled_together(self, archive_id: int) -> list[int]:
        """Ids of the other archives that groups imported into together with this one."""
        rows = await self.database.read(
            "SELECT DISTINCT o.archive_id FROM import i CROSS JOIN import o "
            "ON o.together = i.together AND o.together != '' "
            "WHERE i.archive_id = ?1 AND i.together != '' AND o.archive_id != ?1",
            (archive_id,),
        )
        return [id for (id,) in rows]

    async def saw_elsewhere(self, import_id: int, items: Iterable[int]) -> None:
        """Record that an import has seen on its card contents that other imports archived as these items."""
        sql = "INSERT OR IGNORE INTO elsewhere_item (import_id, item_id) VALUES (?, ?)"
        await self.database.run((sql, [(import_id, item) for item in items]))

    async def unnamed_elsewhere(self, import_id: int, first: int, last: int, archive_id: int) -> set[int]:
        """Of the items from `first` to `last` that `saw_elsewhere` has recorded of an import: those of which
        another archive has no file with a path, size and time that this import's archive knows of its card."""
        rows = await self.database.read(
            "SELECT e.item_id FROM elsewhere_item e CROSS JOIN import l ON l.id = e.import_id "
            "WHERE e.import_id = ? AND e.item_id BETWEEN ? AND ? AND NOT EXISTS ("
            "SELECT 1 FROM file a CROSS JOIN import i ON i.id = a.import_id AND i.archive_id = l.archive_id "
            "CROSS JOIN file b ON b.volume_id = a.volume_id AND b.path = a.path "
            "AND b.size = a.size AND b.mtime_ns = a.mtime_ns AND b.outcome IN (?, ?) "
            "CROSS JOIN import o ON o.id = b.import_id AND o.archive_id = ? "
            "WHERE a.item_id = e.item_id AND a.volume_id = l.volume_id)",
            (import_id, first, last, *IN_ARCHIVE, archive_id),
        )
        return {item for (item,) in rows}

    async def forget_elsewhere(self, import_id: int) -> None:
        """Delete what `saw_elsewhere` has recorded, because the import is about to list its card again."""
        await self.database.run(("DELETE FROM elsewhere_item WHERE import_id = ?", [(import_id,)]))

    async def seen_items(self, import_id: int, after: int, count: int) -> list[int]:
        """Up to `count` ids of items, beyond the id `after`, that an import saw on its card, whether it or another
        import archived them. An import that has ended in another catalog, or in an earlier version without being
        of a group, has only its own recorded."""
        rows = await self.database.read(
            "SELECT item_id FROM (SELECT DISTINCT item_id FROM file WHERE import_id = ?1 AND item_id > ?2 "
            "UNION SELECT item_id FROM elsewhere_item WHERE import_id = ?1 AND item_id > ?2) "
            "ORDER BY item_id LIMIT ?3",
            (import_id, after, count),
        )
        return [item for (item,) in rows]

    async def same_content(self, ids: Iterable[int], archive_id: int, copy: int = 0) -> list[tuple[int, Item]]:
        """(id, item): for each of the items `ids`, each item of the archive with the same content. Its `level`,
        `read_back` and `damage` are those in the copy with the number `copy`; 0: those of the item itself."""
        wanted, found = list(ids), []
        held = "t.level, t.read_back, t.damage" if not copy else "coalesce(c.level, ''), c.read_back, c.damage"
        joined = f"LEFT JOIN copy_item c ON c.item_id = t.id AND c.copy_id = {copy:d}" if copy else ""
        for at in range(0, len(wanted), MARKS):
            part = wanted[at : at + MARKS]
            rows = await self.database.read(
                "SELECT o.id, t.id, t.location_id, t.xxh128, t.sha256, t.size, t.kind, t.path, "  # noqa: S608
                f"{held} FROM item o CROSS JOIN item t {BY_DIGEST} ON t.archive_id = ? AND t.xxh128 = o.xxh128 "
                f"AND t.sha256 = o.sha256 AND t.size = o.size {joined} WHERE o.id IN ({marks(len(part))})",
                (archive_id, *part),
            )
            found += [(id, Item(*row)) for id, *row in rows]
        return found
