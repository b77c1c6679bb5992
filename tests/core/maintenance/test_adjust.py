"""Capture dates that a person corrects: what follows them, that no file is touched, what a rebuild knows."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.archives.archive import Archive
from core.catalog import file_list
from core.database import Unit
from core.errors import ArchiveError, DatabaseError, UsageError
from core.maintenance import adjust
from core.maintenance.adjust import IMPORT_NOT_ENDED, NO_DATE, NO_TIME_OF_DAY
from core.media.adjusting import by_clock, by_shift, by_zone
from core.media.metadata import pack
from core.models import Count, RestoreOptions
from core.results import Adjusted, Correction
from tests.core.importing.rig import Rig, random_bytes, state, write

pytestmark = pytest.mark.process

NOON = 1_714_996_800  # 2024-05-06 12:00:00 UTC

DATES: dict[str, tuple[float | None, str | None, int | None, str | None]] = {
    "DCIM/a.jpg": (NOON, "2024-05-06T12:00:00", None, ""),
    "DCIM/late.jpg": (NOON + 43_000, "2024-05-06T23:56:40", None, ""),
    "DCIM/here.jpg": (NOON, "2024-05-06T14:00:00", 120, "recorded"),
    "DCIM/film.mp4": (NOON, "2024-05-06T12:00:00", None, "utc"),
    "DCIM/day.jpg": (NOON, "2024-05-06", None, ""),
    "DCIM/unset.jpg": (None, None, None, "unset"),
    "DCIM/none.jpg": (None, None, None, None),
}
UNSET = pack(b'{"ExifIFD:DateTimeOriginal":"1970:01:01 00:10:00","ExifIFD:CreateDate":"1970:01:01 00:10:00"}')

Facts = tuple[float | None, str | None, int | None, str | None]


async def understood(rig: Rig) -> None:
    """What exiftool would have found in the files, whoever asks it and whenever."""
    sql = (
        "INSERT OR REPLACE INTO metadata (item_id, captured, captured_local, offset, captured_zone, raw) "
        "SELECT item_id, ?, ?, ?, ?, ? FROM file WHERE CAST(path AS TEXT) LIKE '%' || ?"
    )
    await rig.engine.database.run((sql, [(*facts, UNSET, name) for name, facts in DATES.items()]))


async def brought(rig: Rig, duplicates: str = "archive") -> str:
    for number, name in enumerate(DATES):
        write(rig.source / name, random_bytes(500, number))
    view = await rig.imported(label="A001", duplicates=duplicates)
    await understood(rig)
    return view.id


async def dates(rig: Rig) -> dict[str, Facts]:
    """All that have been understood."""
    rows = await rig.engine.database.read(
        "SELECT DISTINCT f.path, m.captured, m.captured_local, m.offset, m.captured_zone FROM file f "
        "JOIN metadata m ON m.item_id = f.item_id"
    )
    return {f"DCIM/{os.path.basename(os.fsdecode(row[0]))}": (row[1], row[2], row[3], row[4]) for row in rows}


async def adjusted(rig: Rig, text: str, how: Correction | None, *, dry: bool = False) -> Adjusted:
    return await rig.engine.maintenance.adjust(text, how, "Ada", dry=dry)


async def found(rig: Rig, text: str) -> set[str]:
    _, _, files = await file_list.page(rig.engine.database.read, "", (), text, 0)
    return {os.path.basename(file.path) for file in files}


def silent(done: Count, total: Count) -> None:
    """Nobody looks."""


async def test_what_follows_a_shift_and_what_stays(rig: Rig, tmp_path: Path) -> None:
    name = await brought(rig)
    source, payload, receipts = state(rig.source), rig.payload(), [one.read_bytes() for one in rig.receipts()]
    result = await adjusted(rig, "A001", by_shift("+1h"))
    assert (result.what, result.count, result.undone, result.dry) == ("shift +1h", 4, False, False)
    assert dict(result.left) == {NO_TIME_OF_DAY: 1, NO_DATE: 2}
    assert ("DCIM/film.mp4", "2024-05-06T12:00:00Z", "2024-05-06T13:00:00Z") in result.shown
    assert ("DCIM/late.jpg", "2024-05-06T23:56:40", "2024-05-07T00:56:40") in result.shown
    assert await dates(rig) == DATES | {
        "DCIM/a.jpg": (NOON + 3600, "2024-05-06T13:00:00", None, "adjusted"),
        "DCIM/late.jpg": (NOON + 46_600, "2024-05-07T00:56:40", None, "adjusted"),
        "DCIM/here.jpg": (NOON + 3600, "2024-05-06T15:00:00", 120, "adjusted"),
        "DCIM/film.mp4": (NOON + 3600, "2024-05-06T13:00:00", None, "utc"),
    }
    assert await found(rig, "date:2024-05-07 kind:images") == {"late.jpg"}
    await rig.engine.restore_check.restore(name, str(tmp_path / "out"), silent, RestoreOptions(by_date=True))
    assert (tmp_path / "out/2024/2024-05-07/late.jpg").exists()
    (item,) = await rig.engine.queries.show("late.jpg", b"/late.jpg")
    assert item.taken == "2024-05-07T00:56:40"
    assert item.adjusted[0].startswith("shift +1h, on ")
    assert item.adjusted[0].endswith(" by Ada")
    waiting = await rig.engine.database.read("SELECT 1 FROM job WHERE queue = 'location_stats' AND barrier = 0")
    assert waiting
    assert (state(rig.source), rig.payload()) == (source, payload)
    assert [one.read_bytes() for one in rig.receipts()] == receipts


@pytest.mark.parametrize("undone", [False, True], ids=["made", "undone"])
async def test_an_engine_that_is_killed_leaves_figures_to_be_counted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, undone: bool
) -> None:
    """Whatever commit was its last: dates that have changed have the job that counts them."""
    await brought(rig)
    database, count, dead = rig.engine.database, "SELECT count(*) FROM adjusted", False
    if undone:
        await adjusted(rig, "A001", by_shift("+1h"))
    await database.run(("DELETE FROM job WHERE queue = 'location_stats'", [()]))
    before, write = await database.read(count), database.write

    async def killed(unit: Unit[Any]) -> Any:
        nonlocal dead
        if dead:
            raise DatabaseError("the engine was killed.")
        result = await write(unit)
        dead = await database.read(count) != before
        return result

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", killed)
        with suppress(DatabaseError):
            await adjusted(rig, "A001", None if undone else by_shift("+1h"))
    assert dead
    assert await database.read("SELECT state FROM job WHERE queue = 'location_stats'") == [("ready",)]


async def test_a_dry_run_writes_nothing(rig: Rig) -> None:
    await brought(rig)
    before = state(rig.archive)
    result = await adjusted(rig, "A001", by_shift("+1h"), dry=True)
    assert (result.dry, result.count) == (True, 4)
    assert (await dates(rig), state(rig.archive)) == (DATES, before)
    await adjusted(rig, "A001", by_shift("+1h"))
    now = await dates(rig)
    journals = [one.read_bytes() for one in rig.journals()]
    result = await adjusted(rig, "A001", None, dry=True)
    assert (result.what, result.count, result.undone, result.dry) == ("shift +1h", 4, True, True)
    assert ("DCIM/film.mp4", "2024-05-06T13:00:00Z", "2024-05-06T12:00:00Z") in result.shown
    assert await dates(rig) == now
    assert [one.read_bytes() for one in rig.journals()] == journals


async def test_one_correction_after_the_other_and_back_again(rig: Rig) -> None:
    await brought(rig)
    await adjusted(rig, "A001", by_shift("-2h"))
    first = await dates(rig)
    await adjusted(rig, "A001 kind:images", by_zone("Europe/Berlin"))
    second = await dates(rig)
    assert second["DCIM/a.jpg"] == (NOON - 4 * 3600, "2024-05-06T10:00:00", 120, "adjusted")
    assert second["DCIM/film.mp4"] == first["DCIM/film.mp4"]
    clock = by_clock("1970-01-01 00:00 = 2025-06-14 15:02")
    assert (await adjusted(rig, "unset.jpg", clock)).shown[0][1:] == ("clock not set", "2025-06-14T15:12:00")
    assert (await dates(rig))["DCIM/unset.jpg"] == (1_749_913_920, "2025-06-14T15:12:00", None, "adjusted")
    undone = await adjusted(rig, "A001", None)
    assert (undone.what, undone.count, undone.undone) == (clock.what, 1, True)
    assert undone.shown[0][1:] == ("2025-06-14T15:12:00", "clock not set")
    assert await dates(rig) == second
    assert (await adjusted(rig, "a.jpg", None)).count == 1
    assert await dates(rig) == second | {"DCIM/a.jpg": first["DCIM/a.jpg"]}
    await adjusted(rig, "A001", None)
    assert await dates(rig) == first
    await adjusted(rig, "A001", None)
    assert await dates(rig) == DATES
    assert not await rig.engine.database.read("SELECT 1 FROM adjusted UNION ALL SELECT 1 FROM unadjusted")
    with pytest.raises(UsageError, match="corrected date"):
        await adjusted(rig, "A001", None)


@pytest.mark.parametrize("again", [False, True], ids=["another home", "the same"])
async def test_a_rebuild_brings_them_back(rig: Rig, again: bool) -> None:
    await brought(rig)
    await adjusted(rig, "A001", by_shift("+1h"))
    await adjusted(rig, "late.jpg", by_zone("Asia/Tokyo"))
    await adjusted(rig, "here.jpg", by_zone("Asia/Tokyo"))
    await adjusted(rig, "here.jpg", None)
    wanted = await dates(rig)
    tell = "SELECT t.path, a.made, a.what, a.by FROM adjusted a JOIN item t ON t.id = a.item_id ORDER BY 1, 2"
    told = await rig.engine.database.read(tell)
    await rig.restarted(*([] if again else ["fresh home"]))
    await rig.engine.maintenance.rebuild(str(rig.archive))
    assert await rig.engine.database.read(tell) == told
    # Metadata is read anew.
    await understood(rig)
    assert await dates(rig) == wanted
    for _ in range(2):
        await adjusted(rig, "A001", None)
    assert await dates(rig) == DATES


@pytest.mark.parametrize("writable", [True, False], ids=["writable", "read-only"])
async def test_figures_follow_corrections_of_another_engine(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, writable: bool
) -> None:
    """But not in an archive that may only be read: their job would wait for ever."""
    await brought(rig)
    await rig.restarted("other home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    await understood(rig)
    await rig.restarted()
    await adjusted(rig, "A001", by_shift("+1h"))
    await rig.restarted("other home")
    database = rig.engine.database
    await database.run(("DELETE FROM job", [()]))
    if not writable:
        read_only = property(lambda archive: False, lambda archive, value: None)
        monkeypatch.setattr(Archive, "writable", read_only, raising=False)
    async with rig.engine.archives.used(str(rig.archive)):
        assert await database.read("SELECT 1 FROM adjusted LIMIT 1")
    jobs = await database.read("SELECT DISTINCT queue FROM job WHERE queue = 'location_stats'")
    assert jobs == ([("location_stats",)] if writable else [])


async def test_another_engine_that_knows_the_import_learns_of_them(rig: Rig) -> None:
    await brought(rig)
    await rig.restarted("other home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    await understood(rig)
    await rig.restarted()
    await adjusted(rig, "A001", by_shift("+1h"))
    wanted = await dates(rig)
    await rig.restarted("other home")
    await rig.engine.maintenance.derive(str(rig.archive))
    assert await dates(rig) == wanted
    await rig.restarted()
    await adjusted(rig, "A001", None)
    await rig.restarted("other home")
    await rig.engine.maintenance.derive(str(rig.archive))
    assert await dates(rig) == DATES


async def test_what_exiftool_finds_later_waits_behind_a_correction(rig: Rig) -> None:
    await brought(rig)
    await adjusted(rig, "a.jpg", by_shift("+1h"))
    wanted = await dates(rig)
    await understood(rig)
    assert await dates(rig) == wanted
    await rig.engine.database.run(("UPDATE unadjusted SET captured_local = '2000-01-01T00:00:00'", [()]))
    await adjusted(rig, "a.jpg", None)
    assert (await dates(rig))["DCIM/a.jpg"][1] == "2000-01-01T00:00:00"


async def test_a_correction_of_many_pages_is_one_correction(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adjust, "PAGE", 2)
    monkeypatch.setattr(adjust, "SHOWN", 3)
    await brought(rig)
    result = await adjusted(rig, "A001", by_shift("+1h"))
    assert (result.count, len(result.shown)) == (4, 3)
    (journal,) = rig.journals()
    lines = [json.loads(line) for line in journal.read_bytes().splitlines() if b'"adjusted"' in line]
    assert len({line["adjusted"] for line in lines}) == 1
    assert sum(len(line["dates"]) for line in lines) == 4
    assert (await adjusted(rig, "A001", None)).count == 4
    assert await dates(rig) == DATES


async def test_what_a_name_means(rig: Rig) -> None:
    name = await brought(rig)
    (rig.source / "DCIM/a.jpg").write_bytes(b"another")
    other = (await rig.imported(label="2024")).id
    await rig.engine.database.run(("UPDATE import SET name = '20990101-000000-cafe' WHERE name = ?", [(other,)]))
    shift = by_shift("+1h")
    for text, count in ((name, 4), (name[:-1], 4), ("a001", 4), ("a.jpg", 1), ("card:a001 kind:videos", 1)):
        assert (await adjusted(rig, text, shift, dry=True)).count == count, text
    assert (await adjusted(rig, "2024", shift, dry=True)).count == 3, "a card, before a year"
    assert (await adjusted(rig, "date:2024-05-06", shift, dry=True)).count == 4
    for text in ("nothing-like-it", "", " ", "20300101-0", "kind:paintings"):
        with pytest.raises(UsageError):
            await adjusted(rig, text, shift)


async def test_an_import_under_way_is_left(rig: Rig) -> None:
    name = await brought(rig)
    await rig.engine.database.run(("UPDATE import SET state = 'paused' WHERE name = ?", [(name,)]))
    result = await adjusted(rig, "a.jpg", by_shift("+1h"), dry=True)
    assert (result.count, result.left) == (0, ((IMPORT_NOT_ENDED, 1),))


async def test_an_archive_that_is_away(rig: Rig) -> None:
    await brought(rig)
    rig.archive.rename(rig.root / "elsewhere")
    with pytest.raises(ArchiveError):
        await adjusted(rig, "A001", by_shift("+1h"))
    assert await dates(rig) == DATES
    (rig.root / "elsewhere").rename(rig.archive)


async def test_a_move_takes_them_along(rig: Rig) -> None:
    name = await brought(rig, "location")
    # Another card with the same picture needs it where it is: the move makes a copy of it.
    write(rig.root / "second/DCIM/a.jpg", (rig.source / "DCIM/a.jpg").read_bytes())
    await rig.imported(rig.root / "second", duplicates="location")
    await adjusted(rig, "A001", by_shift("+1h"))
    wanted = await dates(rig)
    moved = await rig.engine.maintenance.move(name, "Bern")
    assert (moved.files, moved.copied) == (len(DATES) - 1, 1)
    await understood(rig)
    assert await dates(rig) == wanted
    assert (await adjusted(rig, "A001", None)).count == 4
    assert await dates(rig) == DATES


async def test_a_damaged_line_is_passed_over(rig: Rig) -> None:
    await brought(rig)
    await adjusted(rig, "A001", by_shift("+1h"))
    (journal,) = rig.journals()
    text = journal.read_bytes()
    journal.write_bytes(text.replace(b'"2024-05-06T13:00:00"', b'"2024-05-06T13:00:01"'))
    await rig.restarted("fresh home")
    await rig.engine.maintenance.rebuild(str(rig.archive))
    await understood(rig)
    assert await dates(rig) == DATES
