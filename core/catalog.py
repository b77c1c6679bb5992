"""What the archive holds and where it came from: every SQL statement of the importing side."""

import itertools
import json
import os
from collections.abc import Iterable, Sequence

import aiosqlite
import msgspec

from core.database import Database, Row
from core.models import ImportRequest, Outcome, State, Verdict

MARKS = 500
"""Values in one `IN (…)`."""


class SeenRow(msgspec.Struct, frozen=True, array_like=True):
    """A file row that bears the path of an entry just listed."""

    path: bytes
    import_id: int
    id: int
    size: int
    mtime_ns: int
    outcome: int
    item_id: int | None


class FileRow(msgspec.Struct, array_like=True):
    """A new or changed file row."""

    id: int
    import_id: int
    volume_id: int
    path: bytes
    stem: bytes
    size: int
    mtime_ns: int
    kind: str
    outcome: int
    item_id: int | None
    reason: str | None


class Item(msgspec.Struct, array_like=True):
    """One content in the archive."""

    id: int
    location_id: int
    xxh128: bytes
    sha256: bytes
    size: int
    kind: str
    path: str
    level: str
    read_back: float | None
    damage: str | None = None


class ImportRow(msgspec.Struct, array_like=True):
    """One import as the database has it."""

    id: int
    name: str
    archive_id: int
    archive_uuid: str
    archive_path: bytes
    location_id: int
    location_folder: str
    location_name: str
    volume_id: int
    volume_identity: str
    root: bytes
    source: bytes
    single: bytes
    options: str
    state: str
    reason: str
    advice: str
    listed: int
    started: float
    ended: float | None
    verdict: str
    verdict_reason: str
    receipt: str
    runs: int
    machine: str
    zone: str

    def request(self) -> ImportRequest:
        """What was asked for."""
        return msgspec.convert(json.loads(self.options), ImportRequest)

    @staticmethod
    def options_of(request: ImportRequest) -> str:
        """As the database holds it. The standard library's JSON: it keeps escaped bytes of a path."""
        return json.dumps(msgspec.to_builtins(request))


_IMPORTS = """
    SELECT i.id, i.name, a.id, a.uuid, a.path, l.id, l.folder, l.name, v.id, v.identity, i.root, i.source,
           i.single, i.options, i.state, i.reason, i.advice, i.listed, i.started, i.ended, i.verdict,
           i.verdict_reason, i.receipt, i.runs, i.machine, i.zone
    FROM import i JOIN archive a ON a.id = i.archive_id JOIN location l ON l.id = i.location_id
         JOIN volume v ON v.id = i.volume_id
"""


def _marks(count: int) -> str:
    return ",".join("?" * count)


def _parts(values: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    return (values[at : at + MARKS] for at in range(0, len(values), MARKS))


class Catalog:
    """Reads committed rows, writes by the batch; hands out the numbers of new rows, being the only writer."""

    def __init__(self, database: Database, files: int, items: int) -> None:
        self.database = database
        self._files = itertools.count(files + 1)
        self._items = itertools.count(items + 1)

    @classmethod
    async def open(cls, database: Database) -> "Catalog":
        """The catalog in `database`."""
        rows = await database.read("SELECT (SELECT max(id) FROM file), (SELECT max(id) FROM item)")
        return cls(database, rows[0][0] or 0, rows[0][1] or 0)

    def new_file_id(self) -> int:
        """A number no file row has had."""
        return next(self._files)

    def new_item_id(self) -> int:
        """A number no item row has had."""
        return next(self._items)

    # What imports belong to

    async def archive(self, uuid: str, path: bytes) -> int:
        """The archive's row, made or brought up to date."""
        return await self._one(
            "INSERT INTO archive (uuid, path) VALUES (?, ?) "
            "ON CONFLICT (uuid) DO UPDATE SET path = excluded.path RETURNING id",
            (uuid, path),
        )

    async def volume(self, identity: str, name: str, filesystem: str, capacity: int | None) -> int:
        """The volume's row, made or brought up to date."""
        return await self._one(
            "INSERT INTO volume (identity, name, filesystem, capacity) VALUES (?, ?, ?, ?) ON CONFLICT (identity) "
            "DO UPDATE SET name = excluded.name, filesystem = excluded.filesystem, "
            "capacity = coalesce(excluded.capacity, capacity) RETURNING id",
            (identity, name, filesystem, capacity),
        )

    async def volume_id(self, identity: str) -> int | None:
        """The volume's row, if it was ever seen."""
        rows = await self.database.read("SELECT id FROM volume WHERE identity = ?", (identity,))
        return rows[0][0] if rows else None

    async def held(self, archive_id: int, after: int) -> tuple[int, int]:
        """Items of an archive beyond the id `after`, and their bytes."""
        rows = await self.database.read(
            "SELECT count(*), coalesce(sum(size), 0) FROM item WHERE archive_id = ? AND id > ?",
            (archive_id, after),
        )
        return rows[0][0], rows[0][1]

    async def location(self, archive_id: int, folder: str, name: str) -> int:
        """The location's row in its archive, by its folder, which never changes."""
        return await self._one(
            "INSERT INTO location (archive_id, folder, name) VALUES (?, ?, ?) ON CONFLICT (archive_id, folder) "
            "DO UPDATE SET name = excluded.name RETURNING id",
            (archive_id, folder, name),
        )

    async def locations(self, archive_id: int) -> list[tuple[str, str]]:
        """(folder, name) of every location of an archive."""
        rows = await self.database.read("SELECT folder, name FROM location WHERE archive_id = ?", (archive_id,))
        return [(folder, name) for folder, name in rows]

    async def _one(self, sql: str, parameters: Sequence[object]) -> int:
        async def unit(connection: aiosqlite.Connection) -> int:
            rows = await connection.execute_fetchall(sql, parameters)
            return int(next(iter(rows))[0])

        return await self.database.write(unit)

    async def new_import(self, values: dict[str, object]) -> int:
        """A new import row; `values` by column."""
        columns = ", ".join(values)
        sql = f"INSERT INTO import ({columns}) VALUES ({_marks(len(values))}) RETURNING id"  # noqa: S608
        return await self._one(sql, list(values.values()))

    async def imports(self, where: str = "", parameters: Sequence[object] = ()) -> list[ImportRow]:
        """Imports, oldest first; `where` is a condition on i (import) and a (archive)."""
        sql = _IMPORTS + (f" WHERE {where}" if where else "") + " ORDER BY i.id"
        return [msgspec.convert(row, ImportRow) for row in await self.database.read(sql, parameters)]

    async def set_import(self, import_id: int, **values: object) -> None:
        """Change columns of an import."""
        columns = ", ".join(f"{name} = ?" for name in values)
        await self.database.run((f"UPDATE import SET {columns} WHERE id = ?", [[*values.values(), import_id]]))  # noqa: S608

    async def set_state(self, import_id: int, state: State, reason: str = "", advice: str = "") -> None:
        """Change an import's state."""
        await self.set_import(import_id, state=state, reason=reason, advice=advice)

    async def journals(self, archive_id: int) -> dict[str, int]:
        """How much of each journal the catalog knows, in bytes, by name."""
        return dict(
            await self.database.read("SELECT name, read_to FROM journal WHERE archive_id = ?", (archive_id,))
        )

    async def read_journal(self, archive_id: int, name: str, read_to: int) -> None:
        """The catalog knows `read_to` bytes of a journal now."""
        await self.database.run(
            (
                "INSERT OR REPLACE INTO journal (archive_id, name, read_to) VALUES (?, ?, ?)",
                [(archive_id, name, read_to)],
            )
        )

    async def last_receipt(self, archive_id: int) -> str:
        """The SHA-256 of the receipt of the import into this archive that ended last; empty when there is none."""
        rows = await self.database.read(
            "SELECT receipt FROM import WHERE archive_id = ? AND receipt != '' ORDER BY ended DESC LIMIT 1",
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

    # Files

    async def seen(self, volume_id: int, paths: Sequence[bytes]) -> dict[bytes, list[SeenRow]]:
        """All rows, of any import, that bear these paths on this volume; newest last."""
        found: dict[bytes, list[SeenRow]] = {}
        for part in _parts(paths):
            sql = (
                "SELECT path, import_id, id, size, mtime_ns, outcome, item_id FROM file "  # noqa: S608
                f"WHERE volume_id = ? AND path IN ({_marks(len(part))}) ORDER BY id"
            )
            for row in await self.database.read(sql, (volume_id, *part)):
                found.setdefault(row[0], []).append(SeenRow(*row))
        return found

    async def enter(
        self, new: Iterable[FileRow], changed: Iterable[FileRow], folders: Iterable[tuple[int, bytes, int]]
    ) -> None:
        """Rows of entries just listed."""
        await self.database.run(
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

    async def settle(
        self,
        items: Iterable[tuple[int, Item]],
        files: Iterable[tuple[int, Outcome, int | None, str | None, int, int | None, str]],
    ) -> None:
        """One batch's results: (archive, item) made or brought up to date, then (id, outcome, item, reason, size,
        mtime, kind) of files."""
        await self.database.run(
            (
                "INSERT INTO item (id, archive_id, location_id, xxh128, sha256, size, kind, path, level, "
                "read_back) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "location_id = excluded.location_id, path = excluded.path, level = excluded.level, "
                "read_back = excluded.read_back, damage = NULL",
                [
                    (
                        i.id,
                        archive,
                        i.location_id,
                        i.xxh128,
                        i.sha256,
                        i.size,
                        i.kind,
                        i.path,
                        i.level,
                        i.read_back,
                    )
                    for archive, i in items
                ],
            ),
            (
                "UPDATE file SET outcome = ?, item_id = ?, reason = ?, size = ?, "
                "mtime_ns = coalesce(?, mtime_ns), kind = ? WHERE id = ?",
                [(out, item, why, size, mtime, kind, id) for id, out, item, why, size, mtime, kind in files],
            ),
        )

    async def files(self, import_id: int, after: int, count: int) -> list[FileRow]:
        """Files of an import, by id."""
        rows = await self.database.read(
            "SELECT id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, reason "
            "FROM file WHERE import_id = ? AND id > ? ORDER BY id LIMIT ?",
            (import_id, after, count),
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
        for part in _parts(stems):
            sql = f"SELECT stem, id, path FROM file WHERE import_id = ? AND stem IN ({_marks(len(part))})"  # noqa: S608
            for stem, number, path in await self.database.read(sql, (import_id, *part)):
                found.setdefault(stem, []).append((number, path))
        return found

    async def link(self, links: Iterable[tuple[int, int, str]]) -> None:
        """Record that files belong to others: (file, owner, role)."""
        await self.database.run(("INSERT OR REPLACE INTO link (file_id, owner_id, role) VALUES (?, ?, ?)", links))

    # Items

    async def known(self, archive_id: int, location_id: int | None, hashes: Sequence[bytes]) -> list[Item]:
        """Items of an archive, or of one location, with one of these XXH3-128."""
        found: list[Item] = []
        for part in _parts(hashes):
            sql = (
                "SELECT id, location_id, xxh128, sha256, size, kind, path, level, read_back, damage FROM item "  # noqa: S608
                f"WHERE archive_id = ? AND (? IS NULL OR location_id = ?) AND xxh128 IN ({_marks(len(part))})"
            )
            rows = await self.database.read(sql, (archive_id, location_id, location_id, *part))
            found += [Item(*row) for row in rows]
        return found

    async def items(self, ids: Iterable[int], archive_id: int) -> dict[int, Item]:
        """Items of an archive by id."""
        wanted, found = list(ids), {}
        for at in range(0, len(wanted), MARKS):
            part = wanted[at : at + MARKS]
            sql = (
                "SELECT id, location_id, xxh128, sha256, size, kind, path, level, read_back, damage FROM item "  # noqa: S608
                f"WHERE archive_id = ? AND id IN ({_marks(len(part))})"
            )
            rows = await self.database.read(sql, (archive_id, *part))
            found.update({row[0]: Item(*row) for row in rows})
        return found

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
            "SELECT id, location_id, xxh128, sha256, size, kind, path, level, read_back, damage FROM item "
            "WHERE archive_id = ? AND id > ? ORDER BY id LIMIT ?",
            (archive_id, after, count),
        )
        return [Item(*row) for row in rows]

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


def below(root: bytes, path: bytes) -> bytes:
    """`path`, which lies below `root`, as seen from `root`; both relative to one volume."""
    return path[len(root) + 1 :] if root else path


def beside(root: bytes, path: bytes) -> bytes:
    """The reverse of `below`."""
    return os.path.join(root, path) if root and path else root or path


__all__ = ["Catalog", "FileRow", "ImportRow", "Item", "SeenRow", "Verdict"]
