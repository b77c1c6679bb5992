"""Screens that were opened without an engine show what they are about once there is one."""

import pytest

from core.config import Config
from core.errors import EngineLostError
from core.listings import Failure, FailureGroup
from tests.tui.app.pilot import running
from tests.tui.app.records import engine
from tests.tui.app.test_new_import import SURVEY
from tests.tui.app.volumes import several

pytestmark = pytest.mark.terminal

CAUSE = "source: Input/output error"


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (("i",), "IMPORTS, 6"),
        (("i", "enter"), "IMG_00001.CR3"),
        (("i", "w"), "a.jpg"),
        (("i", "v"), "BILL OF LADING"),
        (("slash",), "IMG_00001.CR3"),
        (("slash", "enter", "g"), "IMG_00001.CR3"),
        (("slash", "enter", "enter"), "SHA-256"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
async def test_what_could_not_be_fetched_is_fetched(keys: tuple[str, ...], shown: str) -> None:
    fake = engine()
    fake.groups = [FailureGroup(cause=CAUSE, count=1, stage="read", attempts=3, advice="See.", newest="a.jpg")]
    fake.failed = [Failure(id=7, path="/Volumes/C/a.jpg", size=1, stage="read", attempts=3, cause=CAUSE)]
    async with running(None, fake=fake) as app:
        *before, last = keys
        for key in before:
            await app.press(key)
            await app.until(lambda: "Reading." not in app.text)
        fake.fault = EngineLostError("the engine is gone.")
        if last != "w":
            # Without an engine, that key says that there is none.
            fake.lose()
            await app.until(lambda: bool(app.app.trouble))
        await app.press(last)
        fake.lose()
        await app.until(lambda: bool(app.app.trouble))
        assert shown not in app.text
        fake.fault, fake.lost = None, False
        await app.until(lambda: shown in app.text)


async def test_cards_are_counted_once_there_is_an_engine() -> None:
    fake = engine()
    fake.surveys = [SURVEY]
    async with running(None, (120, 40), fake=fake, settings=Config(archive="/a"), volumes=several) as app:
        fake.fault = EngineLostError("the engine is gone.")
        fake.lose()
        await app.until(lambda: bool(app.app.trouble))
        await app.press("n")
        await app.until(lambda: "A001" in app.text)
        await app.press("space")
        await app.until(lambda: "there is no engine just now" in app.text)
        fake.fault, fake.lost = None, False
        await app.until(lambda: not app.app.trouble and "about 3m14s as before" in app.text)
