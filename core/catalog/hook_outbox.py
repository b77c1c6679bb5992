"""Messages to hooks about the ends of imports that are not delivered yet: what one engine leaves, the next
delivers."""

from collections.abc import Sequence

import aiosqlite

from core.catalog.base import Table
from core.models import ENDED


class HookOutbox(Table):
    """The table `hook_outbox`, and the column `import.announced`, which is 0 from the beginning of an import on
    until its end is in that table."""

    async def announce(self, name: str, hooks: Sequence[str]) -> list[int]:
        """Enter an import that has ended, once for each of `hooks` (their keys). Returns the ids of the rows."""

        async def unit(connection: aiosqlite.Connection) -> list[int]:
            await connection.execute("UPDATE import SET announced = 1 WHERE name = ?", (name,))
            ids = []
            for hook in hooks:
                sql = "INSERT INTO hook_outbox (import, hook) VALUES (?, ?) RETURNING id"
                ids += [int(row[0]) for row in await connection.execute_fetchall(sql, (name, hook))]
            return ids

        return await self.database.write(unit)

    async def unannounced(self) -> list[str]:
        """The names of imports that have ended and are not in the table: their engine ended too early."""
        sql = "SELECT name FROM import WHERE announced = 0 AND state IN (?, ?) ORDER BY name"
        return [name for (name,) in await self.database.read(sql, ENDED)]

    async def outbox(self) -> list[tuple[int, str, str]]:
        """All messages to be delivered, oldest first: (id, name of the import, key of the hook)."""
        return [(id, name, hook) for id, name, hook in await self.database.read(_ALL)]

    async def delivered(self, id: int) -> None:
        """Delete a row, because its message was delivered, or cannot be."""
        await self.database.run(("DELETE FROM hook_outbox WHERE id = ?", [(id,)]))


_ALL = "SELECT id, import, hook FROM hook_outbox ORDER BY id"
