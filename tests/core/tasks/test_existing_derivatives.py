"""Small copies that stand in the archive already: found again, not made anew."""

import os
from pathlib import Path

import pytest

from core.media.file_types import Kind
from core.tasks import existing_derivatives
from core.tasks.thumbnail import Thumbnail
from core.tasks.video_proxy import VideoProxy
from tests.rigs.making import X264, Archive, corners, film, head, rows, shown, written

pytestmark = pytest.mark.process


def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"), str(tmp_path / "scratch"))


def nobody_listens(job: int, fraction: float) -> None:
    """Beats."""


@pytest.mark.parametrize("size", [(900, 600), (300, 2200)])
async def test_thumbnails_are_found_again(tmp_path: Path, size: tuple[int, int]) -> None:
    held = archive(tmp_path)
    corners(*size).save(tmp_path / "a.jpg")
    job = held.add(str(tmp_path / "a.jpg"))
    task = Thumbnail()
    made = rows((await task.run([job], held, nobody_listens))[job.id])
    await task.close()
    before = {row[2]: os.stat(os.path.join(held.root, row[2])).st_ino for row in made}
    # Nothing can be made any more, and nothing has to be.
    held.refuses = True
    held.lose(job)
    again = Thumbnail()
    assert sorted(rows((await again.run([job], held, nobody_listens))[job.id])) == sorted(made)
    await again.close()
    assert {path: os.stat(os.path.join(held.root, path)).st_ino for path in before} == before


async def test_one_that_is_gone_or_none_is_made_anew(tmp_path: Path) -> None:
    held, task = archive(tmp_path), Thumbnail()
    corners(900, 600).save(tmp_path / "a.jpg")
    job = held.add(str(tmp_path / "a.jpg"))
    made = rows((await task.run([job], held, nobody_listens))[job.id])
    paths = [os.path.join(held.root, row[2]) for row in made]
    os.unlink(paths[0])
    assert sorted(rows((await task.run([job], held, nobody_listens))[job.id])) == sorted(made)
    written(paths[1], b"torn")
    assert sorted(rows((await task.run([job], held, nobody_listens))[job.id])) == sorted(made)
    assert head(paths[1], 2)[1] == b"\xff\xd8"
    await task.close()


async def test_a_proxy_is_found_again(tmp_path: Path) -> None:
    held = archive(tmp_path)
    job = held.add(film(tmp_path, "a.mp4", *shown(), *X264), Kind.VIDEOS)
    task = VideoProxy()
    made = rows((await task.run([job], held, nobody_listens))[job.id])
    await task.close()
    held.refuses = True
    again = VideoProxy()
    assert rows((await again.run([job], held, nobody_listens))[job.id]) == made
    await again.close()


@pytest.mark.parametrize(
    "head", [b"", b"\xff\xd8", b"\xff\xd8\xff\xc0\x00", b"\x00" * 100, b"\xff\xd8" + b"\xff" * 50]
)
def test_what_is_no_copy_of_ours(head: bytes) -> None:
    assert existing_derivatives.jpeg_size(head) is None
    assert existing_derivatives.film_size(head) is None
    assert existing_derivatives.film_size(b"\x00\x00\x00\x08ftyp" + head + b"\x00\x00\x00\x5ctkhd") is None
