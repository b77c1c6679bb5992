"""Which items a name means."""

from contextlib import closing
from pathlib import Path

import pytest

from core.catalog import item_details
from core.catalog.files import NAME
from core.database import Database
from core.errors import UsageError
from core.sqlite import sqlite3
from tests.rigs import catalogs

NAMES = (
    b"card/DCIM/IMG_7001.JPG",
    b"card/DCIM/caf\xc3\xa9 x.jpg",
    b"card/a\xe9\xff-raw.jpg",
    b"card/b/7",
    b"card/xIMG_7001.JPG",
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("IMG_7001.JPG", [1]),
        ("DCIM/IMG_7001.JPG", [1]),
        ("card/DCIM/IMG_7001.JPG", [1]),
        ("caf\u00e9 x.jpg", [2]),
        ("a\udce9\udcff-raw.jpg", [3]),
        ("7", [4]),
        ("b/7", [4]),
        ("img_7001.jpg", []),
        ("MG_7001.JPG", []),
        ("gone.jpg", []),
    ],
)
async def test_by_the_end_of_a_path(tmp_path: Path, wanted: str, found: list[int]) -> None:
    path = catalogs.catalog(str(tmp_path), 12)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, name in enumerate(NAMES, 1):
            sql = (
                "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, "
                "reason) VALUES (?, 1, 1, ?, x'', 1, 0, 'images', 1, ?, NULL)"
            )
            connection.execute(sql, (100 + number, name, number))
            connection.execute(NAME, (f"[{100 + number}]",))
    database = await Database.open(str(tmp_path))
    try:
        if found:
            assert await item_details.find(database.read, wanted, b"/elsewhere") == found
        else:
            with pytest.raises(UsageError):
                await item_details.find(database.read, wanted, b"/elsewhere")
    finally:
        await database.close()
