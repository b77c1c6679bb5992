"""The cursor stays with its row when rows come, go or change places, so that no key acts on another one."""

import asyncio

import msgspec
import pytest

from core.listings import FailureGroup, ImportRecord
from core.models import State
from core.snapshot import ErrorGroup
from tests.tui.app import moments
from tests.tui.app.fake import Fake
from tests.tui.app.moments import A001, B002, C003, changed, moment
from tests.tui.app.pilot import Running, running
from tests.tui.app.records import RECORDS, engine, opened

pytestmark = pytest.mark.terminal

FIRST = "20251206-135900-first"


def chosen(app: Running) -> list[str]:
    return [line for line in app.text.splitlines() if line.startswith(">")]


async def test_an_import_that_is_not_shown_any_more() -> None:
    async with running(moment(imports=(A001, B002, C003))) as app:
        await app.press("down")
        await app.push(moment(imports=(B002, C003)))
        assert chosen(app)[0].startswith(">B002")
        await app.press("p")
        assert app.fake.asked == [("pause", B002.id)]


async def test_an_import_that_begins_while_another_one_runs() -> None:
    earlier = changed(A001, id=FIRST, started=A001.started - 5)
    async with running(moment(imports=(B002, C003))) as app:
        await app.push(moment(imports=(earlier, B002, C003)))
        assert chosen(app)[0].startswith(">B002")


async def test_an_import_that_begins_when_none_has_run_is_chosen() -> None:
    ended = changed(A001, ended=A001.ended)
    async with running(moment(imports=(ended,))) as app:
        later = changed(B002, started=(A001.ended or 0) + 10)
        await app.push(moment(imports=(ended, later)))
        assert chosen(app)[0].startswith(">B002")
        await app.press("p")
        assert app.fake.asked == [("pause", B002.id)]


async def test_an_error_that_comes_before_the_chosen_one() -> None:
    one = ErrorGroup(import_id=C003.id, cause="source: one", advice="", count=1, newest="a.jpg")
    two = msgspec.structs.replace(one, cause="source: two")
    async with running(moment(errors=(one,))) as app:
        await app.press("5")
        await app.push(moment(errors=(two, one)))
        await app.press("r")
        assert app.fake.asked == [("retry", C003.id, "source: one", ())]


async def test_a_queue_stays_chosen_when_the_pane_is_enlarged() -> None:
    async with running(moment()) as app:
        await app.press("3", "down", "down", "down", "down", "enter")
        assert chosen(app)[0].startswith(">thumbnail")
        await app.press("p")
        assert app.fake.asked == [("queue_pause", "thumbnail")]
        await app.press("escape")
        assert chosen(app)[0].startswith(">thumbnail")


async def test_a_cause_stays_chosen() -> None:
    fake = engine()
    one = FailureGroup(cause="one", count=1, stage="read", attempts=3, advice="See.", newest="a.jpg")
    fake.groups = [one]
    async with running(None, fake=fake) as app:
        await opened(app, "w")
        await app.until(lambda: "one" in app.text)
        fake.groups = [msgspec.structs.replace(one, cause="two", count=5), one]
        await app.push(moment(imports=(A001, B002, changed(C003, failed=B002.archived))))
        await app.until(lambda: "two" in app.text)
        await app.press("r")
        assert [asked for asked in fake.asked if asked[0] == "retry"] == [("retry", C003.id, "one", ())]


class Slow(Fake):
    """An engine that lists the imports when `there` is set."""

    def __init__(self) -> None:
        super().__init__(moments.FAILING)
        self.records = list(RECORDS)
        self.there = asyncio.Event()
        self.there.set()

    async def imports(self, *, unfinished: bool = False) -> list[ImportRecord]:
        found = await super().imports(unfinished=unfinished)
        await self.there.wait()
        return found


async def test_a_row_that_is_chosen_while_the_list_is_read_again_stays_chosen() -> None:
    fake = Slow()
    async with running(None, fake=fake) as app:
        await opened(app)
        fake.there.clear()
        await app.push(moment(imports=(A001, changed(B002, state=State.PAUSED), C003)))
        await app.until(lambda: len([one for one in fake.asked if one[0] == "imports"]) == 2)
        await app.press("down", "down")
        fake.there.set()
        await app.settled()
        await app.press("v")
        assert [one for one in fake.asked if one[0] == "receipt"] == [("receipt", A001.id)]


async def test_what_has_the_keys_is_on_the_screen_when_that_becomes_small() -> None:
    async with running(moment()) as app:
        await app.press("3")
        await app.pilot.resize_terminal(60, 20)
        await app.push(moment())
        assert chosen(app)[0].startswith(">A001")
        await app.press("down", "p")
        assert app.fake.asked == [("pause", B002.id)]


async def test_a_small_screen_enlarges_a_pane_that_it_has_no_room_for() -> None:
    async with running(moment(), (60, 20)) as app:
        await app.press("3")
        assert "3 QUEUES" in app.text
        await app.press("escape")
        assert "3 QUEUES" not in app.text
        assert chosen(app)[0].startswith(">A001")
