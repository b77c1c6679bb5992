"""What the parts of the catalog share."""

from collections.abc import Sequence

import aiosqlite

from core.database import Database


class Table:
    """Some tables of the catalog. Reads see committed rows only; writes return once they are committed."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def _one(self, sql: str, parameters: Sequence[object]) -> int:
        """Write, and give the number that the statement returns."""

        async def unit(connection: aiosqlite.Connection) -> int:
            rows = await connection.execute_fetchall(sql, parameters)
            return int(next(iter(rows))[0])

        return await self.database.write(unit)
