"""A machine whose clock is far off, or is set while it works."""

import os
import shutil
import time
from datetime import datetime, timedelta, tzinfo

import pytest

from core.catalog.card_list import cards
from core.engine import import_factory
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


async def last_verdicts(rig: Rig, *, journals: bool) -> list[tuple[str, str]]:
    """The newest import and verdict of each card, in a catalog that is made anew."""
    if not journals:
        shutil.rmtree(rig.archive / ".lading/imports")
    await rig.restarted("fresh home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    return [(card.import_id, card.verdict) for card in await cards(rig.engine.database.read, frozenset())]


@pytest.mark.parametrize("journals", [True, False])
@pytest.mark.parametrize("clocks", [(0.0, -56 * YEAR), (0.0, 80 * YEAR, 0.0)])
async def test_a_catalog_made_anew_knows_the_last_import_of_a_card_whatever_the_clock_said(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, clocks: tuple[float, ...], journals: bool
) -> None:
    ahead = timedelta()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + ahead

    monkeypatch.setattr(import_factory, "datetime", Clock)
    names = []
    for number, clock in enumerate(clocks):
        ahead = timedelta(seconds=clock)
        write(rig.source / f"{number}.jpg", b"%d" % number)
        if number == len(clocks) - 1:
            os.symlink("nowhere", rig.source / "link")
        names.append((await rig.imported(location=f"place {9 - number}")).id)
    assert await last_verdicts(rig, journals=journals) == [(names[-1], Verdict.KEEP)]
    rows = await rig.engine.catalog.imports()
    assert [row.name for row in sorted(rows, key=lambda row: row.id)] == names


@pytest.mark.parametrize("journals", [True, False])
async def test_a_catalog_made_anew_knows_the_last_import_of_a_card_that_travelled_west(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, journals: bool
) -> None:
    """The names of imports have the local time."""
    try:
        for zone in ("JST-9", "PST8"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            write(rig.source / f"{zone}.jpg", zone.encode())
            if zone == "PST8":
                os.symlink("nowhere", rig.source / "link")
            view = await rig.imported(location="Tokyo" if zone == "JST-9" else "Anchorage")
        assert await last_verdicts(rig, journals=journals) == [(view.id, Verdict.KEEP)]
    finally:
        monkeypatch.undo()
        time.tzset()


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
