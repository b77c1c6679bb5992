"""What finds statements that go through large tables, on examples of both."""

from pathlib import Path

import pytest

from core.catalog.item_details import find
from core.database import Database
from core.errors import UsageError
from core.queue import barriers
from tests import query_plans
from tests.query_plans import fault


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT item_id FROM file WHERE path = ?",
        "SELECT f.item_id FROM import i JOIN file AS f WHERE f.reason = i.reason",
        "SELECT id FROM item WHERE archive_id = ? AND size = ?",
        "UPDATE job SET state = 'ready' WHERE error = ?",
        "DELETE FROM link WHERE role = ?",
    ],
)
def test_what_goes_through_a_large_table_is_told(sql: str) -> None:
    assert fault(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT item_id FROM file WHERE id = ?",
        "SELECT name FROM location",
        "SELECT id FROM item WHERE archive_id = ? AND xxh128 = ?",
        "SELECT count(*) FROM job WHERE state IN ('waiting', 'ready', 'claimed')",
        "SELECT path FROM held",
        "PRAGMA optimize",
    ],
)
def test_what_does_not_is_fine(sql: str) -> None:
    assert not fault(sql)


async def test_what_the_program_executes_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explained: dict[str, str] = {}
    monkeypatch.setattr(query_plans, "_explained", explained)
    database = await Database.open(str(tmp_path))
    try:
        await database.read("SELECT id FROM file WHERE path = x''")
        assert explained == {}  # a test's own
        with pytest.raises(UsageError):
            await find(database.read, "IMG_0001.JPG", b"/card/IMG_0001.JPG")
        await barriers.open_one(database, 1)
    finally:
        await database.close()
    assert any("file_name" in sql for sql in explained)
    assert any("barrier" in sql for sql in explained)
