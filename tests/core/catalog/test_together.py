"""Statements for many rows have the same effect as the single-row statements."""

from contextlib import closing

import pytest

from core.catalog.base import ROWS_TOGETHER, together
from core.database import Statement
from core.sqlite import sqlite3

INSERT = "INSERT INTO t (id, x) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET x = excluded.x"
UPDATE = "UPDATE t SET x = new.column1 FROM (VALUES (?, ?)) AS new WHERE t.id = new.column2"


def after(statements: list[Statement]) -> list[tuple[int, bytes | None]]:
    """The rows of the table after these statements."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)")
        connection.execute("INSERT INTO t VALUES (3, x'00'), (1000, x'01')")
        for sql, rows in statements:
            connection.executemany(sql, rows)
        return list(connection.execute("SELECT id, x FROM t ORDER BY id"))


@pytest.mark.parametrize(
    "count", [0, 1, ROWS_TOGETHER - 1, ROWS_TOGETHER, ROWS_TOGETHER + 1, 3 * ROWS_TOGETHER + 2]
)
def test_the_same_as_row_by_row(count: int) -> None:
    made = [(number, b"%d" % number if number % 3 else None) for number in range(count)]
    changed = [(b"new %d" % number, number) for number in range(0, count, 2)]
    one_by_one = after([(INSERT, made), (UPDATE, changed)])
    assert after([*together(INSERT, made), *together(UPDATE, changed)]) == one_by_one
    assert all(rows for _, rows in together(INSERT, made))


def test_most_rows_share_a_statement() -> None:
    (many, joined), (one, rest) = together(INSERT, [(number, None) for number in range(2 * ROWS_TOGETHER + 5)])
    assert (len(joined), many.count("(?, ?)")) == (2, ROWS_TOGETHER)
    assert (one, len(rest)) == (INSERT, 5)
