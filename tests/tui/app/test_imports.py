"""All imports, one import, its files and receipt, and finding files."""

import os
import re
from pathlib import Path

import msgspec
import pytest

from core.errors import EngineError
from core.listings import FileView, ImportRecord
from core.models import Outcome, Verdict
from core.protocol.import_requests import FilePosition
from tests.tui.app import moments, pictures
from tests.tui.app.fake import Fake
from tests.tui.app.moments import A001, B002, C003, NOW
from tests.tui.app.pilot import SIZES, Running, running
from tests.tui.views import HOSTILE, count
from tui.screens import import_
from tui.screens.confirm import Confirm
from tui.screens.dashboard import Dashboard
from tui.screens.find import Find
from tui.screens.import_ import Import
from tui.screens.imports import Imports
from tui.screens.text_viewer import Reading

pytestmark = pytest.mark.terminal

EVIL = {"\x1b", "\x07", "\x9b", "\u202e"}


def record(row: int, **changed: object) -> ImportRecord:
    values: dict[str, object] = {
        "row": row,
        "id": f"2025120{row}-090000-000{row}",
        "started": NOW - 86400 * (9 - row),
        "ended": NOW - 86400 * (9 - row) + 200,
        "source": f"/Volumes/Z{row}",
        "archive": "nas:archive",
        "location": "Mill Creek Asylum",
        "state": "done",
        "seen": 12,
        "archived": 10,
        "duplicate": 2,
        "verdict": Verdict.SAFE,
        "proven": (("medium", 9), ("", 1)),
    }
    return ImportRecord(**(values | changed))  # type: ignore[arg-type]


RECORDS = [
    record(1),
    record(2, state="cancelled", verdict=Verdict.KEEP, verdict_reason="9 were not brought in", todo=9),
    record(3, state="interrupted", verdict=Verdict.OPEN, ended=None, todo=7, reason="", label="Card 3"),
    *(
        record(
            number,
            id=view.id,
            label=view.label,
            started=view.started,
            ended=view.ended,
            state=str(view.state),
            verdict=view.verdict,
            failed=view.failed.files,
        )
        for number, view in ((4, A001), (5, B002), (6, C003))
    ),
]


def file(number: int, outcome: Outcome = Outcome.ARCHIVED, **changed: object) -> FileView:
    values: dict[str, object] = {
        "id": number,
        "import_id": RECORDS[0].id,
        "path": f"DCIM/100CANON/IMG_{number:05}.CR3",
        "size": 45_000_000 + number,
        "mtime": NOW - 90000 + number,
        "kind": "images",
        "outcome": outcome,
        "payload": f"locations/mill-creek-1/data/images/ab/{number:032x}.cr3",
        "level": "medium",
        "captured": "2025-12-05T09:10:11",
        "camera": "Canon EOS R5",
        "label": "A001",
        "location": "Mill Creek Asylum",
        "archive": "/nas/archive",
    }
    return FileView(**(values | changed))  # type: ignore[arg-type]


FILES = [
    file(1, Outcome.FAILED, reason="source: Input/output error", payload=""),
    file(2, Outcome.DUPLICATE),
    file(3, Outcome.SKIPPED, reason="left out by *.tmp", payload=""),
    *(file(number) for number in range(4, 1001)),
]


def engine() -> Fake:
    fake = Fake(moments.FAILING)
    fake.records = list(RECORDS)
    fake.all_files = list(FILES)
    fake.receipts = {one.id: f"BILL OF LADING  {one.id}\n\nLabel  x\nVerdict     SAFE\n" for one in RECORDS}
    return fake


async def opened(app: Running, *keys: str) -> None:
    await app.press("i")
    await app.until(lambda: "IMPORTS, 6" in app.text)
    await app.press(*keys)
    await app.settled()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_all_imports(size: tuple[int, int]) -> None:
    async with running(None, size, fake=engine()) as app:
        await opened(app)
        rows = app.text.splitlines()[2:8]
        for row, words in zip(rows, ("C003", "B002", "A001", "Card 3", "Z2", "Z1"), strict=True):
            assert words in row
        assert "RUNNING 49%" in rows[0]
        assert "INTERRUPTED" in rows[3]
        assert pictures.same(app.app, f"imports-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_long_name_stands_apart_from_the_numbers(size: tuple[int, int]) -> None:
    fake = engine()
    fake.records[0] = msgspec.structs.replace(fake.records[0], label="a card with a name that is long")
    async with running(None, size, fake=fake) as app:
        await opened(app)
        assert re.search(r"… +10 new", app.text.splitlines()[7])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_is_damaged_since_stands_beside_safe(size: tuple[int, int]) -> None:
    fake = engine()
    fake.records[0] = msgspec.structs.replace(fake.records[0], damaged=2)
    async with running(None, size, fake=fake) as app:
        await opened(app, "G")
        row = app.text.splitlines()[7]
        assert "SAFE" in row
        assert "2 damaged" in row
        assert "Mill C" in row, "the location is not cut off for it"
        assert "damaged" not in app.text.splitlines()[4], "this one has none"
        await app.press("enter")
        await app.until(lambda: "FILES, 1,000" in app.text)
        assert "2 damaged since" in app.text


async def test_no_import_yet() -> None:
    async with running(moments.EMPTY) as app:
        await app.press("i")
        await app.until(lambda: "Nothing was imported yet" in app.text)
        await app.press("enter")
        assert "There is no import." in app.foot
        await app.press("escape")
        assert isinstance(app.app.screen, Dashboard)


async def test_opened_before_there_is_an_engine() -> None:
    fake = Fake()
    async with running(None, fake=fake) as app:
        fake.fault = EngineError("there is no engine just now.", "Wait.")
        await app.press("i")
        await app.settled()
        assert "IMPORTS" in app.text
        fake.fault = None
        fake.push(moments.EMPTY)
        await app.until(lambda: "Nothing was imported yet" in app.text)


async def test_steering_from_the_list() -> None:
    async with running(None, fake=engine()) as app:
        await opened(app, "j", "p")
        assert app.fake.asked[-1] == ("pause", B002.id)
        await app.press("j", "p")
        assert "It is done." in app.foot
        await app.press("j", "r")
        assert app.fake.asked[-1] == ("resume", RECORDS[2].id)
        await app.press("x")
        assert isinstance(app.app.screen, Confirm)
        await app.press("y")
        assert ("cancel", RECORDS[2].id) in app.fake.asked


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_one_import(size: tuple[int, int]) -> None:
    async with running(None, size, fake=engine()) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text and "Mill Creek" in app.text)
        assert "seen 12 = archived 10 + duplicate 2" in app.text
        assert "proven 9 read back from the medium, 1 not read back" in app.text
        assert "source: Inp" in app.text
        assert pictures.same(app.app, f"import-{size[0]}x{size[1]}")


@pytest.mark.parametrize("state", ["done", "paused"])
@pytest.mark.parametrize("source", ["/Volumes/Z1", "/home/ann/Pictures/weddings/2025/Anna and Bruno/ceremony/Z1"])
async def test_the_head_of_an_import_keeps_the_end_of_its_paths(source: str, state: str) -> None:
    fake = engine()
    archive = "/run/media/ann/NAS of the studio/volume 1/photography/archive-2025"
    fake.records[0] = record(1, source=source, archive=archive, state=state)
    async with running(None, fake=fake) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text and "Mill Creek" in app.text)
        place = app.text.splitlines()[1]
        assert "Z1 to Mill Creek Asylum in …" in place
        assert place.endswith("/archive-2025")
        assert ("bag stays open until this goes on or is cancelled" in app.text) == (state == "paused")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_found_files_tell_whose_date_it_is_and_how_many_imports_had_them(size: tuple[int, int]) -> None:
    fake = engine()
    fake.all_files = [file(770, captured="", imports=5), file(771, imports=1)]
    async with running(None, size, fake=fake) as app:
        await app.press("slash")
        await app.until(lambda: "FILES, 2" in app.text)
        changed_at, captured = (row for row in app.text.splitlines() if "IMG_" in row)
        assert "2025-12-05 13:13*" in changed_at
        assert f"{RECORDS[0].id[-8:]} +4" in changed_at
        assert "2025-12-05 09:10 " in captured
        assert "+" not in captured
        # What follows stands below each other.
        assert captured.index("Mill" if size[0] < 100 else "Canon") == changed_at.index(
            RECORDS[0].id[-8:] if size[0] < 100 else "Canon"
        )


VIEWING = [("slash", "down"), ("slash", "down", "g"), ("slash", "down", "enter"), ("i", "enter")]
"""The keys that lead to each screen on which a file is chosen."""


@pytest.mark.parametrize("way", VIEWING)
async def test_a_copy_of_the_chosen_file_is_opened(
    way: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("xdg-open", "open"):
        (tmp_path / name).write_text(f'#!/bin/sh\nprintf %s "$*" >{tmp_path}/told\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    fake = engine()
    fake.all_files = [file(770, sha256="ab" * 32)]
    async with running(None, fake=fake) as app:
        for key in way:
            await app.press(key)
            await app.until(lambda: "Reading." not in app.text)
        await app.until(lambda: "IMG_00770" in app.text)
        await app.press("V")
        await app.until(lambda: "Opened: /home/views/DCIM/100CANON/IMG_00770.CR3" in app.foot)
        assert (tmp_path / "told").read_text() == "/home/views/DCIM/100CANON/IMG_00770.CR3"
        assert ("view", "ab" * 32, "DCIM/100CANON/IMG_00770.CR3") in fake.asked
        # Nothing is copied where nothing would show it.
        monkeypatch.delenv("DISPLAY")
        monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
        before = len([asked for asked in fake.asked if asked[0] == "view"])
        await app.press("V")
        await app.until(lambda: "no display here. Use its path (y), lading serve or the picture" in app.foot)
        assert len([asked for asked in fake.asked if asked[0] == "view"]) == before


async def test_what_is_not_opened_says_why() -> None:
    fake = engine()
    fake.all_files = [file(1, Outcome.FAILED, payload=""), file(2, sha256="ab" * 32, kind="documents")]
    async with running(None, fake=fake) as app:
        await app.press("slash", "down")
        await app.until(lambda: "FILES, 2" in app.text)
        await app.press("V")
        assert "That file is not in the archive." in app.foot
        await app.press("down", "V")
        assert "Only photos, films and sound are opened in a viewer." in app.foot
        assert not [asked for asked in fake.asked if asked[0] == "view"]


async def test_files_are_fetched_by_the_page() -> None:
    async with running(None, fake=engine()) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text)
        await app.press("G")
        await app.until(lambda: "IMG_01000" in app.text)
        pages = [asked[-1] for asked in app.fake.asked if asked[0] == "files"]
        assert pages == [0, 800], "pages in between are not fetched"
        await app.press("pageup")
        assert ">archived" in app.text


async def test_filter_and_search() -> None:
    fake = engine()
    fake.records[0] = msgspec.structs.replace(fake.records[0], failed=1, skipped=1)
    async with running(None, fake=fake) as app:
        await opened(app, "G", "enter", "f")
        await app.until(lambda: "FAILED, 1" in app.text)
        # Nothing is to do, so that filter is passed over; F goes the other way.
        await app.press("f")
        await app.until(lambda: "SKIPPED, 1" in app.text)
        await app.press("F")
        await app.until(lambda: "FAILED, 1" in app.text)
        await app.press("F", "slash")
        await app.type("CR3 077")
        await app.press("enter")
        await app.until(lambda: "FILES, 11" in app.text and "with CR3 077" in app.text)
        await app.press("slash", *["backspace"] * 7)
        await app.type("nothing")
        await app.press("enter")
        await app.until(lambda: "There is no such file." in app.text)
        await app.press("enter")
        assert "There is no file." in app.foot


async def test_from_an_error_to_the_files_that_failed() -> None:
    fake = engine()
    async with running(None, fake=fake) as app:
        await app.press("5", "enter", "enter")
        await app.until(lambda: "FAILED, 1" in app.text)
        assert ("files", C003.id, (Outcome.FAILED,), "", 0) in fake.asked


async def test_details_and_copying(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(None, fake=engine()) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text)
        await app.press("y")
        assert app.app.clipboard == FILES[0].path
        await app.press("j", "y")
        assert app.app.clipboard == f"/nas/archive/{FILES[1].payload}"
        assert "Copied:" in app.foot
        await app.press("enter")
        await app.until(lambda: "SHA-256" in app.text)
        assert isinstance(app.app.screen, Reading)
        assert ("known", 2) in app.fake.asked
        await app.press("G", "y")
        assert app.app.clipboard == "ab" * 32
        await app.press("escape")
        assert isinstance(app.app.screen, Import)


@pytest.mark.parametrize("way", [("v",), ("enter", "v")])
async def test_the_receipt(way: tuple[str, ...]) -> None:
    async with running(None, fake=engine()) as app:
        await opened(app, "G", *way)
        await app.until(lambda: "BILL OF LADING" in app.text)
        assert "Verdict     SAFE" in app.text
        assert pictures.same(app.app, "receipt-80x24")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_finding(size: tuple[int, int]) -> None:
    fake = engine()
    async with running(None, size, fake=fake) as app:
        await app.press("slash")
        assert isinstance(app.app.screen, Find)
        await app.type("IMG_0077q")
        await app.until(lambda: "Nothing fits." in app.text)
        await app.press("backspace")
        await app.until(lambda: "FILES, 10" in app.text)
        await app.press("enter")
        assert pictures.same(app.app, f"find-{size[0]}x{size[1]}")
        await app.press("j", "o")
        assert isinstance(app.app.screen, Import)
        await app.press("escape", "slash", "escape")
        assert isinstance(app.app.screen, Dashboard)


async def test_hostile_names_do_nothing() -> None:
    fake = engine()
    fake.records = [record(1, label=HOSTILE + "[/]", source=HOSTILE, location=HOSTILE, reason=HOSTILE)]
    fake.all_files = [
        file(1, Outcome.FAILED, path=HOSTILE + "[/x]", reason=HOSTILE, camera=HOSTILE, payload=HOSTILE)
    ]
    fake.receipts = {fake.records[0].id: HOSTILE}
    async with running(None, fake=fake) as app:
        for keys in (
            ("i",),
            ("enter",),
            ("enter",),
            ("escape", "v"),
            ("escape", "escape", "escape", "slash"),
            ("tab",),
        ):
            await app.press(*keys)
            await app.pilot.pause(0.1)
            assert not EVIL & set(app.text), keys
        await app.press("y")
        assert not EVIL & set(app.text)


async def test_ascii() -> None:
    async with running(None, fake=engine(), utf8=False) as app:
        for keys in (("i",), ("enter",), ("enter",), ("escape", "v")):
            await app.press(*keys)
            await app.pilot.pause(0.1)
            assert app.text.isascii(), keys


async def test_the_list_follows_what_ends() -> None:
    fake = engine()
    async with running(None, fake=fake) as app:
        await opened(app)
        assert isinstance(app.app.screen, Imports)
        before = len([asked for asked in fake.asked if asked[0] == "imports"])
        await app.push(moments.DONE)
        await app.settled()
        assert len([asked for asked in fake.asked if asked[0] == "imports"]) == before + 1
        assert "KEEP" in app.text


async def test_what_a_retry_has_brought_in_is_shown_with_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_, "REFRESH_INTERVAL", 3600.0)
    fake = engine()
    failing = msgspec.structs.replace(moments.A001, failed=count(1), verdict=Verdict.KEEP)
    fake.newest = msgspec.structs.replace(moments.SAFE, imports=(failing,))
    fake.all_files = [file(1, Outcome.FAILED, import_id=failing.id, reason="source: Input/output error")]
    async with running(None, fake=fake) as app:
        await opened(app, "j", "j", "enter")
        await app.until(lambda: ">FAILED" in app.text)
        fake.all_files = [file(1, import_id=failing.id)]
        await app.push(moments.SAFE)
        await app.until(lambda: ">archived" in app.text)


async def test_what_belongs_to_a_file_is_followed_and_a_found_file_chosen() -> None:
    fake = engine()
    pair, other = file(1001, path="DCIM/IMG_9.CR3"), file(1002, path="DCIM/IMG_9.JPG")
    fake.all_files += [pair, other]
    fake.facts = {pair.id: [("original", pair.path), ("raw pair", f"card/{other.path}")]}
    fake.answers[FilePosition] = len(fake.all_files) - 2
    async with running(None, fake=fake) as app:
        await app.press("slash")
        await app.type("IMG_9.")
        await app.press("enter")
        await app.until(lambda: "FILES, 2" in app.text)
        await app.press("o")
        await app.until(lambda: f">archived  {pair.path}" in app.text)
        await app.press("enter")
        await app.until(lambda: "raw pair" in app.text)
        await app.press("enter")
        assert "names no other file" in app.foot
        await app.press("G", "enter")
        await app.until(lambda: app.text.splitlines()[1].strip() == f">{other.path}")


async def test_escape_takes_a_search_back_before_it_leaves() -> None:
    async with running(None, fake=engine()) as app:
        await opened(app, "G", "enter")
        await app.press("slash")
        await app.type("IMG_00077")
        await app.press("enter")
        await app.until(lambda: "FILES, 1 " in app.text)
        await app.press("escape")
        await app.until(lambda: "FILES, 1,000" in app.text)
        assert isinstance(app.app.screen, Import)
        await app.press("escape")
        assert not isinstance(app.app.screen, Import)


async def test_junk_is_counted_and_listed_by_itself() -> None:
    fake = engine()
    fake.records[0] = record(1, seen=2377, archived=1997, duplicate=3, skipped=2, junk=375)
    fake.all_files[4] = msgspec.structs.replace(fake.all_files[4], path=".DS_Store", outcome=Outcome.LITTER)
    async with running(None, (170, 40), fake=fake) as app:
        await opened(app, "G")
        await app.until(lambda: "skipped     2\n" in app.text)
        assert "junk        375\n" in app.text
        await app.press("enter")
        await app.until(lambda: "skipped 2, junk 375, duplicate 3" in app.text)
        assert "duplicate 3 + skipped 2 + failed 0 + to do 0 + junk 375" in app.text
        await app.press("f", "f")
        await app.until(lambda: "JUNK, 1 " in app.text)
        assert ".DS_Store" in app.text


async def test_filters_have_counts_and_escape_clears_them() -> None:
    fake = engine()
    fake.records[0] = record(1, archived=997, duplicate=1, skipped=1, failed=1)
    async with running(None, (120, 40), fake=fake) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "failed 1, skipped 1, duplicate 1, archived 997" in app.text)
        await app.press("f")
        await app.until(lambda: "FAILED, 1" in app.text)
        await app.press("f")
        await app.until(lambda: "SKIPPED, 1" in app.text)
        await app.press("escape")
        await app.until(lambda: "FILES, 1,000" in app.text)
        assert isinstance(app.app.screen, Import)
        await app.press("escape")
        assert isinstance(app.app.screen, Imports)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (170, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_film_in_pictures_is_one_row_with_its_gaps(size: tuple[int, int]) -> None:
    fake, told = engine(), "frames 0–86,399, 3 missing: 1,204–1,206"
    fake.all_files = [file(1, path="A001/2880x1620/A001C001_250801_R1AB.0000000.ari", sequence=told), file(2)]
    async with running(None, size, fake=fake) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "R1AB.0000000.ari" in app.text)
        assert told in app.text


async def test_a_wide_screen_has_facts_beside_its_lists() -> None:
    fake = engine()
    fake.facts = {1: [("original", FILES[0].path), ("camera", "EOS R5"), ("SHA-256", "ab" * 32)]}
    async with running(None, (170, 40), fake=fake) as app:
        await opened(app, "G")
        await app.until(lambda: "from        /Volumes/Z1" in app.text)
        assert pictures.same(app.app, "imports-170x40")
        await app.press("enter")
        await app.until(lambda: "camera      EOS R5" in app.text)
        assert pictures.same(app.app, "import-170x40")
        await app.press("j")
        await app.until(lambda: "original    file 2" in app.text)
    async with running(None, (159, 40), fake=fake) as app:
        await opened(app, "G")
        assert "from        /Volumes/Z1" not in app.text
