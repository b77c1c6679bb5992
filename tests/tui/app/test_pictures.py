"""Pictures beside lists of files, and the grid."""

import io

import pytest
from msgspec.structs import replace
from PIL import Image, ImageDraw

from tests.tui.app import pictures
from tests.tui.app.fake import Fake
from tests.tui.app.pilot import SIZES, Running, running
from tests.tui.app.records import FILES, engine, opened
from tests.tui.views import HOSTILE
from tui.half_blocks import UPPER
from tui.screens.grid import Grid
from tui.screens.import_ import Import
from tui.screens.text_viewer import Reading
from tui.widgets.tiles import Tiles

pytestmark = pytest.mark.terminal


def jpeg(number: int) -> bytes:
    """A picture that tells one number from another."""
    image = Image.new("RGB", (600, 400), (20 + number * 37 % 200, 60, 200 - number * 53 % 180))
    ImageDraw.Draw(image).ellipse((100 + number * 40 % 300, 80, 300 + number * 40 % 300, 320), (250, 220, 120))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


def pictured() -> Fake:
    """An engine that has pictures of the archived ones."""
    fake = engine()
    fake.all_files = [replace(file, sha256=f"{file.id:064x}") if file.payload else file for file in FILES]
    fake.pictures = {f"{number:064x}": jpeg(number) for number in range(4, 60)}
    return fake


def asked(fake: Fake) -> list[str]:
    return [one[1] for one in fake.asked if one[0] == "picture"]


def drawn(app: Running) -> int:
    return app.text.count(UPPER)


async def test_the_chosen_ones_picture_is_beside_the_list() -> None:
    async with running(None, (120, 40), fake=pictured()) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text)
        assert not drawn(app), "a file that failed has none"
        await app.press("j", "j", "j")
        await app.until(lambda: drawn(app) > 100)
        assert asked(app.fake)[-1] == f"{4:064x}"
        assert pictures.same(app.app, "picture-120x40")


async def test_a_film_shows_six_frames() -> None:
    fake = pictured()
    fake.all_files = [replace(file, kind="videos") if file.payload else file for file in fake.all_files]
    fake.strips = {f"{4:064x}": jpeg(9)}
    async with running(None, (120, 40), fake=fake) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text)
        await app.press("j", "j", "j")
        await app.until(lambda: drawn(app) > 100)
        assert ("strip", f"{4:064x}") in fake.asked
        assert not asked(fake)
        await app.press("j")
        await app.until(lambda: f"{5:064x}" in asked(fake))
        assert ("strip", f"{5:064x}") in fake.asked, "the thumbnail is for want of a strip"


async def test_a_key_that_is_held_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # Keys may come slowly on a busy machine.
    monkeypatch.setattr("tui.screens.pictured.KEY_PAUSE", 2.0)
    async with running(None, (120, 40), fake=pictured()) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text)
        for _ in range(40):
            await app.pilot.press("j")
        await app.until(lambda: f"{41:064x}" in asked(app.fake))
        assert len(asked(app.fake)) <= 2, "the last, and perhaps the first"


async def test_where_there_is_no_room_there_is_no_picture() -> None:
    async with running(None, (80, 24), fake=pictured()) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text)
        await app.press("j", "j", "j")
        await app.pilot.pause(0.5)
        assert not asked(app.fake)


async def test_what_is_no_picture_is_none() -> None:
    fake = pictured()
    fake.pictures[f"{4:064x}"] = b"\xff\xd8 broken"
    async with running(None, (120, 40), fake=fake) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text)
        await app.press("j", "j", "j")
        await app.until(lambda: f"{4:064x}" in asked(fake))
        await app.settled()
        assert not drawn(app)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_grid(size: tuple[int, int]) -> None:
    async with running(None, size, fake=pictured()) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 1,000" in app.text)
        await app.press("j", "j", "j", "g")
        assert isinstance(app.app.screen, Grid)
        tiles = app.app.screen.query_one(Tiles)
        await app.until(lambda: len(tiles._pictures) == tiles.seen()[1] - tiles.seen()[0] + 1 - 2)
        assert "4 of 1,000" in app.text
        assert pictures.same(app.app, f"grid-{size[0]}x{size[1]}")
        await app.press("right", "down")
        columns = size[0] // 20
        assert f"{5 + columns} of 1,000" in app.text
        await app.press("enter")
        assert isinstance(app.app.screen, Reading)
        assert ("known", 5 + columns) in app.fake.asked
        await app.press("escape", "end")
        await app.until(lambda: "IMG_01000" in app.text)
        assert "1,000 of 1,000" in app.text
        await app.press("home", "left")
        assert "1 of 1,000" in app.text
        await app.press("escape")
        assert isinstance(app.app.screen, Import)


async def test_hostile_names_do_nothing_in_the_grid() -> None:
    fake = pictured()
    first, second = fake.all_files[3:5]
    fake.all_files = [replace(first, path=HOSTILE + "[/x]", camera=HOSTILE), second]
    async with running(None, fake=fake) as app:
        await opened(app, "G", "enter")
        await app.until(lambda: "FILES, 2" in app.text)
        await app.press("g")
        await app.until(lambda: "1 of 2" in app.text)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(app.text)
