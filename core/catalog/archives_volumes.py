"""Archives with their locations and journals, and the volumes that sources lie on."""

import time

from core.catalog.base import NOW, Table
from core.catalog.rows import SeenVolume
from core.media.metadata import RULES


class Places(Table):
    """The tables of archives, volumes, locations and journals."""

    async def archive(
        self, uuid: str, path: bytes, volume: str = "", root: bytes = b"", fsid: str = "", mark: str = ""
    ) -> int:
        """Insert or update the archive's row, and return its id: its copy in use was seen now, at `path`.

        `root` is its path on the volume of identity `volume`; both are empty where the volume could not be
        identified.
        """
        return await self._one(
            "INSERT INTO archive (uuid, path, volume, root, fsid, mark, seen, rules) "  # noqa: S608
            f"VALUES (?, ?, ?, ?, ?, ?, {NOW}, ?) "
            # The volume's recorded identity is kept when the system does not report one this time.
            "ON CONFLICT (uuid) DO UPDATE SET path = excluded.path, volume = CASE WHEN excluded.volume = '' "
            "AND excluded.root = archive.root THEN archive.volume ELSE excluded.volume END, "
            "root = excluded.root, fsid = excluded.fsid, mark = excluded.mark, seen = excluded.seen RETURNING id",
            (uuid, path, volume, root, fsid, mark, time.time(), RULES),
        )

    async def archive_at(self, path: bytes) -> int | None:
        """The row id of the archive whose copy in use was last seen at `path`; None when there is none."""
        query = "SELECT id FROM archive WHERE path = ? ORDER BY seen DESC, id DESC LIMIT 1"
        rows = await self.database.read(query, (path,))
        return rows[0][0] if rows else None

    async def archive_on(self, id: int) -> tuple[str, bytes] | None:
        """(identity of the volume on which an archive was last seen, its path there); None when the volume is not
        known."""
        rows = await self.database.read("SELECT volume, root FROM archive WHERE id = ? AND volume <> ''", (id,))
        return rows[0] if rows else None

    async def uuid_at(self, path: bytes) -> str:
        """The id of the archive that was last seen at `path`; empty when none was."""
        query = "SELECT uuid FROM archive WHERE path = ? ORDER BY seen DESC, id DESC LIMIT 1"
        rows = await self.database.read(query, (path,))
        return rows[0][0] if rows else ""

    async def volume(self, identity: str, name: str, filesystem: str, capacity: int | None) -> int:
        """Insert or update the volume's row, and return its id."""
        return await self._one(
            "INSERT INTO volume (identity, name, filesystem, capacity) VALUES (?, ?, ?, ?) ON CONFLICT (identity) "
            "DO UPDATE SET name = excluded.name, filesystem = excluded.filesystem, "
            "capacity = coalesce(excluded.capacity, capacity) RETURNING id",
            (identity, name, filesystem, capacity),
        )

    async def seen_volume(self, id: int) -> SeenVolume:
        """What a volume was when it was seen last."""
        rows = await self.database.read(
            "SELECT identity, name, filesystem, capacity FROM volume WHERE id = ?", (id,)
        )
        return SeenVolume(*rows[0])

    async def volume_id(self, identity: str) -> int | None:
        """The volume's row id; None if it was never seen."""
        rows = await self.database.read("SELECT id FROM volume WHERE identity = ?", (identity,))
        return rows[0][0] if rows else None

    async def location(self, archive_id: int, folder: str, name: str) -> int:
        """The row id of the location with this folder, inserted if missing. The folder never changes. An existing
        row keeps its name, because a journal may hold an older name from before the location was renamed."""
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
        """By journal name: the bytes of it that have been replayed into the catalog."""
        return dict(
            await self.database.read("SELECT name, read_to FROM journal WHERE archive_id = ?", (archive_id,))
        )

    async def read_journal(self, archive_id: int, name: str, read_to: int) -> None:
        """Record that `read_to` bytes of a journal have been replayed."""
        await self.database.run(
            (
                "INSERT OR REPLACE INTO journal (archive_id, name, read_to) VALUES (?, ?, ?)",
                [(archive_id, name, read_to)],
            )
        )
