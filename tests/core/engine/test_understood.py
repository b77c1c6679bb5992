"""What an import brings is understood by itself: with the real tools, over two imports."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from core.shown import ItemView
from tests.rigs import rare
from tests.rigs.engines import attached, request, swept


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    with swept(tmp_path / "home") as home:
        yield home


async def test_a_live_photo_in_two_imports_and_rarer_kinds(home: Path, tmp_path: Path) -> None:
    archive, first, second = (tmp_path / name for name in ("archive", "first", "second"))
    first.mkdir()
    rare.live_still(bytes(first / "IMG_0001.JPG"))
    made = rare.make_rare(bytes(second))
    rare.live_movie(bytes(second / "IMG_7777.MOV"))
    async with attached(home) as client:

        async def shown(name: str) -> ItemView:
            (item,) = await client.show(name, b"/")
            return item

        for card in (first, second):
            await client.finish(await client.start_imports([request(card, archive)]))
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
        assert await client.jobs("dead", "exiftool") == []
        (location,) = await client.locations(str(archive))
        assert location.sealed
        assert location.files == 2 + len(made)
