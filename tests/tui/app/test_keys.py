"""Every key of every screen at 80 × 24 acts, or says why it does not."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.config import Config
from core.errors import EngineError
from core.listings import Failure, FailureGroup
from core.protocol import Request
from tests.tui.app import moments
from tests.tui.app.fake import Fake
from tests.tui.app.pilot import Running, running
from tests.tui.app.records import FILES, RECORDS
from tests.tui.app.test_new_import import SURVEY
from tests.tui.app.volumes import several
from tui.own_keys import screens
from tui.screens.base import Base
from tui.screens.receipt import Receipt

pytestmark = pytest.mark.terminal

CAUSE = "source: Input/output error"


class Engine(Fake):
    """An engine that answers what it was not prepared for by an error, which the screen has to show."""

    async def call(self, request: Request[Any], **more: Any) -> Any:
        self._note("call", request)
        raise EngineError(f"{type(request).__name__} was asked.")


def engine() -> Engine:
    fake = Engine(msgspec.structs.replace(moments.FAILING, time=moments.NOW))
    fake.records = list(RECORDS)
    fake.all_files = [msgspec.structs.replace(file, sha256=f"{file.id:064x}") for file in FILES[3:300]]
    fake.surveys = [SURVEY] * 4
    fake.receipts = {one.id: f"BILL OF LADING  {one.id}\n" for one in RECORDS}
    fake.groups = [FailureGroup(cause=CAUSE, count=1, stage="read", attempts=3, advice="See.", newest="a.jpg")]
    fake.failed = [Failure(id=7, path="/Volumes/C/a.jpg", size=1, stage="read", attempts=3, cause=CAUSE)]
    return fake


Keys = tuple[str, ...]

OPENED_BY: dict[str, Keys] = {
    "Dashboard": (),
    "Imports": ("i",),
    "Import": ("i", "enter"),
    "Failures": ("i", "w"),
    "Receipt": ("i", "v"),
    "Find": ("slash", "down"),
    "FileFacts": ("slash", "down", "enter"),
    "Grid": ("slash", "down", "g"),
    "NewImport": ("n",),
    "Tasks": ("t",),
    "Task": ("t", "j", "j", "enter"),
    "Help": ("question_mark",),
}
"""The keys that lead from the dashboard to each screen."""


def test_every_screen_is_here() -> None:
    assert {kind.__name__ for kind in screens()} == set(OPENED_BY)


async def go_to(app: Running, name: str) -> Base[Any]:
    """Open a screen from the dashboard."""
    while len(app.app.screen_stack) > 1:
        app.app.pop_screen()
        await app.settled()
    for key in OPENED_BY[name]:
        await app.press(key)
        await app.until(lambda: "Reading." not in app.text)
    assert type(app.app.screen).__name__ == name
    assert isinstance(app.app.screen, Base)
    return app.app.screen


async def told(app: Running) -> tuple[object, ...]:
    """All that a key can change: what is shown, what the engine was asked, what was copied."""
    await app.settled()
    return app.text, app.app.screen, app.app.focused, len(app.fake.asked), len(LEFT)


LEFT: list[str] = []


async def silent(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of a screen after which nothing is another."""
    settings = Config(home=str(home), archive="/nas/archive", operator="Ann")
    found: list[str] = []
    async with running(None, fake=engine(), settings=settings, volumes=several) as app:
        monkeypatch.setattr(app.app, "leave", lambda: LEFT.append(name))
        screen = await go_to(app, name)
        for key in type(screen).KEYS:
            # The last alternative first, so that the number of a pane leads from another one.
            for one in reversed(key.key.split(",")):
                if app.app.screen is not screen:
                    screen = await go_to(app, name)
                before = await told(app)
                await app.press(one)
                if await told(app) == before:
                    found.append(f"{one}: {key.label}")
                await back(app, screen)
    return found


@pytest.mark.parametrize("name", OPENED_BY)
async def test_every_key_acts_or_says_why_not(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await silent(name, tmp_path, monkeypatch) == []


async def test_a_key_that_does_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Receipt, "do_copy", lambda self: None)
    monkeypatch.setattr(Receipt, "do_search", lambda self: None)
    assert await silent("Receipt", tmp_path, monkeypatch) == ["slash: search", "y: copy"]


async def back(app: Running, screen: Base[Any]) -> None:
    """The same screen once more without what a key has opened or said; a screen that was left stays left."""
    while app.app.screen is not screen and screen in app.app.screen_stack:
        app.app.pop_screen()
        await app.settled()
    if app.app.screen is screen:
        screen.keys._unsay(screen.keys._said)
        await app.settled()
