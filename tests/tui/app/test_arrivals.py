"""Cards that are put in, in the app: shown at once, imported by a key, or by a rule unless a key stops it."""

from pathlib import Path

import msgspec
import pytest

from core.config import Config
from core.models import ImportRequest
from core.presets import Preset
from core.snapshot import Arrival, Snapshot
from tests.tui.app import moments, pictures
from tests.tui.app.fake import Fake
from tests.tui.app.pilot import SIZES, Running, running
from tests.tui.app.test_new_import import SURVEY
from tests.tui.app.volumes import card
from tests.tui.views import count
from tui.last_answers import Remembered, remember
from tui.screens.dashboard import Dashboard
from tui.screens.new_import import NewImport

pytestmark = pytest.mark.terminal

A001 = Arrival(
    identity="uuid:A001",
    label="A001",
    source="/Volumes/A001",
    camera="EOS R5",
    counted=True,
    new=count(212, 1),
    duplicate=count(18, 1),
)
ALONE = msgspec.structs.replace(moments.EMPTY, arrivals=(A001,))


def at(snapshot: Snapshot, *cards: Arrival) -> Snapshot:
    return msgspec.structs.replace(snapshot, arrivals=cards)


def wedding(home: Path) -> Config:
    presets = {
        "wedding": Preset(
            archive="/nas/weddings",
            location="Wedding {label} {camera}",
            verify="end",
            copies=2,
            exclude=("*.THM",),
        ),
        "studio": Preset(location="Studio"),
    }
    return Config(home=str(home), operator="Ann", archive="/nas/archive", presets=presets)


def started(app: Running) -> list[ImportRequest]:
    return [request for asked in app.fake.asked if asked[0] == "start" for request in asked[1:]]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_card_is_named_with_what_is_known_of_it(size: tuple[int, int]) -> None:
    counting = Arrival(identity="uuid:B", label="B002", source="/Volumes/B002", camera="A7S III")
    async with running(at(moments.RUNNING, A001, counting), size) as app:
        assert "A001" in app.text
        assert "EOS R5" in app.text
        assert "212 new, 18 duplicates" in app.text
        assert "counting" in app.text
        assert pictures.same(app.app, f"arrivals-{size[0]}x{size[1]}")


async def test_enter_opens_its_import_with_the_last_answers(tmp_path: Path) -> None:
    remember(str(tmp_path), Remembered(archive="/nas/archive", location="Mill Creek", operator="Ann"))
    fake = Fake(ALONE)
    fake.surveys = [SURVEY]
    volumes = [card("B002"), card("A001")]
    settings = Config(home=str(tmp_path), operator="Ann")
    async with running(None, fake=fake, settings=settings, volumes=lambda: volumes) as app:
        await app.until(lambda: ">A001" in app.text)
        assert "enter imports it" in app.text
        await app.press("enter")
        assert isinstance(app.app.screen, NewImport)
        await app.until(lambda: ">[x] A001" in app.text and "[ ] B002" in app.text)
        await app.press("enter")
        assert started(app) == [
            ImportRequest(
                source="/Volumes/A001", archive="/nas/archive", location="Mill Creek", label="A001", operator="Ann"
            )
        ]
        assert isinstance(app.app.screen, Dashboard)


async def test_the_cursor_stays_with_an_import_that_runs_and_goes_to_a_card_else(tmp_path: Path) -> None:
    async with running(moments.RUNNING) as app:
        before = next(line for line in app.text.splitlines() if line.startswith(">"))
        await app.push(at(moments.RUNNING, A001))
        assert [line[:5] for line in app.text.splitlines() if line.startswith(">")] == [before[:5]]
        await app.press("k", *"kkk", "x")
        assert "No import of that card was begun yet" in app.foot
        await app.press("j")
        await app.push(moments.RUNNING)
        assert [line[:5] for line in app.text.splitlines() if line.startswith(">")] == [before[:5]]


async def test_any_key_stops_a_countdown_and_does_nothing_else() -> None:
    soon = msgspec.structs.replace(A001, preset="wedding", starts=moments.NOW + 8)
    async with running(at(moments.EMPTY, soon), (120, 40)) as app:
        assert "212 new, 18 duplicates; wedding begins in 8 s, any key stops it" in app.text
        await app.press("q")
        assert ("hold",) in app.fake.asked
        assert "A001: stopped." in app.foot
        await app.push(ALONE)
        await app.press("n")
        assert isinstance(app.app.screen, NewImport)
        assert app.fake.asked.count(("hold",)) == 1


async def test_presets_by_one_key(tmp_path: Path) -> None:
    fake = Fake(ALONE)
    fake.surveys = [SURVEY]
    async with running(
        None, (120, 40), fake=fake, settings=wedding(tmp_path), volumes=lambda: [card("A001")]
    ) as app:
        await app.until(lambda: ">A001" in app.text)
        await app.press("enter")
        await app.until(lambda: ">[x] A001" in app.text)
        await app.press("p")
        assert "preset wedding" in app.text
        assert "Wedding A001 EOS R5" in app.text
        await app.press("p")
        assert "Studio" in app.text
        assert "/nas/archive" in app.text
        await app.press("p")
        assert "preset" not in app.text.splitlines()[-9]
        await app.press("p", "s")
        (request,) = started(app)
        assert (request.archive, request.location, request.verify, request.copies, request.exclude) == (
            "/nas/weddings",
            "Wedding A001 EOS R5",
            "end",
            2,
            ("*.THM",),
        )
    # The next time it is the last answer.
    async with running(ALONE, (120, 40), settings=wedding(tmp_path), volumes=lambda: [card("A001")]) as app:
        await app.press("enter")
        assert "preset wedding" in app.text


async def test_without_presets_the_key_says_how_to_get_one(tmp_path: Path) -> None:
    async with running(ALONE, settings=Config(home=str(tmp_path))) as app:
        await app.press("n", "p")
        assert "There is no preset" in app.foot
