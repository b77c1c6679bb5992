"""Pictures of half blocks."""

import io

import pytest
from PIL import Image

from tui import half_blocks


def jpeg(width: int, height: int, colour: tuple[int, int, int] = (255, 0, 0)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG", quality=95)
    return out.getvalue()


@pytest.mark.parametrize(
    ("size", "room", "expected"),
    [
        ((600, 400), (60, 20), (60, 20)),
        ((400, 600), (60, 20), (27, 20)),
        ((4000, 10), (60, 20), (60, 1)),
        ((10, 4000), (60, 20), (1, 20)),
        ((1, 1), (60, 20), (40, 20)),
    ],
)
def test_proportions_are_kept(size: tuple[int, int], room: tuple[int, int], expected: tuple[int, int]) -> None:
    cells = half_blocks.cells(jpeg(*size), *room)
    assert (len(cells[0]), len(cells)) == expected


@pytest.mark.parametrize(
    ("colour", "number"),
    [((255, 0, 0), 196), ((0, 0, 0), 16), ((255, 255, 255), 231), ((128, 128, 128), 244), ((0, 0, 255), 21)],
)
def test_colours_are_xterms(colour: tuple[int, int, int], number: int) -> None:
    assert half_blocks.cells(jpeg(16, 16, colour), 2, 1) == [[(number, number)] * 2]


@pytest.mark.parametrize("data", [b"", b"no picture", jpeg(64, 64)[:40], b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_is_none(data: bytes) -> None:
    assert half_blocks.cells(data, 10, 10) == []


def test_only_jpeg_is_read() -> None:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    assert half_blocks.cells(out.getvalue(), 10, 10) == []


def test_too_large_a_picture_is_not_read() -> None:
    assert half_blocks.cells(jpeg(half_blocks.LARGEST_EDGE + 1, 1), 10, 10) == []


def test_alike_cells_are_written_together() -> None:
    text = half_blocks.escaped([[(196, 196)] * 40, [(196, 16), (16, 196)]])
    assert text == (
        f"\x1b[38;5;196;48;5;196m{half_blocks.UPPER * 40}\x1b[0m\n"
        f"\x1b[38;5;196;48;5;16m{half_blocks.UPPER}\x1b[38;5;16;48;5;196m{half_blocks.UPPER}\x1b[0m\n"
    )


def test_a_picture_beside_a_list_costs_little() -> None:
    noise = Image.effect_noise((600, 900), 200).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "JPEG")
    assert len(half_blocks.escaped(half_blocks.cells(out.getvalue(), 42, 32)).encode()) < 40_000
