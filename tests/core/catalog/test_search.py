"""Searching: what a query finds, and that an index leads there."""

import re
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core import schema
from core.catalog import file_list, search_plan
from core.catalog.files import NAME
from core.database import Database, Read
from core.errors import UsageError
from core.media.camera import camera_name
from core.media.local_time import zone_text
from core.schema import DATABASE_FILE
from core.sqlite import connect, sqlite3
from tests.rigs import catalogs

FILES = 12_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return catalogs.catalog(str(tmp_path_factory.mktemp("catalog")), FILES)


@pytest.fixture
async def read(path: str) -> AsyncIterator[Read]:
    connection = await connect(path)

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
    ("import:0002", {"card": 2}),
    ("a002", {"card": 2}),
    ("ext:mp4", {"name": r"\.mp4$"}),
    ("ext:.XML c0007", {"name": r"c0007.*\.xml$"}),
    ("kind:video camera:gopro 2015-01-07", {"kind": "videos", "camera": "GoPro", "day": "2015-01-07"}),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
async def test_what_a_query_finds(read: Read, text: str, wanted: dict[str, object]) -> None:
    total, more, files = await file_list.page(read, "", (), text, 0)
    assert (total, more) == (expected(**wanted), False)
    assert total
    assert len({file.id for file in files}) == min(total, file_list.PAGE)


@pytest.mark.parametrize(
    "text",
    ["nothing-like-it", "kind:audio", "camera:leica", "import:x", "import:002", "date:2014", "hash:" + "0" * 33],
)
async def test_what_is_not_there(read: Read, text: str) -> None:
    assert await file_list.page(read, "", (), text, 0) == (0, False, [])


@pytest.mark.parametrize(
    "text",
    [
        "kind:paintings",
        "date:yesterday",
        "date:2015-02-30",
        "hash:xyz",
        "date:..",
        "date:9999..0000",
        "size>",
        "size<big",
        "size>1ib",
    ],
)
async def test_what_makes_no_sense(read: Read, text: str) -> None:
    with pytest.raises(UsageError):
        await file_list.page(read, "", (), text, 0)


async def test_by_the_beginning_of_either_digest(read: Read) -> None:
    ((id, xxh128, sha256),) = await read("SELECT id, xxh128, sha256 FROM item WHERE id = 777", ())
    for digest in (xxh128.hex(), sha256.hex()):
        for length in (9, 17, len(digest)):
            _, _, (file,) = await file_list.page(read, "", (), f"hash:{digest[:length].upper()}", 0)
            assert file.id == id
    _, _, (file,) = await file_list.page(read, "", (), sha256.hex(), 0)
    assert (file.xxh128, file.sha256) == (xxh128.hex(), sha256.hex())


async def test_pages_hold_every_file_once_and_are_counted_as_far_as_anybody_reads(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_list, "COUNTED", 1000)
    for text in ("", "kind:images", "2015", "dsc", "card:a eos"):
        found: list[int] = []
        total, more, _ = await file_list.page(read, "", (), text, 0)
        assert (total, more) == (1000, True)
        for offset in range(0, total, file_list.PAGE):
            found += [file.id for file in (await file_list.page(read, "", (), text, offset))[2]]
        assert len(set(found)) == len(found) == 1000, text
    total, more, files = await file_list.page(read, "import-000003", (), "", 0)
    assert (total, more) == (catalogs.PER_CARD, False)
    assert [file.id for file in files] == sorted(file.id for file in files)
    total, _, files = await file_list.page(read, "import-000003", (), "c0* mp4", 0)
    assert total == expected(card=3, name="/c0.*mp4$")
    assert [file.id for file in files] == sorted(file.id for file in files)


async def test_files_above_and_below_a_size(tmp_path: Path) -> None:
    path = catalogs.catalog(str(tmp_path), 8)
    sizes = (0, 999, 1000, 1001, 2_500_000, 2**31, 2_000_000_000, 2_000_000_001)
    with closing(sqlite3.connect(path)) as connection, connection:
        for id, size in enumerate(sizes, 1):
            connection.execute("UPDATE file SET size = ? WHERE id = ?", (size, id))
    database = await Database.open(str(tmp_path))
    try:
        for text, fits in (
            ("size>2GB", lambda size: size > 2_000_000_000),
            ("SIZE<1kb", lambda size: size < 1000),
            ("size>2.5m", lambda size: size > 2_500_000),
            ("size>1000 size<2GiB", lambda size: 1000 < size < 2**31),
            ("size>999999999P", lambda size: False),
        ):
            _, _, files = await file_list.page(database.read, "", (), text, 0)
            assert sorted(file.size for file in files) == sorted(filter(fits, sizes)), text
    finally:
        await database.close()


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("text", [text for text, _ in CASES if text != "07"] + ["hash:00", "a002 2015-01 07"])
async def test_no_query_reads_a_whole_table(
    read: Read, text: str, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What leads to many is a way to few, too: the plans of both are looked at."""
    if not few:
        monkeypatch.setattr(search_plan, "ENOUGH", 1)
    plans: list[str] = []

    async def explained(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        plans.extend(row[3] for row in await read(f"EXPLAIN QUERY PLAN {sql}", parameters))
        return await read(sql, parameters)

    await file_list.page(explained, "", (), text, 0)
    whole = [step for step in plans if re.match(r"SCAN (f|m|t|file|item|metadata)\b", step)]
    assert not whole
    assert any("SEARCH" in step or "VIRTUAL TABLE INDEX" in step for step in plans)


async def test_a_kind_beside_a_camera_is_told_by_one_index_alone(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sidecar has a camera, so all that the camera took is looked at: no row of a file is."""
    monkeypatch.setattr(search_plan, "ENOUGH", 1)
    plans: list[list[str]] = []

    async def explained(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        plans.append([row[3] for row in await read(f"EXPLAIN QUERY PLAN {sql}", parameters)])
        return await read(sql, parameters)

    assert expected(camera="Canon", kind="images")
    assert await file_list.page(explained, "", (), "camera:canon kind:sidecars", 0) == (0, False, [])
    found = plans[-2]  # the last one is for the page
    camera = found.index("SEARCH m USING COVERING INDEX metadata_camera (camera=?)")
    assert found[camera + 1] == "SEARCH f USING COVERING INDEX file_item (item_id=? AND kind=?)"


async def test_names_beyond_ascii_are_found_however_they_are_written(tmp_path: Path) -> None:
    path = catalogs.catalog(str(tmp_path), 4)
    with closing(sqlite3.connect(path)) as connection, connection:
        for id, name in enumerate(("Caf\u00e9.jpg", "Cafe\u0301 2.jpg"), 101):
            sql = (
                "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, "
                "reason) VALUES (?, 1, 1, ?, x'', 1, 0, 'images', 1, NULL, NULL)"
            )
            connection.execute(sql, (id, b"card/" + name.encode()))
        connection.execute(sql, (103, b"card/latin1-caf\xe9\xff.jpg"))
        connection.execute(NAME, ("[101, 102, 103]",))
    database = await Database.open(str(tmp_path))
    try:
        for text, ids in (("caf\u00e9", [102, 101]), ("CAFE\u0301", [102, 101]), ("latin1-caf", [103])):
            _, _, files = await file_list.page(database.read, "", (), text, 0)
            assert [file.id for file in files] == ids
        await database.run(("DELETE FROM file WHERE id = ?", [(101,), (103,)]))
        for text, ids in (("caf\u00e9", [102]), ("latin1-caf", [])):
            _, _, files = await file_list.page(database.read, "", (), text, 0)
            assert [file.id for file in files] == ids
        assert await database.read("SELECT rowid FROM file_name WHERE file_name MATCH '\"in1\"'") == []
    finally:
        await database.close()


OLD_MAKERS = (
    ("NIKON CORPORATION", "NIKON D850"),
    ("Canon", "Canon EOS R5"),
    ("LEICA CAMERA AG", "Leica Q2"),
    ("SONY", "ILCE-7SM3"),
    (None, "HERO11"),
    ("Nikon", None),
    (" ", " "),
    (None, None),
    ("264", "ILCE-7M3"),
    ("77", "X1"),
)


async def test_a_catalog_from_before_is_searched_just_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        before.setattr(schema, "SCHEMA_VERSION", 1)
        with closing(sqlite3.connect(catalogs.catalog(str(tmp_path), 400), isolation_level=None)) as connection:
            for item, made in enumerate(OLD_MAKERS, 801):
                tell = "INSERT INTO metadata (item_id, make, model, raw) VALUES (?, ?, ?, x'')"
                connection.execute("PRAGMA foreign_keys = OFF")
                connection.execute(tell, (item, *made))
    database = await Database.open(str(tmp_path))
    try:
        assert (tmp_path / f"{DATABASE_FILE}.version-1").exists()
        named = await database.read("SELECT camera FROM metadata WHERE item_id > 800 ORDER BY item_id", ())
        assert [row[0] for row in named] == [camera_name(*made) for made in OLD_MAKERS[:-2]] + [
            "Sony ILCE-7M3",
            "X1",
        ]
        for text, count in (("C0007.MP4", 1), ("camera:canon", 300), ("2015-01-01", 400), ("kind:sidecars", 100)):
            assert (await file_list.page(database.read, "", (), text, 0))[0] == count, text
    finally:
        await database.close()


async def test_a_duration_that_is_measured_goes_before_one_that_is_estimated(tmp_path: Path) -> None:
    with closing(sqlite3.connect(catalogs.catalog(str(tmp_path), 8), isolation_level=None)) as connection:
        connection.execute("UPDATE metadata SET duration = 0.7, width = NULL WHERE item_id IN (1, 3)")
        tell = "INSERT INTO probe (item_id, duration, width, height, raw) VALUES (1, 2.0, 720, 576, x'')"
        connection.execute(tell)
    database = await Database.open(str(tmp_path))
    try:
        measured, estimated = [dict(await file_list.details(database.read, id)) for id in (1, 3)]
        assert (measured["duration"], measured["pixels"]) == ("2.0 s", "720 x 576")
        assert estimated["duration"] == "0.7 s"
    finally:
        await database.close()


async def test_what_is_known_in_utc_is_found_on_each_day_it_was_on_earth(tmp_path: Path) -> None:
    with closing(sqlite3.connect(catalogs.catalog(str(tmp_path), 8), isolation_level=None)) as connection:
        tell = "UPDATE metadata SET captured_local = ?, captured_zone = ?, offset = ? WHERE item_id = ?"
        connection.execute(tell, ("2023-12-31T15:30:07", "utc", None, 1))
        connection.execute(tell, ("2023-12-31T15:30:07", "recorded", 0, 3))
        connection.execute(tell, ("1931-08", "", None, 4))
    database = await Database.open(str(tmp_path))
    try:
        for text, ids in (
            ("2024-01-01", {1}),
            ("2023-12-31", {1, 3}),
            ("2023-12-30", set()),
            ("2024", {1}),
            ("date:2024-01-01 kind:videos", {1}),
            ("2024-01-02", set()),
            ("date:1931-08", {4}),
            ("date:1931", {4}),
            ("date:1931-08-05", set()),
            ("date:9999", set()),
        ):
            _, _, files = await file_list.page(database.read, "", (), text, 0)
            assert {file.id for file in files} == ids, text
        shown = {file.id: file.captured for file in (await file_list.page(database.read, "", (), "", 0))[2]}
        assert (shown[1], shown[3], shown[4]) == ("2023-12-31T15:30:07Z", "2023-12-31T15:30:07", "1931-08")
        assert dict(await file_list.details(database.read, 1))["taken"] == "2023-12-31 15:30:07 UTC"
        await database.run(
            (
                "UPDATE metadata SET captured_local = NULL, captured_zone = 'unset', captured_tag = 'QuickTime:X' "
                "WHERE item_id = ?",
                [(1,)],
            )
        )
        facts = dict(await file_list.details(database.read, 1))
        assert (facts["taken"], facts["dated by"]) == ("clock not set", "QuickTime:X")
    finally:
        await database.close()


@pytest.mark.parametrize("zone", ["position", "neighbours", "name", "recorded", "adjusted"])
async def test_a_film_whose_zone_was_found_is_found_on_its_day_in_utc_too(tmp_path: Path, zone: str) -> None:
    utc = 1_704_036_607  # 2023-12-31 15:30:07 UTC
    with closing(sqlite3.connect(catalogs.catalog(str(tmp_path), 8), isolation_level=None)) as connection:
        tell = (
            "UPDATE metadata SET captured = ?, captured_local = ?, captured_zone = ?, offset = ? WHERE item_id = ?"
        )
        connection.execute(tell, (utc, "2024-01-01T00:30:07", zone, 540, 1))
        connection.execute(tell, (utc + 43_200, "2023-12-31T18:00:07", zone, -570, 3))
    database = await Database.open(str(tmp_path))
    found = zone in ("position", "neighbours", "name")
    try:
        for text, ids in (
            ("2024-01-01", {1, 3} if found else {1}),
            ("date:2023-12-31", {1, 3} if found else {3}),
            ("2023", {1, 3} if found else {3}),
            ("2024-01", {1, 3} if found else {1}),
            ("2023-12-31..2024-01-01", {1, 3}),
            ("2023-12-30", set()),
            ("2024-01-02", set()),
        ):
            _, _, files = await file_list.page(database.read, "", (), text, 0)
            assert {file.id for file in files} == ids, text
        facts = dict(await file_list.details(database.read, 1))
        assert (facts["taken"], facts["zone"]) == ("2024-01-01 00:30:07", zone_text(zone, 540))
    finally:
        await database.close()
