"""What finding costs, in steps of SQLite's machine, against the number of files; without statistics."""

from pathlib import Path

import pytest

from core.catalog import file_list, item_details
from core.database import Database
from tests.core.maintenance.test_scale import LINEAR, Steps
from tests.rigs import catalogs

FEW = 2 * catalogs.PER_CARD
"""Files of two cards; four times as many are those of eight."""

FLAT = ("import:import-000001", "a002", "2015-01-07", "hash:" + "0" * 32)
"""What finds as many files in either."""

GROWING = ("", "C0007", "100MSDCF/DSC", "camera:gopro", "kind:images camera:canon", "nothing-like-it")


@pytest.mark.process
async def test_finding_costs_what_is_found(tmp_path: Path) -> None:
    counts: list[dict[str, int]] = []
    for files in (FEW, 4 * FEW):
        home = tmp_path / f"{files}"
        home.mkdir()
        catalogs.catalog(str(home), files)
        database = await Database.open(str(home))
        found: dict[str, int] = {}
        try:
            for text in (*FLAT, *GROWING):
                steps = Steps()
                await steps.of(database.reading)
                await file_list.page(database.read, "", (), text, 0)
                found[text] = steps.count
            steps = Steps()
            await steps.of(database.reading)
            assert await item_details.find(database.read, "DCIM/100MSDCF/DSC00100.JPG", b"/elsewhere")
            found["a path"] = steps.count
        finally:
            await database.close()
        counts.append(found)
    few, many = counts
    assert {text for text in FLAT if many[text] > few[text] * 1.25 + 10} == set()
    assert {text for text in many if many[text] > few[text] * LINEAR + 10} == set()
