"""What an import brings is understood by itself: with the real tools, over two imports."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from core.details import ItemView
from core.media.adjusting import by_shift
from core.protocol.archive_requests import AdjustDates, ListLocations, ShowItems
from core.protocol.import_requests import WaitForJobs
from core.protocol.queue_requests import ListJobs
from core.schema import DATABASE_FILE
from core.sqlite import sqlite3
from tests.rigs import rare
from tests.rigs.engines import attached, lading, request, soon, swept

pytestmark = pytest.mark.process


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    with swept(tmp_path / "home") as home:
        yield home


async def test_a_live_photo_in_two_imports_rarer_kinds_and_newer_rules(home: Path, tmp_path: Path) -> None:
    archive, first, second = (tmp_path / name for name in ("archive", "first", "second"))
    first.mkdir()
    rare.live_still(bytes(first / "IMG_0001.JPG"))
    made = rare.make_rare(bytes(second))
    rare.live_movie(bytes(second / "IMG_7777.MOV"))

    async def shown(name: str) -> ItemView:
        (item,) = await client.call(ShowItems(wanted=name, path=b"/"))
        return item

    async with attached(home) as client:
        for card in (first, second):
            await client.call(WaitForJobs(ids=tuple(await client.start_imports([request(card, archive)]))))
        still, movie = await shown("IMG_0001.JPG"), await shown("IMG_7777.MOV")
        assert still.metadata["content_identifier"] == movie.metadata["content_identifier"] == rare.IDENTIFIER
        assert (still.partners, movie.partners) == ((movie.path,), (still.path,))
        for name in made:
            item = await shown(name)
            states = {job.queue: (job.state, job.error) for job in item.jobs}
            if name == "cut.mov":
                assert item.probe["error"]
                assert states["exiftool"][0] == "done"
                continue
            assert {state for state, _ in states.values()} == {"done"}, (name, states)
            thumbnails = [one for one in item.derivatives if one.role != "proxy"]
            assert len(thumbnails) == 3
            with Image.open(archive / thumbnails[0].path) as picture:
                assert min(picture.size) == {"odd.mov": 241, "pq.mov": 240, "uneven.mp4": 240}.get(name, 400), name
            if "proxy" in {one.role for one in item.derivatives}:
                assert item.probe["width"] == (321 if name == "odd.mov" else 320)
        assert (await shown("pq.mov")).probe["hdr"] == "PQ"
        assert (await shown("uneven.mp4")).probe["variable_rate"] == 1
        assert (await shown("shot.dng")).metadata["format"] == "DNG"
        assert (await shown("shot.heic")).metadata["offset"] == 120
        assert await client.call(ListJobs(state="dead", queue="exiftool")) == []
        (location,) = await client.call(ListLocations(archive=bytes(archive)))
        assert location.sealed
        assert location.files == 2 + len(made)
        before = await shown("shot.heic")
        adjust = AdjustDates(text="shot.heic", correction=by_shift("+1h"), by="Ada")
        assert (await client.call(adjust)).count == 1
        corrected = await shown("shot.heic")
        assert corrected.taken != before.taken

    # A catalog of older rules, which found neither cameras nor zones: the next engine reads what exiftool said.
    assert lading(home, "engine", "stop").returncode == 0
    with closing(sqlite3.connect(home / DATABASE_FILE)) as database, database:
        database.execute("UPDATE metadata SET camera = NULL, offset = 7, captured_local = '1999-01-01T00:00:00'")
        database.execute("UPDATE unadjusted SET offset = 7, captured_local = '1999-01-01T00:00:00'")
        database.execute("UPDATE archive SET rules = 0")
    async with attached(home) as client:

        async def read_again() -> bool:
            return (await shown("shot.heic")).taken == corrected.taken

        await soon(read_again)
        assert await client.call(AdjustDates(text="shot.heic", by="Ada"))
        assert (await shown("shot.heic")).metadata == before.metadata
