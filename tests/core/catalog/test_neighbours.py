"""The zone of a film by what the same device took about then, in whatever order the two are read."""

import random
from collections.abc import Iterator
from contextlib import closing
from itertools import permutations

import msgspec
import pytest

from core.catalog import neighbours
from core.media.metadata import Metadata
from core.sqlite import sqlite3
from core.tasks.exiftool import WRITE
from tests.rigs.catalogs import migrate

UTC = 1_704_036_607  # 2023-12-31 15:30:07 UTC
FILM = Metadata(
    captured=UTC, captured_local="2023-12-31T15:30:07", captured_zone="utc", camera="Rig One", serial="7"
)


def still(after: float, offset: int, **other: object) -> Metadata:
    row = msgspec.structs.replace(FILM, captured=UTC + after, offset=offset, captured_zone="recorded")
    return msgspec.structs.replace(row, captured_local="not looked at", **other)


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        yield connection


def written(database: sqlite3.Connection, *rows: tuple[int, Metadata]) -> dict[int, tuple[str, int | None, str]]:
    for id, row in rows:
        database.execute(WRITE, (id, *msgspec.structs.astuple(row), b""))
        for sql, values in neighbours.statements(id, row):
            database.executemany(sql, values)
    found = database.execute("SELECT item_id, captured_local, offset, captured_zone FROM metadata")
    return {id: tuple(facts) for id, *facts in found}


@pytest.mark.parametrize("film", ["utc", "name"])
def test_the_nearest_tells_whatever_comes_first(film: str) -> None:
    one = (1, msgspec.structs.replace(FILM, captured_zone=film, offset=None if film == "utc" else 60))
    rows = (one, (2, still(-7200, 540)), (3, still(9000, 480)), (4, still(-20_000, 60)))
    for order in permutations(rows):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
            migrate(database)
            assert written(database, *order)[1] == ("2024-01-01T00:30:07", 540, "neighbours"), order


@pytest.mark.parametrize(
    "row",
    [
        still(60, 540, camera="Rig Two"),
        still(60, 540, camera=None),
        still(60, 540, serial="8"),
        still(60, 540, captured_zone="adjusted"),
        still(60, 540, captured_zone=""),
        still(neighbours.NEAR_SECONDS + 1, 540),
        still(-neighbours.NEAR_SECONDS - 1, 540),
    ],
)
def test_what_tells_nothing(database: sqlite3.Connection, row: Metadata) -> None:
    for order in (((1, FILM), (2, row)), ((2, row), (1, FILM))):
        assert written(database, *order)[1] == ("2023-12-31T15:30:07", None, "utc")


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (still(60, 540, serial=None), "2024-01-01T00:30:07"),
        (still(0, -570), "2023-12-31T06:00:07"),
        (still(-neighbours.NEAR_SECONDS, 540, captured_zone="position"), "2024-01-01T00:30:07"),
    ],
)
def test_a_neighbour_gives_its_zone(database: sqlite3.Connection, row: Metadata, wanted: str) -> None:
    assert written(database, (1, FILM), (2, row))[1] == (wanted, row.offset, "neighbours")


def test_what_knows_its_own_zone_keeps_it(database: sqlite3.Connection) -> None:
    here = msgspec.structs.replace(FILM, captured_zone="position", offset=60, captured_local="2023-12-31T16:30:07")
    assert written(database, (1, here), (2, still(1, 540)))[1] == ("2023-12-31T16:30:07", 60, "position")
    clock = msgspec.structs.replace(FILM, captured_zone="")
    assert written(database, (1, clock), (2, still(1, 540)))[1] == ("2023-12-31T15:30:07", None, "")


def test_a_fraction_of_a_second_stays(database: sqlite3.Connection) -> None:
    film = msgspec.structs.replace(FILM, captured=UTC + 0.25, captured_local="2023-12-31T15:30:07.25")
    assert written(database, (1, film), (2, still(1, 540)))[1][0] == "2024-01-01T00:30:07.25"


def test_an_index_leads_there(database: sqlite3.Connection) -> None:
    for sql in (neighbours.INFER_ZONE, neighbours.LOOK_AT, neighbours.TELL):
        values = (1,) * sql.count("?")
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        steps = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
        assert not any(step.startswith(("SCAN m", "SCAN k", "SCAN p")) for step in steps), steps
        assert sum("metadata_zoned (camera=? AND captured>? AND captured<?)" in step for step in steps) == 2
        assert any("metadata_undecided" in step for step in steps) == (sql == neighbours.TELL)


def test_many_in_any_order(database: sqlite3.Connection) -> None:
    """Against the rule in plain words: of those within the window, the nearest."""
    chance = random.Random(7)
    places = sorted(chance.sample(range(-200_000, 200_000), 60))
    rows = {
        id: still(after, chance.choice((540, 480, -300)))
        if id % 3
        else msgspec.structs.replace(FILM, captured=UTC + after, captured_local="2023-12-31T15:30:07")
        for id, after in enumerate(places)
    }
    order = list(rows.items())
    chance.shuffle(order)
    found = written(database, *order)
    told = [row for row in rows.values() if row.captured_zone == "recorded"]
    for id, row in rows.items():
        if row.captured_zone == "utc":
            near = min(told, key=lambda one: abs((one.captured or 0) - (row.captured or 0)))
            apart = abs((near.captured or 0) - (row.captured or 0))
            assert found[id][1] == (near.offset if apart <= neighbours.NEAR_SECONDS else None)
