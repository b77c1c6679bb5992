"""Base class of the parts of the catalog, and statements for many rows."""

from collections.abc import Sequence
from typing import Any

import aiosqlite

from core.database import Database, Statement

_SEEN = "SELECT seen FROM archive UNION ALL SELECT seen FROM copy"
NOW = f"max(?, (SELECT coalesce(max(seen), 0) + 0.001 FROM ({_SEEN})))"  # noqa: S608 - our own
"""SQL of the column `seen`, for the time: always after all that was seen before, whatever the clock said then."""


class Table:
    """Some tables of the catalog. Reads see committed rows only; writes return once they are committed."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def _one(self, sql: str, parameters: Sequence[object]) -> int:
        """Execute a statement with RETURNING, and return the number that it gives."""

        async def unit(connection: aiosqlite.Connection) -> int:
            rows = await connection.execute_fetchall(sql, parameters)
            return int(next(iter(rows))[0])

        return await self.database.write(unit)


ROWS_TOGETHER = 32
"""Rows in one statement of `together`."""


def together(sql: str, rows: Sequence[Sequence[Any]]) -> list[Statement]:
    """Statements that insert ROWS_TOGETHER rows at a time, made from `sql`, which inserts one row by its only
    `VALUES (?, …)`. This is faster than `executemany`, which releases and takes the interpreter's lock for each
    row.
    """
    if len(rows) < ROWS_TOGETHER:
        return [(sql, rows)] if rows else []
    marks = f"({', '.join('?' * len(rows[0]))})"
    whole = len(rows) // ROWS_TOGETHER * ROWS_TOGETHER
    joined = [
        [value for row in rows[at : at + ROWS_TOGETHER] for value in row] for at in range(0, whole, ROWS_TOGETHER)
    ]
    many = sql.replace(f"VALUES {marks}", "VALUES " + ", ".join([marks] * ROWS_TOGETHER))
    return [(many, joined), *([(sql, rows[whole:])] if whole < len(rows) else [])]
