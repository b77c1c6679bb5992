"""Archives with their locations and journals, and the volumes that sources lie on."""

import time

from core.catalog.table import Table


class Places(Table):
    """What imports belong to."""

    async def archive(self, uuid: str, path: bytes, volume: str = "", root: bytes = b"") -> int:
        """The archive's row, made or brought up to date: it was seen now, at `path`.

        It lies at `root` on the volume of that identity.
        """
        return await self._one(
            "INSERT INTO archive (uuid, path, volume, root, seen) VALUES (?, ?, ?, ?, ?) ON CONFLICT (uuid) "
            "DO UPDATE SET path = excluded.path, volume = excluded.volume, root = excluded.root, "
            "seen = excluded.seen RETURNING id",
            (uuid, path, volume, root, time.time()),
        )

    async def archive_at(self, path: bytes) -> int | None:
        """The archive that was last seen at `path`."""
        query = "SELECT id FROM archive WHERE path = ? ORDER BY seen DESC, id DESC LIMIT 1"
        rows = await self.database.read(query, (path,))
        return rows[0][0] if rows else None

    async def archive_on(self, id: int) -> tuple[str, bytes] | None:
        """The identity of the volume on which an archive was last seen, and where it lies on that."""
        rows = await self.database.read("SELECT volume, root FROM archive WHERE id = ? AND volume <> ''", (id,))
        return rows[0] if rows else None

    async def archive_known(self, uuid: str) -> int | None:
        """The archive with this id, if it was ever opened."""
        rows = await self.database.read("SELECT id FROM archive WHERE uuid = ?", (uuid,))
        return rows[0][0] if rows else None

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

    async def location(self, archive_id: int, folder: str, name: str) -> int:
        """The location's row in its archive, by its folder, which never changes; one that is known keeps its name,
        which a journal may have from before it was renamed."""
        return await self._one(
            "INSERT INTO location (archive_id, folder, name) VALUES (?, ?, ?) ON CONFLICT (archive_id, folder) "
            "DO UPDATE SET name = location.name RETURNING id",
            (archive_id, folder, name),
        )

    async def locations(self, archive_id: int) -> list[tuple[str, str]]:
        """(folder, name) of every location of an archive."""
        rows = await self.database.read("SELECT folder, name FROM location WHERE archive_id = ?", (archive_id,))
        return [(folder, name) for folder, name in rows]

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
