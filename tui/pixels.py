"""Pictures in pixels: PNG files for kitty's protocol, or sixels."""

import base64
import io
import re

from PIL import Image, UnidentifiedImageError

from tui.graphics import Graphics, Pixels, transmission
from tui.half_blocks import LARGEST_EDGE

_DEFINED = re.compile(r"(#\d+);2;\d+;\d+;\d+")

BAND = 6
"""Rows of pixels that one line of sixels covers."""


def encode(data: bytes, graphics: Graphics, columns: int, rows: int) -> Pixels | None:
    """A JPEG file in at most this many columns and rows, with its proportions; None where it is not a JPEG file,
    or too large. `graphics.way` must not be empty."""
    width, height = graphics.cell
    image = _decoded(data)
    if image is None:
        return None
    scale = min(columns * width / image.width, rows * height / image.height)
    across, down = max(1, round(image.width * scale)), max(BAND, round(image.height * scale))
    if graphics.way == "sixel":
        # A terminal may paint the whole of the last line of sixels, and so what stands below the picture.
        down -= down % BAND
    picture = image.resize((across, down), Image.Resampling.BOX)
    told = _png(picture) if graphics.way == "kitty" else _sixels(picture, graphics.colours)
    return Pixels(graphics.way, min(columns, -(-across // width)), min(rows, -(-down // height)), told)


def escape_sequences(data: bytes, graphics: Graphics, columns: int, rows: int) -> str:
    """The escape sequences that show a JPEG file in at most this many columns and rows, with a line break at the
    end; empty if `data` is not a JPEG file, or too large. `graphics.way` must not be empty."""
    width, height = graphics.cell
    image = _decoded(data)
    if image is None:
        return ""
    room = columns * width, rows * height
    scale = min(room[0] / image.width, room[1] / image.height)
    # The height is a multiple of a row's, so that the text that follows begins below the picture.
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale / height)) * height
    picture = image.resize(size, Image.Resampling.BOX)
    if graphics.way == "kitty":
        return "".join(transmission(_png(picture), "a=T")) + "\n"
    return f"{_sixels(picture, graphics.colours)}\n"


def _decoded(data: bytes) -> Image.Image | None:
    """A JPEG file's picture; None where it is not one, or too large."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            return image.convert("RGB") if max(image.size) <= LARGEST_EDGE else None
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None


def _png(picture: Image.Image) -> str:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return base64.b64encode(out.getvalue()).decode()


def _sixels(picture: Image.Image, colours: int) -> str:
    # Importing the package textual_image itself queries the terminal; importing this module does not (0.12).
    from textual_image._sixel import SixelOptions, image_to_sixels

    made = image_to_sixels(picture, SixelOptions(colors=colours))
    # All colours first: xterm 379 draws the first stretch of one that is defined in the middle in black.
    defined = "".join(one[0] for one in _DEFINED.finditer(made))
    head, body = made[: (at := made.index("#"))], made[at:]
    return head + defined + _DEFINED.sub(r"\1", body)
