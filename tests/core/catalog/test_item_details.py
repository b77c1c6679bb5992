"""Which items a name means."""

from contextlib import closing
from pathlib import Path

import pytest

from core.catalog import item_details
from core.catalog.files import NAME
from core.database import Database
from core.errors import UsageError
from core.media.metadata import pack
from core.sqlite import sqlite3
from tests.rigs import catalogs
from tests.tui.console.streams import pipe
from tui.console import details

NAMES = (
    b"card/DCIM/IMG_7001.JPG",
    b"card/DCIM/caf\xc3\xa9 x.jpg",
    b"card/a\xe9\xff-raw.jpg",
    b"card/b/7",
    b"card/xIMG_7001.JPG",
)


async def test_the_exposure_of_an_item_is_told(tmp_path: Path) -> None:
    path = catalogs.catalog(str(tmp_path), 12)
    raw = pack(b'{"ExifIFD:ExposureTime":0.004,"ExifIFD:FNumber":2.8,"ExifIFD:ISO":200}')
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE metadata SET raw = ? WHERE item_id = 3", (raw,))
    database = await Database.open(str(tmp_path))
    try:
        found = [await item_details.item(database.read, id, raw=False) for id in (3, 4)]
    finally:
        await database.close()
    assert [one.exposure for one in found] == ["1/250 s, f/2.8, ISO 200", ""]
    out, told = pipe()
    for one in found:
        details.tell(one, out)
    assert [line.split(maxsplit=1) for line in told.getvalue().splitlines() if "exposure" in line] == [
        ["exposure", "1/250 s, f/2.8, ISO 200"]
    ]


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
