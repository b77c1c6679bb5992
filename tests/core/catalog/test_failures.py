"""Pages of what failed, in an import of many files."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from core.catalog import failures
from core.models import Outcome
from core.schema import MIGRATIONS

CAUSE = "source: Input/output error"
FILES = 5_000


class Plain:
    """A catalog with one import, every second file of which has failed; what was asked is kept."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        for migration in MIGRATIONS:
            self.connection.executescript(migration)
        self.asked: list[tuple[str, Sequence[Any]]] = []
        run = self.connection.execute
        run("INSERT INTO archive (id, uuid, path) VALUES (1, 'u', x'2f61')")
        run("INSERT INTO location (id, archive_id, folder, name) VALUES (1, 1, 'f', 'L')")
        run("INSERT INTO volume VALUES (1, 'v', 'v', 'ext4', 1)")
        run(
            "INSERT INTO import (id, name, archive_id, location_id, volume_id, root, source, single, options, "
            "machine, version, state, started, zone) "
            "VALUES (1, '2025', 1, 1, 1, x'72', x'2f63', x'', '{}', 'm', '1', 'done', 1, '+00:00')"
        )
        self.connection.executemany(
            "INSERT INTO file VALUES (?, 1, 1, ?, x'', 10, 1, 'other', ?, NULL, ?)",
            (
                (number, b"r/%05d" % number, Outcome.FAILED, CAUSE)
                if number % 2
                else (number, b"r/%05d" % number, Outcome.ARCHIVED, None)
                for number in range(1, FILES + 1)
            ),
        )
        run("INSERT INTO failure VALUES (1, 'read', 3)")

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """As the database's."""
        self.asked.append((sql, parameters))
        return self.connection.execute(sql, parameters).fetchall()


@pytest.fixture
def plain() -> Plain:
    return Plain()


async def test_pages_meet_and_none_sorts(plain: Plain) -> None:
    found: list[int] = []
    while page := await failures.page(plain.read, "2025", CAUSE, len(found)):
        assert len(page) <= failures.MOST
        found += [one.id for one in page]
    assert found == list(range(1, FILES + 1, 2))
    for sql, parameters in plain.asked:
        plan = plain.connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
        assert not any("TEMP B-TREE" in step[-1] or "SCAN f" in step[-1] for step in plan), plan


async def test_a_cause_with_all_that_is_known_of_it(plain: Plain) -> None:
    (group,) = await failures.groups(plain.read, "2025", lambda cause: f"about {cause}")
    assert (group.cause, group.count, group.stage, group.attempts) == (CAUSE, FILES // 2, "read", 3)
    assert (group.advice, group.newest) == (f"about {CAUSE}", f"{FILES - 1:05}")
    first = (await failures.page(plain.read, "2025", CAUSE, 0))[0]
    assert (first.path, first.stage, first.attempts) == ("/c/00001", "read", 3)
