"""What the camera has made of a film itself serves: its proxy as proxy, proxy or thumbnail as its picture."""

import os

import pytest
from PIL import Image

from core.media.file_types import Kind
from core.tasks.thumbnail import Thumbnail
from core.tasks.video_proxy import VideoProxy
from tests.rigs.making import X264, Archive, corners, film, rows, seen_corners, shown, written

pytestmark = pytest.mark.process


@pytest.fixture
def held(tmp_path: os.PathLike[str]) -> Archive:
    return Archive(os.path.join(tmp_path, "archive"), os.path.join(tmp_path, "scratch"))


def nobody_listens(job: int, fraction: float) -> None:
    """Nobody does."""


RAW_FILM = b"no decoder knows this " * 4000


async def test_no_proxy_of_what_has_one_is_one_or_is_as_small(held: Archive, tmp_path: os.PathLike[str]) -> None:
    clip = film(tmp_path, "GX010001.MP4", *shown(), *X264)
    task = VideoProxy()
    job = held.add(clip)
    held.answers = {"w.path": [(b"DCIM/100GOPRO/GX010001.MP4",)]}
    (row,) = rows((await task.run([job], held, nobody_listens))[job.id])
    assert row[1:] == ("proxy", "", 0, 0, 0, "it is the camera's proxy of GX010001.MP4")
    own = held.add(film(tmp_path, "GL010001.LRV", *shown(), *X264, "-f", "mp4"))
    chunk, large = (9, b"a/PXTMP/C0001001S03.MP4", 5), (own.item_id, b"D/GX010001.LRV", 10**9)
    held.answers = {"c.path": [large, chunk, (own.item_id, b"DCIM/100GOPRO/GL010001.LRV", 10)]}
    (row,) = rows((await task.run([job], held, nobody_listens))[job.id])
    assert row[2:] == ("", 0, 0, 0, "the camera's own serves: GL010001.LRV")
    held.answers = {"FROM probe": [(320, 240)]}
    (row,) = rows((await task.run([job], held, nobody_listens))[job.id])
    assert row[2:] == ("", 0, 0, 0, "it is smaller than a proxy")
    held.answers = {"FROM probe": [(1280, 720)], "c.path": [chunk, large]}
    (row,) = rows((await task.run([job], held, nobody_listens))[job.id])
    assert row[2].startswith(".lading/proxies/"), "neither a part of it nor what is larger than the film"
    await task.close()


async def test_a_film_without_decoder_has_its_proxys_picture(held: Archive, tmp_path: os.PathLike[str]) -> None:
    raw = held.add(written(os.path.join(tmp_path, "A001_C001.braw"), RAW_FILM), Kind.VIDEOS)
    own = held.add(film(tmp_path, "A001_C001.mp4", *shown(), *X264))
    task = Thumbnail()
    held.answers = {"proxy": [(own.item_id, b"Proxy/A001_C001.mp4", 10)]}
    found = rows((await task.run([raw], held, nobody_listens))[raw.id])
    assert [(row[0], row[1], row[3], row[4]) for row in found] == [
        (raw.item_id, role, 320, 240) for role in ("1920", "800", "400")
    ]
    assert all(f"{raw.item_id:032x}"[::-1] in row[2] for row in found)
    await task.close()


async def test_else_that_of_its_thumbnail(held: Archive, tmp_path: os.PathLike[str]) -> None:
    picture = os.path.join(tmp_path, "A.THM")
    corners(320, 240).save(picture, format="JPEG")
    raw = held.add(written(os.path.join(tmp_path, "A.crm"), RAW_FILM), Kind.VIDEOS)
    thm = held.add(picture)
    task = Thumbnail()
    held.answers = {"thumbnail": [(thm.item_id, b"D/A.THM", 10)]}
    found = rows((await task.run([raw], held, nobody_listens))[raw.id])
    with Image.open(os.path.join(held.root, found[-1][2])) as image:
        assert seen_corners(image) == [0, 1, 2, 3]
    # With nothing of the kind, it is as it was.
    held.answers = {}
    other = held.add(written(os.path.join(tmp_path, "B.crm"), RAW_FILM + b"b"), Kind.VIDEOS)
    assert (await task.run([other], held, nobody_listens))[other.id].error
    await task.close()
