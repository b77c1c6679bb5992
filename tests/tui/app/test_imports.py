"""All imports, one import, its files and receipt, and finding files."""

import re

import msgspec
import pytest

from core.errors import EngineError
from core.models import Outcome, Verdict
from tests.tui.app import moments, pictures
from tests.tui.app.fake import Fake
from tests.tui.app.moments import B002
from tests.tui.app.pilot import SIZES, running
from tests.tui.app.records import EVIL, FILES, RECORDS, engine, file, opened, record
from tests.tui.views import HOSTILE, count
from tui.screens import import_
from tui.screens.confirm import Confirm
from tui.screens.dashboard import Dashboard
from tui.screens.imports import Imports

pytestmark = pytest.mark.terminal


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


@pytest.mark.parametrize("way", [("v",), ("enter", "v")])
async def test_the_receipt(way: tuple[str, ...]) -> None:
    async with running(None, fake=engine()) as app:
        await opened(app, "G", *way)
        await app.until(lambda: "BILL OF LADING" in app.text)
        assert "Verdict     SAFE" in app.text
        assert pictures.same(app.app, "receipt-80x24")


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
