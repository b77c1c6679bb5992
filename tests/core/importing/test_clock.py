"""A machine whose clock is far off, or is set while it works."""

import time

import pytest

from core.media.adjusting import by_shift
from core.models import Verdict
from tests.core.importing.rig import Rig, write

pytestmark = pytest.mark.process

YEAR = 365 * 86_400.0


@pytest.mark.parametrize("wrong", [80 * YEAR, -56 * YEAR])
async def test_receipts_name_the_one_before_whatever_the_clock_says(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    real, ahead = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])
    for number, clock in enumerate((0.0, wrong, 0.0, 0.0)):
        ahead[0] = clock
        write(rig.source / f"{number}.jpg", b"%d" % number)
        view = await rig.imported()
        assert (view.verdict, view.archived.files) == (Verdict.SAFE, 1)
    rows = sorted(await rig.engine.catalog.imports(), key=lambda row: row.id)
    assert [row.previous for row in rows] == ["", *(row.receipt for row in rows[:-1])]


async def test_the_archive_that_was_seen_last_at_a_place_is_found_there(rig: Rig) -> None:
    places = rig.engine.catalog
    one = await places.archive("one", b"/archive")
    await rig.engine.database.run(("UPDATE archive SET seen = seen + ?", [(80 * YEAR,)]))
    other = await places.archive("other", b"/archive")
    assert (await places.archive_at(b"/archive"), await places.uuid_at(b"/archive")) == (other, "other")
    assert await places.archive("one", b"/archive") == one
    assert await places.archive_at(b"/archive") == one


async def test_the_last_correction_of_a_date_holds(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    write(rig.source / "a.jpg", b"a")
    view = await rig.imported()
    await rig.engine.database.run(
        (
            "INSERT INTO metadata (item_id, captured, captured_local, captured_zone, raw) "
            "SELECT id, 1704067200.0, '2024-01-01T00:00:00', '', x'' FROM item",
            [()],
        )
    )
    real = time.time
    for ahead, shift in ((80 * YEAR, "+1h"), (0.0, "+1m")):
        monkeypatch.setattr(time, "time", lambda ahead=ahead: real() + ahead)
        await rig.engine.maintenance.adjust(view.id, by_shift(shift), "Ada", dry=False)
    ((told,),) = await rig.engine.database.read("SELECT captured_local FROM metadata")
    assert told == "2024-01-01T01:01:00"
