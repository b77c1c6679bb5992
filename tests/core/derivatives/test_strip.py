"""Six frames of a film in one picture, by the real ffmpeg, in a process that can be killed."""

import os
from pathlib import Path

import pytest
from PIL import Image

from core.derivatives.messages import Made, MakeStrip, OrderRefusedError
from core.derivatives.pool import Makers
from tests.rigs.media import run

pytestmark = pytest.mark.process

COLOURS = ("red", "lime", "blue", "yellow", "white", "magenta")
SEEN = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255), (255, 0, 255))


def film(path: Path) -> Path:
    """A film of six seconds, each in another colour."""
    parts = [["-f", "lavfi", "-i", f"color={colour}:size=320x180:rate=5:duration=1"] for colour in COLOURS]
    joined = "".join(f"[{number}]" for number in range(len(COLOURS))) + f"concat=n={len(COLOURS)}"
    given = [word for part in parts for word in part]
    run("ffmpeg", "-v", "error", *given, "-filter_complex", joined, "-pix_fmt", "yuv420p", str(path))
    return path


async def made(path: Path, folder: Path, programs_only: bool = False) -> Made:
    makers = Makers()
    try:
        order = MakeStrip(os.fsencode(path), os.fsencode(folder), "strip", programs_only)
        return await makers.make(order, lambda fraction: None)
    finally:
        await makers.close()


@pytest.mark.parametrize("programs_only", [False, True])
async def test_six_frames_from_the_beginning_to_the_end(tmp_path: Path, programs_only: bool) -> None:
    (file,) = (await made(film(tmp_path / "film.mp4"), tmp_path, programs_only)).files
    with Image.open(tmp_path / file.name) as image:
        assert image.size == (file.width, file.height)
        for number, colour in enumerate(SEEN):
            row, column = divmod(number, 2)
            found = image.convert("RGB").getpixel((160 + column * 326, 90 + row * 186))
            assert isinstance(found, tuple)
            assert all(abs(a - b) < 40 for a, b in zip(found, colour, strict=True)), (number, found)


async def test_what_is_no_film_has_none(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(os.urandom(5000))
    with pytest.raises(OrderRefusedError):
        await made(tmp_path / "film.mp4", tmp_path)


async def test_nothing_but_a_regular_file_is_read(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4")
    os.symlink(tmp_path / "film.mp4", tmp_path / "link.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    for name in ("link.mp4", "pipe.mp4"):
        with pytest.raises(OrderRefusedError):
            await made(tmp_path / name, tmp_path)
