"""Pages of what failed, in an import of many files."""

import errno
from collections.abc import Sequence
from typing import Any

import pytest

from core.catalog import failures
from core.models import Outcome
from core.sqlite import sqlite3
from tests.rigs.catalogs import migrate

CAUSE = "source: Input/output error"
FILES = 5_000


class Plain:
    """A catalog with one import, every second file of which has failed; what was asked is kept."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        migrate(self.connection)
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
            "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, "
            "reason) VALUES (?, 1, 1, ?, x'', 10, 1, 'other', ?, NULL, ?)",
            (
                (number, b"r/%05d" % number, Outcome.FAILED, CAUSE)
                if number % 2
                else (number, b"r/%05d" % number, Outcome.ARCHIVED, None)
                for number in range(1, FILES + 1)
            ),
        )
        self.connection.executemany(
            "INSERT INTO failure VALUES (?, 'read', ?, 'source', ?, ?)",
            ((n, 3 if n == 1 else 1, errno.EIO, f"at byte {n:,}") for n in range(1, FILES + 1, 2)),
        )

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
        assert len(page) <= failures.PAGE
        found += [one.id for one in page]
    assert found == list(range(1, FILES + 1, 2))
    for sql, parameters in plain.asked:
        plan = plain.connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
        assert not any("TEMP B-TREE" in step[-1] or "SCAN f" in step[-1] for step in plan), plan


async def test_a_cause_with_all_that_is_known_of_it(plain: Plain) -> None:
    (group,) = await failures.groups(plain.read, "2025", lambda side, code: f"{side} {code}")
    assert (group.cause, group.count, group.stage, group.attempts) == (CAUSE, FILES // 2, "read", 3)
    assert (group.advice, group.newest) == (f"source {errno.EIO}", f"{FILES - 1:05}")
    first = (await failures.page(plain.read, "2025", CAUSE, 0))[0]
    assert (first.path, first.stage, first.attempts) == ("/c/00001", "read", 3)
    assert (first.cause, first.detail) == (CAUSE, "at byte 1")
