"""An engine that stands still: the app says so, and its keys go on."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from core.config import Config
from core.errors import OtherVersionError, UsageError
from core.listings import FilePage, ImportRecord
from core.models import ImportRequest
from core.protocol.archive_requests import DescribeLocation
from tests.tui.app import moments
from tests.tui.app.fake import Fake
from tests.tui.app.pilot import Running, running
from tests.tui.app.records import engine
from tests.tui.app.test_new_import import SURVEY
from tests.tui.app.test_tasks import PLACE
from tests.tui.app.test_type_ahead import burst
from tests.tui.app.volumes import card
from tui import app as tui_app
from tui import engine_link
from tui.screens import base
from tui.screens.dashboard import Dashboard
from tui.screens.help import Help
from tui.screens.imports import Imports
from tui.screens.prompt import Ask

pytestmark = pytest.mark.terminal


class Frozen(Fake):
    """Answers nothing that changes something until `thawed` is set."""

    def __init__(self) -> None:
        super().__init__(moments.FAILING)
        self.__dict__ |= {name: value for name, value in vars(engine()).items() if name not in ("news", "newest")}
        self.thawed = asyncio.Event()

    async def pause_import(self, name: str, reason: str = "by the user") -> None:
        self._note("pause", name)
        await self.thawed.wait()
        self._may_fail()

    async def call(self, request: Any, **kinds: Any) -> Any:
        self._note("call", request)
        await self.thawed.wait()
        return await super().call(request, **kinds)

    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]:
        await self.thawed.wait()
        return await super().start_imports(requests)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys do not wait long for an engine that never answers here."""
    monkeypatch.setattr(base, "ACT_TIMEOUT", 0.01)


async def _asked(app: Running, what: str) -> None:
    await app.until(lambda: any(asked[0] == what for asked in app.fake.asked))


async def test_keys_go_on_while_the_engine_does_not_answer() -> None:
    async with running(None, fake=Frozen()) as app:
        burst(app, "j", "p")
        await _asked(app, "pause")
        burst(app, "question_mark")
        await app.until(lambda: isinstance(app.app.screen, Help))
        await app.press("escape", "i")
        await app.until(lambda: isinstance(app.app.screen, Imports))
        await app.press("escape")
        assert isinstance(app.app.screen, Dashboard)


async def test_a_second_key_says_why_it_does_nothing() -> None:
    fake = Frozen()
    async with running(None, fake=fake) as app:
        burst(app, "j", "p", "p")
        await app.until(lambda: base.UNANSWERED in app.foot)
        assert [asked[0] for asked in fake.asked].count("pause") == 1
        fake.thawed.set()
        await app.settled()
        await app.press("p")
        assert [asked[0] for asked in fake.asked].count("pause") == 2


async def test_an_error_that_comes_after_the_screen_was_left_is_shown_where_one_is() -> None:
    fake = Frozen()
    async with running(None, fake=fake) as app:
        await app.press("i", "p")
        await app.until(lambda: app.app.screen.why_not("pause") == "")  # type: ignore[attr-defined]
        await app.press("p")
        await _asked(app, "pause")
        await app.press("escape")
        assert isinstance(app.app.screen, Dashboard)
        fake.fault = UsageError("it has ended.", "Look at its receipt.")
        fake.thawed.set()
        await app.until(lambda: "it has ended." in app.foot)


async def test_no_dialog_opens_on_another_screen_than_the_one_that_asked() -> None:
    fake = Frozen()
    async with running(None, fake=fake) as app:
        await app.press("i", "l")
        await _asked(app, "call")
        await app.press("escape")
        assert isinstance(app.app.screen, Dashboard)
        fake.answers[DescribeLocation] = PLACE
        fake.thawed.set()
        await app.settled()
        assert not isinstance(app.app.screen, Ask)


async def test_silence_is_told_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tui_app, "SILENT_DRAWS", 1)
    fake = Fake(moments.FAILING)
    fake.frozen = True
    async with running(None, fake=fake) as app:
        await app.until(lambda: tui_app.SILENT in app.text)
        await app.press("p")
        assert "The engine does not answer just now." in app.foot
        fake.frozen = False
        await app.push(moments.RUNNING)
        assert tui_app.SILENT not in app.text
        await app.press("j", "p")
        assert ("pause", moments.B002.id) in fake.asked


class Unread(Frozen):
    """Answers no list until `thawed` is set."""

    async def imports(self, **more: Any) -> list[ImportRecord]:
        await self.thawed.wait()
        return await super().imports(**more)

    async def files(self, *request: Any, **more: Any) -> FilePage:
        await self.thawed.wait()
        return await super().files(*request, **more)


@pytest.mark.parametrize(
    ("way", "then"), [(("i",), "IMPORTS, 6"), (("enter", "enter"), "FILES, "), (("slash",), "FILES, ")]
)
async def test_silence_is_told_on_every_screen(
    way: tuple[str, ...], then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tui_app, "SILENT_DRAWS", 1)
    fake = Unread()
    async with running(None, fake=fake) as app:
        await app.press(*way)
        await app.until(lambda: "Reading." in app.text)
        fake.frozen = True
        await app.until(lambda: "The engine does not answer just now." in app.foot)
        app.app.screen.keys._unsay(app.app.screen.keys._said)  # type: ignore[attr-defined]
        await app.settled()
        assert "The engine does not answer just now." in app.text
        assert "Reading." not in app.text
        app.app.screen.say(app.app.away)  # type: ignore[attr-defined]
        fake.frozen = False
        fake.thawed.set()
        await app.push(moments.RUNNING)
        await app.until(lambda: then in app.text)
        assert "does not answer" not in app.text


class Replaced(Fake):
    """An engine in whose place one of a newer version is found, once it is lost."""

    async def start(self) -> None:
        if self.lost:
            self._note("refused")
            raise OtherVersionError("process 7 is version 9.9, this is 0.1.", "Use the newer one.")
        await super().start()


async def test_an_engine_that_was_replaced_is_told_and_what_to_do_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_link, "RECONNECT_INTERVAL", 0.01)
    fake = Replaced(moments.RUNNING)
    told: list[str] = []
    async with running(None, fake=fake) as app:
        await app.until(lambda: "A001" in app.text)
        monkeypatch.setattr(app.app.screen, "say", lambda message, style: told.append(message))
        fake.lose()
        await app.until(lambda: "ENGINE LOST: process 7 is version 9.9, this is 0.1." in app.text)
        await app.until(lambda: [asked[0] for asked in fake.asked].count("refused") > 2)
        assert told == ["Use the newer one."]
        assert "A001" in app.text, "what was known last stays"
        fake.lost = False
        await app.until(lambda: "ENGINE LOST" not in app.text)


async def test_an_import_that_is_being_started_is_started_once(tmp_path: Path) -> None:
    fake = Frozen()
    fake.surveys = [SURVEY]
    settings = Config(home=os.fspath(tmp_path), archive="/nas/archive", location="Mill Creek")
    async with running(None, fake=fake, settings=settings, volumes=lambda: [card("B002")]) as app:
        await app.press("n")
        await app.until(lambda: app.app.screen.why_not("start") == "")  # type: ignore[attr-defined]
        await app.press("s", "s")
        assert base.UNANSWERED in app.foot
        await app.press("escape")
        assert "being started" in app.foot
        await app.press("question_mark")
        assert isinstance(app.app.screen, Help)
        fake.thawed.set()
        await app.settled()
        assert [asked[0] for asked in fake.asked].count("start") == 1
        await app.press("escape")
        assert isinstance(app.app.screen, Dashboard)
        assert app.app.draft is None
