"""Keys that come in one piece, as over a slow connection, do what they do one after the other."""

import asyncio
from pathlib import Path

import pytest
from textual.events import Key
from textual.keys import _character_to_key

from core.config import Config
from core.listings import ImportRecord
from tests.tui.app import moments
from tests.tui.app.fake import Fake
from tests.tui.app.pilot import Running, running
from tests.tui.app.records import FILES, RECORDS, engine
from tui import type_ahead
from tui.screens.confirm import Confirm
from tui.screens.dashboard import Dashboard
from tui.screens.file_facts import FileFacts
from tui.screens.import_ import Import
from tui.screens.imports import Imports
from tui.screens.new_import import NewImport
from tui.screens.receipt import Receipt

pytestmark = pytest.mark.terminal


class Slow(Fake):
    """An engine whose list of imports arrives when `there` is set."""

    def __init__(self) -> None:
        super().__init__(moments.FAILING)
        self.__dict__ |= {name: value for name, value in vars(engine()).items() if name != "news"}
        self.there = asyncio.Event()

    async def imports(self, *, unfinished: bool = False) -> list[ImportRecord]:
        await self.there.wait()
        return await super().imports(unfinished=unfinished)


def burst(app: Running, *keys: str) -> None:
    """Type all of it before anything is done."""
    for key in keys:
        typed = key if len(key) == 1 else None
        app.app.post_message(Key(_character_to_key(typed) if typed else key, typed))


@pytest.fixture(autouse=True)
def no_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on only because it has taken long."""
    monkeypatch.setattr(type_ahead, "PATIENCE", 60.0)
    monkeypatch.setattr(type_ahead, "DONE_TIMEOUT", 60.0)


async def test_keys_wait_for_the_rows_that_they_are_about() -> None:
    fake = Slow()
    async with running(None, fake=fake) as app:
        burst(app, "i", "G", "enter")
        await app.until(lambda: isinstance(app.app.screen, Imports))
        await app.settled()
        assert "Reading." in app.text
        assert "There is no import" not in app.text
        fake.there.set()
        await app.until(lambda: isinstance(app.app.screen, Import))
        assert app.app.screen.import_id == RECORDS[0].id  # type: ignore[attr-defined]


async def test_they_go_through_several_screens() -> None:
    async with running(None, fake=engine()) as app:
        burst(app, "i", "G", "enter", "G", "enter")
        await app.until(lambda: isinstance(app.app.screen, FileFacts) and "SHA-256" in app.text)
        assert ("known", FILES[-1].id) in app.fake.asked
        burst(app, "escape", "escape", "v", "escape", "k", "v")
        await app.until(lambda: isinstance(app.app.screen, Receipt))
        assert [asked for asked in app.fake.asked if asked[0] == "receipt"][-1] == ("receipt", RECORDS[1].id)
        assert [type(screen) for screen in app.app.screen_stack] == [Dashboard, Imports, Receipt]


async def test_what_leaves_does_not_wait_and_takes_along_what_waited() -> None:
    fake = Slow()
    async with running(None, fake=fake) as app:
        burst(app, "i")
        await app.until(lambda: isinstance(app.app.screen, Imports))
        burst(app, "G", "x", "escape")
        await app.until(lambda: isinstance(app.app.screen, Dashboard))
        fake.there.set()
        await app.settled()
        assert isinstance(app.app.screen, Dashboard)
        burst(app, "i", "G", "question_mark")
        await app.until(lambda: "HELP, imports" in app.text)


async def test_no_key_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type_ahead, "PATIENCE", 0.0)
    async with running(None, fake=Slow()) as app:
        await app.press("i", "enter")
        await app.until(lambda: "There is no import." in app.foot)


async def test_what_is_typed_into_a_field_that_opens_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    settings = Config(home=str(tmp_path), archive="/nas/archive")
    async with running(None, fake=engine(), settings=settings) as app:
        burst(app, "n", "t", *str(tmp_path / "card"), "enter")
        await app.until(lambda: isinstance(app.app.screen, NewImport) and f"[x] card  {tmp_path}"[:30] in app.text)


async def test_a_search_is_typed_and_its_rows_gone_through() -> None:
    async with running(None, fake=engine()) as app:
        burst(app, "slash", *"IMG_0077", "enter", "j", "enter")
        await app.until(lambda: isinstance(app.app.screen, FileFacts) and "SHA-256" in app.text)
        assert ("known", 771) in app.fake.asked


async def test_a_question_is_answered_by_the_key_after_it() -> None:
    async with running(moments.RUNNING) as app:
        burst(app, "j", "x", "n", "x", "y", "x")
        await app.until(lambda: ("cancel", moments.B002.id) in app.fake.asked)
        await app.until(lambda: isinstance(app.app.screen, Confirm))
        assert len([asked for asked in app.fake.asked if asked[0] == "cancel"]) == 1


async def test_keys_after_the_last_one_do_nothing() -> None:
    async with running(moments.RUNNING) as app:
        burst(app, "i", "q", *"jxjxjx", "enter", "q")
        await app.until(lambda: not app.app.screen_stack or not app.app.is_running)
        await asyncio.sleep(0.1)
        task = app.app._keys._task
    assert task is not None
    assert task.cancelled() or (task.done() and task.exception() is None)
    assert all(asked[0] != "cancel" for asked in app.fake.asked)
