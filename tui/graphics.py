"""Pictures in pixels, for terminals that say that they show them: by kitty's protocol, else as sixels.

The terminal is asked once. The last question is for the primary device attributes: every terminal answers it, and
questions are answered in order, so whatever is unanswered by then is not supported. Sixels need two answers,
because a terminal may name them among its attributes without knowing their geometry.

Sources: kitty's graphics protocol ("Querying support and available transmission mediums"); xterm's ctlseqs (DA1: 4
is sixel; XTSMGRAPHICS: item 2 is sixel geometry; CSI 16 t: size of a character).
"""

import base64
import io
import os
import re
import select
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from PIL import Image, UnidentifiedImageError

from tui.half_blocks import LARGEST_EDGE

QUESTION = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[?2;1;0S\x1b[c"
ANSWER_TIMEOUT = 1.0
"""Seconds until a terminal that does not answer is given up."""

PIECE = 4096
"""The most characters of Base64 in one piece of kitty's protocol."""

_KITTY = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_CELL = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
_SIXEL_SIZE = re.compile(rb"\x1b\[\?2;0;\d+;\d+S")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]+)c")


class Graphics(NamedTuple):
    """`way`: how pictures are shown; empty: not in pixels. `cell`: width and height of a character in pixels."""

    way: Literal["kitty", "sixel", ""] = ""
    cell: tuple[int, int] = (10, 20)


def ask(keys: int, screen: int, environ: Mapping[str, str], timeout: float = ANSWER_TIMEOUT) -> Graphics:
    """Ask the terminal that is read from the descriptor `keys` and written to at `screen`. Takes at most `timeout`
    seconds. Over SSH nothing is asked, because pixels are ten times as many bytes as half blocks."""
    if "SSH_CONNECTION" in environ or not (os.isatty(keys) and os.isatty(screen)):
        return Graphics()
    try:
        before = termios.tcgetattr(keys)
    except termios.error:
        return Graphics()
    answer, end = b"", time.monotonic() + timeout
    try:
        tty.setcbreak(keys, termios.TCSANOW)
        os.write(screen, QUESTION)
        while not _ATTRIBUTES.search(answer) and (left := end - time.monotonic()) > 0:
            if select.select([keys], [], [], left)[0]:
                data = os.read(keys, 1024)
                if not data:
                    break
                answer += data
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)
    return understood(answer)


def understood(answer: bytes) -> Graphics:
    """Parse a terminal's answer to QUESTION."""
    attributes = _ATTRIBUTES.search(answer)
    if attributes is None:
        return Graphics()
    size = _CELL.search(answer)
    cell = (int(size[2]) or 10, int(size[1]) or 20) if size else Graphics().cell
    if _KITTY.search(answer):
        return Graphics("kitty", cell)
    if b"4" in attributes[1].split(b";") and _SIXEL_SIZE.search(answer):
        return Graphics("sixel", cell)
    return Graphics()


def drawn(data: bytes, graphics: Graphics, columns: int, rows: int) -> str:
    """The escape sequences that show a JPEG file in at most this many columns and rows, with a line break at the
    end; empty if `data` is not a JPEG file, or too large. `graphics.way` must not be empty."""
    width, height = graphics.cell
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if max(image.size) > LARGEST_EDGE:
                return ""
            room = columns * width, rows * height
            scale = min(room[0] / image.width, room[1] / image.height)
            # The height is a multiple of a row's, so that the text that follows begins below the picture.
            size = max(1, round(image.width * scale)), max(1, round(image.height * scale / height)) * height
            picture = image.convert("RGB").resize(size, Image.Resampling.BOX)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return ""
    if graphics.way == "kitty":
        return "".join(_kitty(picture)) + "\n"
    # Importing the package textual_image itself queries the terminal; importing this module does not (0.12).
    from textual_image._sixel import image_to_sixels

    return f"{image_to_sixels(picture)}\n"


def _kitty(picture: Image.Image) -> Iterator[str]:
    out = io.BytesIO()
    picture.save(out, "PNG")
    text = base64.b64encode(out.getvalue()).decode()
    for at in range(0, len(text), PIECE):
        # a=T: show it at once; f=100: PNG; q=2: no answers.
        first = "a=T,f=100,q=2," if not at else ""
        yield f"\x1b_G{first}m={int(at + PIECE < len(text))};{text[at : at + PIECE]}\x1b\\"
