"""Figures of a location, against what was put there."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.models import Outcome
from core.tasks.location_stats import LocationStats
from tests.core.bagit.bagrig import Rig, rig

COLUMNS = ("files", "bytes", "kinds", "cameras", "earliest", "latest", "located", "south", "north", "west", "east")


async def stats(here: Rig, location_id: int | None = None) -> dict[str, Any]:
    number = location_id or here.location_id
    result = await here.run(LocationStats(), location_id=number)
    assert result.error == ""
    sql = f"SELECT {', '.join(COLUMNS)} FROM location_stats WHERE location_id = ?"  # noqa: S608
    (row,) = await here.database.read(sql, (number,))
    found = dict(zip(COLUMNS, row, strict=True))
    return found | {"kinds": json.loads(found["kinds"]), "cameras": json.loads(found["cameras"])}


async def test_nothing_there(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        found = await stats(here)
        assert (found["files"], found["bytes"], found["kinds"], found["cameras"]) == (0, 0, {}, [])
        assert [found[name] for name in COLUMNS[4:]] == [None, None, 0, None, None, None, None]


async def test_figures(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        first, second = await here.begin("a"), await here.begin("b")
        other = await here.begin("c", await here.location("alps-1", "Alps"))
        shared = await here.item(
            first, b"A.JPG", size=5, captured_local="2024-05-06T07:08:09", make="Canon", model="Canon EOS R5"
        )
        await here.item(first, b"B.JPG", size=7, captured_local="2023-01-01T00:00:00", make="SONY", model="A7")
        await here.item(
            first, b"C.MP4", "videos", 11, captured_local="2024-05-06T07:08:09.25", make="SONY", model="A7"
        )
        await here.item(first, b"D.JPG", size=1, make="Nikon")
        await here.item(first, b"E.JPG", size=1, make="", model=" ")
        await here.item(second, b"A.JPG", outcome=Outcome.DUPLICATE, item_id=shared)
        await here.item(second, b"F.JPG", outcome=Outcome.FAILED, size=1000)
        await here.item(other, b"G.JPG", size=3)
        await here.item(other, b"A.JPG", outcome=Outcome.DUPLICATE, item_id=shared)
        for _ in range(2):
            found = await stats(here)
            assert (found["files"], found["bytes"]) == (5, 25)
            assert found["kinds"] == {"images": {"files": 4, "bytes": 14}, "videos": {"files": 1, "bytes": 11}}
            assert found["cameras"] == [["SONY A7", 2], ["Canon EOS R5", 1], ["Nikon", 1]]
            assert (found["earliest"], found["latest"]) == ("2023-01-01T00:00:00", "2024-05-06T07:08:09.25")
        elsewhere = await stats(here, await here.location("alps-1", "Alps"))
        assert (elsewhere["files"], elsewhere["bytes"]) == (2, 8)
        await here.item(second, b"H.MOV", "videos", 4)
        assert (await stats(here))["files"] == 6


@pytest.mark.parametrize(
    ("points", "wanted"),
    [
        ([(46.5, 11.5)], (46.5, 46.5, 11.5, 11.5)),
        ([(46.5, 11.5), (46.5, 11.5)], (46.5, 46.5, 11.5, 11.5)),
        ([(46.5, 11.5), (45.0, 12.25), (47.0, 12.0)], (45.0, 47.0, 11.5, 12.25)),
        ([(-17.0, 179.5), (-18.0, -179.25), (-17.5, 178.0)], (-18.0, -17.0, 178.0, -179.25)),
        ([(1.0, 180.0), (2.0, -180.0)], (1.0, 2.0, -180.0, -180.0)),
        ([(1.0, 180.0), (2.0, 170.0)], (1.0, 2.0, 170.0, -180.0)),
        ([(1.0, -90.0), (2.0, 90.0)], (1.0, 2.0, -90.0, 90.0)),
        ([(1.0, -170.5), (2.0, 0.0), (3.0, 170.5)], (1.0, 3.0, 0.0, -170.5)),
        ([(0.0, 0.0)], (None, None, None, None)),
        ([(0.0, 0.0), (91.0, 5.0), (5.0, 181.0), (-5.0, 5.0)], (-5.0, -5.0, 5.0, 5.0)),
        ([(0.0, 11.5)], (0.0, 0.0, 11.5, 11.5)),
    ],
)
async def test_bounds(tmp_path: Path, points: list[tuple[float, float]], wanted: tuple[float | None, ...]) -> None:
    async with rig(tmp_path) as here:
        number = await here.begin("a")
        for count, (lat, lon) in enumerate(points):
            await here.item(number, b"%d.JPG" % count, lat=lat, lon=lon)
        found = await stats(here)
        assert tuple(found[name] for name in ("south", "north", "west", "east")) == wanted


async def test_location_that_is_not_there(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        result = await here.run(LocationStats(), location_id=99)
        assert result.final
        assert result.error
