"""Pictures made of half blocks in 256 colours, which every terminal shows, also through tmux and SSH.

Each cell is an upper half block: its colour is one pixel, its background the one below. Colours are xterm's: a
cube of 6 x 6 x 6 and 24 greys (xterm, 256colres.h). A cell takes at most 26 bytes, or 3 where it equals the one
before.
"""

import io
from collections.abc import Sequence
from functools import cache

from PIL import Image, UnidentifiedImageError

UPPER = "\u2580"

FIRST_CUBE_COLOUR = 16
"""The first colour of the cube; the terminal defines those before it."""

LARGEST_EDGE = 8000
"""The longest edge of a picture, in pixels, that is decoded; a thumbnail has a few hundred."""

Cell = tuple[int, int]
"""The colours of the upper and the lower half."""


def cells(data: bytes, columns: int, rows: int) -> list[list[Cell]]:
    """A JPEG file in at most this many columns and rows, with its proportions; empty where it is not a JPEG
    file."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if max(image.size) > LARGEST_EDGE:
                return []
            image.draft("RGB", (columns * 2, rows * 4))
            scale = min(columns / image.width, rows * 2 / image.height)
            width = max(1, round(image.width * scale))
            height = max(2, round(image.height * scale / 2) * 2)
            small = image.convert("RGB").resize((width, height), Image.Resampling.BOX)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return []
    indexes = small.quantize(palette=_palette(), dither=Image.Dither.NONE).tobytes()
    lines = [indexes[at : at + width] for at in range(0, len(indexes), width)]
    return [
        [
            (upper + FIRST_CUBE_COLOUR, lower + FIRST_CUBE_COLOUR)
            for upper, lower in zip(lines[row], lines[row + 1], strict=True)
        ]
        for row in range(0, height, 2)
    ]


def runs(line: Sequence[Cell]) -> list[tuple[Cell, int]]:
    """Run-length encoded: each cell, and how many times it follows itself."""
    found: list[tuple[Cell, int]] = []
    for cell in line:
        if found and found[-1][0] == cell:
            found[-1] = (cell, found[-1][1] + 1)
        else:
            found.append((cell, 1))
    return found


def escaped(lines: Sequence[Sequence[Cell]]) -> str:
    """The lines as escape sequences for a terminal."""
    return "".join(
        "".join(f"\x1b[38;5;{upper};48;5;{lower}m{UPPER * count}" for (upper, lower), count in runs(line))
        + "\x1b[0m\n"
        for line in lines
    )


@cache
def _palette() -> Image.Image:
    steps = (0, 95, 135, 175, 215, 255)
    colours = [(red, green, blue) for red in steps for green in steps for blue in steps]
    colours += [(level, level, level) for level in range(8, 239, 10)]
    image = Image.new("P", (1, 1))
    image.putpalette([value for colour in colours for value in colour])
    return image
