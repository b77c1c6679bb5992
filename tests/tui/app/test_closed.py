"""Screens that were closed leave nothing behind: an app that is open for days stays quick."""

import gc

import pytest
from textual.strip import Strip

from tests.tui.app import moments
from tests.tui.app.pilot import running
from tui.screens.confirm import Confirm
from tui.screens.help import Help
from tui.widgets.header import Header

pytestmark = pytest.mark.terminal


def alive(kind: type) -> int:
    gc.collect()
    # What was there at the first snapshot is frozen, and not among these.
    return sum(isinstance(one, kind) for one in gc.get_objects())


async def test_a_closed_screen_is_gone_with_all_it_drew() -> None:
    async with running(moments.RUNNING) as app:
        for _ in range(2):
            await app.press("question_mark", "escape")
        await app.until(lambda: alive(Help) == 0)
        before = alive(Strip)
        for _ in range(10):
            await app.press("question_mark", "escape")
        await app.until(lambda: alive(Help) == 0)
        assert alive(Strip) - before < 10
        await app.press("question_mark")
        assert alive(Help) == 1


async def test_what_shows_through_below_a_question_goes_on() -> None:
    async with running(moments.RUNNING) as app:
        await app.press("j", "x")
        assert isinstance(app.app.screen, Confirm)
        await app.push(moments.PAUSED)
        (header,) = app.app.screen_stack[0].query(Header)
        assert header.snapshot == moments.PAUSED


async def test_garbage_is_looked_for_from_the_first_screen_on() -> None:
    gc.disable()
    try:
        async with running(None, (80, 24)) as app:
            await app.until(gc.isenabled)
            assert gc.get_freeze_count()
    finally:
        gc.enable()
