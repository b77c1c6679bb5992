"""The enlarged queues: pausing, slots, trying again."""

import pytest

from tests.tui.app import moments
from tests.tui.app.moments import QUEUES, changed, moment
from tests.tui.app.pilot import running

pytestmark = pytest.mark.terminal


async def test_keys_steer_the_chosen_queue() -> None:
    async with running(moments.FAILING) as app:
        await app.press("3", "enter", "p")
        assert "This is a stage of the copies" in app.foot
        await app.press("G", "p", "plus", "minus")
        assert app.fake.asked == [
            ("queue_pause", "location_stats"),
            ("queue_slots", "location_stats", 5),
            ("queue_slots", "location_stats", 3),
        ]
        await app.press("r")
        assert "No job of this queue has failed for good." in app.foot


async def test_a_paused_queue_goes_on_and_dead_jobs_are_tried_again() -> None:
    last = changed(QUEUES[-1], paused=True, dead=3, slots=1)
    async with running(moment(queues=(*QUEUES[:-1], last))) as app:
        await app.press("3", "enter", "G")
        assert "paused" in app.text
        assert "3 dead" in app.text
        await app.press("minus")
        assert "One slot is the least." in app.foot
        await app.press("p", "r")
        assert app.fake.asked == [("queue_resume", "location_stats"), ("retry", "location_stats")]
        assert "3 jobs tried again." in app.foot


async def test_slots_need_the_enlarged_pane() -> None:
    async with running(moments.FAILING) as app:
        await app.press("3", "plus")
        assert "Enlarge the queues first" in app.foot
        assert app.fake.asked == []


async def test_keys_in_the_queues_do_nothing_to_an_import() -> None:
    async with running(moments.FAILING) as app:
        await app.press("3", "p")
        assert "Enlarge the queues first: 3, enter." in app.foot
        await app.press("r")
        assert "Enlarge the queues first: 3, enter." in app.foot
        for key in ("x", "e", "v", "d"):
            await app.press(key)
            assert "That is about an import: choose it first, 1." in app.foot, key
        await app.press("y")
        assert "There is no path here." in app.foot
        assert app.fake.asked == []
        await app.press("1", "j", "p")
        assert [what for what, *_ in app.fake.asked] == ["pause"]
