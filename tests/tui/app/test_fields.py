"""Lines to type in: names with any character, pastes, answers that cannot be taken."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.events import Paste
from textual.widgets import Input

from core.config import Config
from core.errors import EngineLostError
from core.protocol.archive_requests import Check, DescribeLocation, StartMirror
from tests.tui.app import moments
from tests.tui.app.pilot import Running, running
from tests.tui.app.records import EVIL, engine
from tests.tui.app.test_tasks import PLACE
from tests.tui.app.volumes import several
from tui import path_completion
from tui.screens import prompt
from tui.screens.confirm import Confirm
from tui.screens.dashboard import Dashboard
from tui.screens.new_import import NewImport
from tui.screens.prompt import Ask
from tui.screens.task import Task

pytestmark = pytest.mark.terminal

NO_ADDRESS = "file://[red]/x"
"""A URI whose host is in brackets, but no address."""


async def pasted(app: Running, text: str) -> None:
    assert isinstance(app.app.focused, Input)
    app.app.focused.post_message(Paste(text))
    await app.settled()


async def test_nothing_that_is_pasted_controls_the_terminal() -> None:
    async with running(None, volumes=several) as app:
        await app.press("slash")
        await pasted(app, "a\x1b[31m\x9b\u202eb")
        field = app.app.focused
        assert isinstance(field, Input)
        assert field.value == "a\x1b[31m\x9b\u202eb"
        assert not EVIL & set(app.text)
        assert "a[31mb" in app.text


async def test_a_name_that_is_no_text_is_completed_shown_and_taken(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff card")
    async with running(None, settings=Config(home=str(tmp_path)), volumes=several) as app:
        await app.press("n", "t")
        await app.type(f"{tmp_path}/")
        await app.until(lambda: r"\xff card" in app.text)
        await app.press("down", "tab")
        assert "/? card/" in app.text
        assert "\udcff" not in app.text
        await app.press("enter")
        await app.until(lambda: r"[x] \xff card" in app.text)


async def test_every_line_of_a_paste_is_a_path(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with running(None, settings=Config(home=str(tmp_path)), volumes=several) as app:
        await app.press("n", "t")
        await pasted(app, f"{tmp_path}/one\r\n{tmp_path}/two\n")
        await app.press("enter")
        await app.until(lambda: "[x] one" in app.text and "[x] two" in app.text)


async def test_a_uri_that_is_none_is_told_and_can_be_corrected() -> None:
    async with running(None, volumes=several) as app:
        await app.press("n", "t")
        await app.type(NO_ADDRESS)
        await app.press("enter")
        await app.until(lambda: "No such file or directory: correct it, or esc" in app.text)
        assert NO_ADDRESS in app.text
        assert [type(screen) for screen in app.app.screen_stack] == [Dashboard, NewImport, Ask]


async def test_a_task_gets_a_uri_that_is_none_as_it_is() -> None:
    settings = Config(home="/nowhere", archive="/nas/archive")
    fake = engine()
    fake.answers[Check] = asyncio.Event()
    async with running(None, fake=fake, settings=settings) as app:
        await app.press("t", "enter")
        await app.type(NO_ADDRESS)
        await app.press("enter")
        await app.until(lambda: isinstance(app.app.screen, Task))
        (request,) = [asked[1] for asked in fake.asked if asked[0] == "call"]
        assert request.source == os.fsencode(path_completion.absolute(NO_ADDRESS))


@pytest.mark.parametrize("typed", [NO_ADDRESS, f"'{NO_ADDRESS}' x", "~\0x", "~\0x y", "\0", "'~\0x' '"])
def test_any_text_can_be_asked_for_paths(typed: str) -> None:
    assert path_completion.paths_in(typed)
    path_completion.path_in(typed)
    path_completion.completions(typed)
    assert path_completion.kind_of(typed) not in ("folder", "file")


async def test_a_place_that_does_not_answer_stops_no_other_key(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    looked = threading.Event()

    def hangs(text: str) -> str:
        looked.set()
        answers.wait()
        return text

    monkeypatch.setattr(path_completion, "path_in", hangs)
    try:
        async with running(None, settings=Config(home="/nowhere", archive="/nas/archive")) as app:
            await app.press("t", "enter")
            await app.type("/Volumes/dead")
            await app.press("enter")
            await app.until(looked.is_set)
            # The question is still there, and can be left.
            await app.until(lambda: prompt.LOOKING in app.text)
            assert "/Volumes/dead" in app.text
            await app.press("escape")
            assert not isinstance(app.app.screen, Ask)
            answers.set()
            await app.press("escape")
            assert isinstance(app.app.screen, Dashboard)
    finally:
        answers.set()


async def test_keys_after_an_answer_wait_until_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    kind_of = path_completion.kind_of

    def slow(path: str) -> str:
        answers.wait()
        return kind_of(path)

    monkeypatch.setattr(path_completion, "kind_of", slow)
    try:
        async with running(None, volumes=several) as app:
            await app.press("n", "t")
            await app.type("/wrong")
            await app.press("enter", "t")
            # It would open a second question on the first, which comes back.
            assert [type(screen) for screen in app.app.screen_stack] == [Dashboard, NewImport, Ask]
            answers.set()
            await app.until(lambda: "correct it, or esc" in app.text)
            await app.until(lambda: "/wrongt" in app.text)
            assert [type(screen) for screen in app.app.screen_stack] == [Dashboard, NewImport, Ask]
    finally:
        answers.set()


@pytest.mark.parametrize("keys", [(), ("t",), ("i", "w")], ids=str)
async def test_a_mirror_is_begun_from_any_screen(keys: tuple[str, ...]) -> None:
    fake = engine()
    fake.answers[StartMirror] = None
    async with running(None, fake=fake, settings=Config(home="/nowhere", archive="/nas/archive")) as app:
        await app.press(*keys, "ctrl+p")
        await app.type("mirror")
        await app.until(lambda: "bring a copy of the archive up to it" in app.text)
        await app.press("enter")
        await app.until(lambda: isinstance(app.app.screen, Ask))
        await app.type("/Volumes/BACKUP")
        await app.press("enter")
        await app.until(lambda: any(isinstance(one[1], StartMirror) for one in fake.asked if one[0] == "call"))
        if len(keys) == 1:
            await app.until(lambda: isinstance(app.app.screen, Dashboard))
        else:
            await app.until(lambda: "The mirror has begun: the dashboard shows it." in app.foot)
        assert len(app.app.screen_stack) == max(1, len(keys) * 2 - 1)


async def test_only_keys_that_do_something_are_shown_while_words_are_typed() -> None:
    async with running(None, fake=engine()) as app:
        await app.press("slash")
        await app.until(lambda: app.foot == " enter list esc back ctrl+c leave")
        await app.press("V")
        assert app.foot == " enter list esc back ctrl+c leave"
        await app.press("backspace", "enter")
        await app.until(lambda: "V view" in app.foot and app.foot.endswith("? help q leave"))
        await app.press("slash")
        assert app.foot == " enter list esc back ctrl+c leave"


async def test_a_question_has_no_list_of_commands() -> None:
    async with running(moments.FAILING) as app:
        await app.press("down", "x", "ctrl+p")
        assert isinstance(app.app.screen, Confirm)
        await app.press("n", "slash", "ctrl+p")
        await app.until(lambda: isinstance(app.app.screen, CommandPalette))


async def test_a_receipt_is_not_saved_without_an_engine(tmp_path: Path) -> None:
    fake = engine()
    async with running(None, fake=fake) as app:
        await app.press("i")
        await app.until(lambda: "Reading." not in app.text)
        await app.press("v", "s")
        fake.fault = EngineLostError("the engine is gone.")
        fake.lose()
        await app.until(lambda: bool(app.app.trouble))
        await app.type(f"{tmp_path}/a.txt")
        await app.press("enter")
        await app.until(lambda: "save receipt: not done" in app.text)
        assert "there is no engine just now" in app.text


async def test_a_position_that_is_none_loses_no_other_answer() -> None:
    fake = engine()
    fake.answers[DescribeLocation] = PLACE
    async with running(None, fake=fake) as app:
        await app.press("i")
        await app.until(lambda: "Reading." not in app.text)
        await app.press("l")
        await app.type("New name")
        await app.press("enter", "enter")
        await app.until(lambda: "latitude,longitude" in app.text)
        await app.type("north")
        await app.press("enter")
        assert isinstance(app.app.screen, Ask)
        assert "north" in app.text
        await app.press("home", "ctrl+k")
        await app.type("12.5,50")
        await app.press("enter", "enter")
        await app.until(lambda: isinstance(app.app.screen, Task))
        asked = [one[1] for one in fake.asked if one[0] == "call" and isinstance(one[1], DescribeLocation)]
        assert (asked[-1].name, asked[-1].position) == ("New name", (12.5, 50.0))


async def test_a_fault_in_the_background_is_not_lost() -> None:
    async def fails() -> None:
        raise ArithmeticError("a fault of the program")

    async def begun(*keys: str) -> None:
        async with running(moments.FAILING, volumes=several) as app:
            await app.press(*keys)
            screen = app.app.screen
            (screen if isinstance(screen, NewImport) else app.app).begin(fails())
            await app.settled()

    for keys in ((), ("n",)):
        with pytest.raises(ArithmeticError, match="a fault of the program"):
            await begun(*keys)
