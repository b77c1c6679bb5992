"""The files of one import: pages, filters, search, details."""

import msgspec
import pytest

from core.models import Outcome
from tests.tui.app.moments import C003
from tests.tui.app.pilot import running
from tests.tui.app.records import FILES, engine, file, opened, record
from tui.screens.import_ import Import
from tui.screens.imports import Imports
from tui.screens.text_viewer import Reading

pytestmark = pytest.mark.terminal


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
