"""Searching: what a query finds, and that an index leads there."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from core import schema
from core.catalog import browse, leads
from core.database import Database
from core.errors import UsageError
from core.receipts.lookup import Read
from core.schema import FILE
from tests.rigs import catalogs

FILES = 12_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return catalogs.catalog(str(tmp_path_factory.mktemp("catalog")), FILES)


@pytest.fixture
async def read(path: str) -> AsyncIterator[Read]:
    connection = await aiosqlite.connect(path)

    async def rows(sql: str, parameters: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.execute_fetchall(sql, parameters)]

    yield rows
    await connection.close()


def expected(**wanted: object) -> int:
    """How many files there are of a kind, a name, a card, a day or a camera."""

    def fits(number: int) -> bool:
        name = catalogs.NAMES[number % 4].format(number // 4 % 9999 + 1).lower()
        card = number // catalogs.PER_CARD + 1
        facts = {
            "kind": catalogs.KINDS[number % 4],
            "card": card,
            "day": f"{catalogs.day(number):%Y-%m-%d}",
            "camera": catalogs.CAMERAS[card % 4][0] if number % 4 != 1 else "",
        }
        named = re.search(str(wanted.get("name", "")), name)
        return named is not None and all(facts[key] == value for key, value in wanted.items() if key != "name")

    return sum(map(fits, range(FILES)))


CASES: list[tuple[str, dict[str, object]]] = [
    ("C0007", {"name": "c0007"}),
    ("c0007*", {"name": r"/c0007[^/]*$"}),
    ("C000[78].mp4", {"name": r"/c000[78]\.mp4$"}),
    ("clip/*m01.xml", {"name": r"m01\.xml"}),
    ("7.mp", {"name": r"7\.mp"}),
    ("07", {"name": "07"}),
    ('"100MSDCF/DSC" 0100', {"name": r"100msdcf/dsc.*0100"}),
    ("2015-01-07", {"day": "2015-01-07"}),
    ("date:2015-01-07..2015-01-12", {"day": "2015-01-07"}),
    ("..2015-01-01", {"day": "2015-01-01"}),
    ("camera:sony", {"camera": "SONY"}),
    ("eos kind:images", {"camera": "Canon", "kind": "images"}),
    ('location:"Mill Creek 3"', {"card": 3}),
    ("card:a005 kind:sidecars", {"card": 5, "kind": "sidecars"}),
    ("import:IMPORT-000002", {"card": 2}),
    ("a002", {"card": 2}),
    ("kind:video camera:gopro 2015-01-07", {"kind": "videos", "camera": "GoPro", "day": "2015-01-07"}),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
async def test_what_a_query_finds(read: Read, text: str, wanted: dict[str, object]) -> None:
    total, more, files = await browse.page(read, "", (), text, 0)
    assert (total, more) == (expected(**wanted), False)
    assert total
    assert len({file.id for file in files}) == min(total, browse.MOST)


@pytest.mark.parametrize(
    "text", ["nothing-like-it", "kind:audio", "camera:leica", "import:x", "date:2014", "hash:" + "0" * 33]
)
async def test_what_is_not_there(read: Read, text: str) -> None:
    assert await browse.page(read, "", (), text, 0) == (0, False, [])


@pytest.mark.parametrize(
    "text", ["kind:paintings", "date:yesterday", "date:2015-02-30", "hash:xyz", "date:..", "date:9999..0000"]
)
async def test_what_makes_no_sense(read: Read, text: str) -> None:
    with pytest.raises(UsageError):
        await browse.page(read, "", (), text, 0)


async def test_by_the_beginning_of_either_digest(read: Read) -> None:
    ((id, xxh128, sha256),) = await read("SELECT id, xxh128, sha256 FROM item WHERE id = 777", ())
    for digest in (xxh128.hex(), sha256.hex()):
        for length in (9, 17, len(digest)):
            _, _, (file,) = await browse.page(read, "", (), f"hash:{digest[:length].upper()}", 0)
            assert file.id == id
    _, _, (file,) = await browse.page(read, "", (), sha256.hex(), 0)
    assert (file.xxh128, file.sha256) == (xxh128.hex(), sha256.hex())


async def test_pages_hold_every_file_once_and_are_counted_as_far_as_anybody_reads(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "COUNTED", 1000)
    for text in ("", "kind:images", "2015", "dsc", "card:a eos"):
        found: list[int] = []
        total, more, _ = await browse.page(read, "", (), text, 0)
        assert (total, more) == (1000, True)
        for offset in range(0, total, browse.MOST):
            found += [file.id for file in (await browse.page(read, "", (), text, offset))[2]]
        assert len(set(found)) == len(found) == 1000, text
    total, more, files = await browse.page(read, "import-000003", (), "", 0)
    assert (total, more) == (catalogs.PER_CARD, False)
    assert [file.id for file in files] == sorted(file.id for file in files)
    total, _, files = await browse.page(read, "import-000003", (), "c0* mp4", 0)
    assert total == expected(card=3, name="/c0.*mp4$")
    assert [file.id for file in files] == sorted(file.id for file in files)


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("text", [text for text, _ in CASES if text != "07"] + ["hash:00", "a002 2015-01 07"])
async def test_no_query_reads_a_whole_table(
    read: Read, text: str, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What leads to many is a way to few, too: the plans of both are looked at."""
    if not few:
        monkeypatch.setattr(leads, "ENOUGH", 1)
    plans: list[str] = []

    async def explained(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        plans.extend(row[3] for row in await read(f"EXPLAIN QUERY PLAN {sql}", parameters))
        return await read(sql, parameters)

    await browse.page(explained, "", (), text, 0)
    whole = [step for step in plans if re.match(r"SCAN (f|m|t|file|item|metadata)\b", step)]
    assert not whole
    assert any("SEARCH" in step or "VIRTUAL TABLE INDEX" in step for step in plans)


async def test_a_kind_beside_a_camera_is_told_by_one_index_alone(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sidecar has a camera, so all that the camera took is looked at: no row of a file is."""
    monkeypatch.setattr(leads, "ENOUGH", 1)
    plans: list[list[str]] = []

    async def explained(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        plans.append([row[3] for row in await read(f"EXPLAIN QUERY PLAN {sql}", parameters)])
        return await read(sql, parameters)

    assert expected(camera="Canon", kind="images")
    assert await browse.page(explained, "", (), "camera:canon kind:sidecars", 0) == (0, False, [])
    found = plans[-2]  # the last one is for the page
    camera = found.index("SEARCH m USING INDEX metadata_camera (camera=?)")
    assert found[camera + 1] == "SEARCH f USING COVERING INDEX file_item (item_id=? AND kind=?)"


async def test_names_beyond_ascii_are_found_however_they_are_written(tmp_path: Path) -> None:
    path = catalogs.catalog(str(tmp_path), 4)
    with closing(sqlite3.connect(path)) as connection, connection:
        for id, name in enumerate(("Caf\u00e9.jpg", "Cafe\u0301 2.jpg"), 101):
            sql = "INSERT INTO file VALUES (?, 1, 1, ?, x'', 1, 0, 'images', 1, NULL, NULL)"
            connection.execute(sql, (id, b"card/" + name.encode()))
        connection.execute(sql, (103, b"card/latin1-caf\xe9\xff.jpg"))
    database = await Database.open(str(tmp_path))
    try:
        for text, ids in (("caf\u00e9", [102, 101]), ("CAFE\u0301", [102, 101]), ("latin1-caf", [103])):
            _, _, files = await browse.page(database.read, "", (), text, 0)
            assert [file.id for file in files] == ids
        await database.run(("DELETE FROM file WHERE id = ?", [(101,), (103,)]))
        for text, ids in (("caf\u00e9", [102]), ("latin1-caf", [])):
            _, _, files = await browse.page(database.read, "", (), text, 0)
            assert [file.id for file in files] == ids
        assert await database.read("SELECT rowid FROM file_name WHERE file_name MATCH '\"in1\"'") == []
    finally:
        await database.close()


async def test_a_catalog_from_before_is_searched_just_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        before.setattr(schema, "VERSION", 1)
        catalogs.catalog(str(tmp_path), 400)
    database = await Database.open(str(tmp_path))
    try:
        assert (tmp_path / f"{FILE}.version-1").exists()
        for text, count in (("C0007.MP4", 1), ("camera:canon", 300), ("2015-01-01", 400), ("kind:sidecars", 100)):
            assert (await browse.page(database.read, "", (), text, 0))[0] == count, text
    finally:
        await database.close()
