"""Pictures in pixels: what is written for them, and the app on terminals that show them, or say so and do not."""

import io
import re
import sys
import time

import pytest
from PIL import Image
from rich.console import Console
from textual.strip import Strip

from tests.tui.app.terminal import PATIENCE, Terminal, terminal
from tests.tui.test_graphics import CELL, DA1, DA1_SIXEL, KITTY, SIZE
from tui import graphics
from tui.graphics import Graphics, Pixels
from tui.half_blocks import UPPER
from tui.pixels import encode
from tui.widgets.pixels import Layer, Pixelled, Placed, _Noting

CHILD = (sys.executable, "-m", "tests.tui.app.pictured_child")

SENT = b"\x1b_Ga=T,"
REMOVED = b"\x1b_Ga=d,d=I,"
SIXELS = b"\x1bP0;0;0q"


class Shelf(Pixelled):
    """A widget with these pictures."""

    def __init__(self, **placed: Placed) -> None:
        super().__init__(id="shelf")
        self.placed = placed

    def pictures(self) -> dict[int, Placed]:
        return dict(enumerate(self.placed.values()))


def drawing() -> tuple[Layer, list[str]]:
    written: list[str] = []
    return Layer(written.append), written


def test_kittys_picture_is_sent_once_and_taken_back() -> None:
    layer, written = drawing()
    shelf = Shelf(one=Placed(Pixels("kitty", 4, 2, "AAAA"), 10, 5))
    layer.draw([shelf])
    sent = re.fullmatch("\x1b7\x1b\\[6;11H\x1b_Ga=T,i=(\\d+),p=1,C=1,f=100,q=2,m=0;AAAA\x1b\\\\\x1b8", written[0])
    assert sent
    shelf.written = {5, 6}
    layer.draw([shelf])
    assert len(written) == 1, "text does not erase it"
    layer.draw([])
    assert written[1:] == [f"\x1b7\x1b_Ga=d,d=I,i={sent[1]},q=2\x1b\\\x1b8"]


def test_sixels_are_sent_again_where_text_was_written_over_them() -> None:
    layer, written = drawing()
    shelf = Shelf(
        upper=Placed(Pixels("sixel", 4, 2, "\x1bPone\x1b\\"), 0, 1),
        lower=Placed(Pixels("sixel", 4, 2, "\x1bPtwo\x1b\\"), 0, 4),
    )
    layer.draw([shelf])
    assert written == ["\x1b7\x1b[2;1H\x1bPone\x1b\\\x1b[5;1H\x1bPtwo\x1b\\\x1b8"]
    shelf.written = {0, 3}
    layer.draw([shelf])
    assert len(written) == 1, "nothing of them was written over"
    shelf.written = {5}
    layer.draw([shelf])
    assert written[1:] == ["\x1b7\x1b[5;1H\x1bPtwo\x1b\\\x1b8"]
    layer.draw([shelf])
    layer.draw([])
    assert len(written) == 2, "it is known only once, and what Textual writes removes them"


def test_a_strip_notes_when_it_is_written_also_a_part_of_it() -> None:
    noted: list[int] = []
    strip = _Noting(Strip.blank(10), lambda: noted.append(1))
    assert strip.divide([10]) == [strip]
    assert strip.crop(0, 10) is strip
    assert strip.crop(0, 4).render(Console()) == " " * 4
    assert strip.render(Console()) == " " * 10
    assert len(noted) == 2


def jpeg(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize("way", ["kitty", "sixel"])
@pytest.mark.parametrize("size", [(600, 400), (400, 600), (3000, 4), (4, 3000), (1, 1)])
def test_a_picture_is_never_larger_than_its_room(way: str, size: tuple[int, int]) -> None:
    made = encode(jpeg(*size), Graphics(way, (9, 17)), 18, 7)  # type: ignore[arg-type]
    assert made is not None
    assert made.columns <= 18
    assert made.rows <= 7
    if way == "sixel":
        found = re.match('\x1bP0;0;0q"1;1;(\\d+);(\\d+)((?:#\\d+;2;\\d+;\\d+;\\d+)+)', made.data)
        assert found
        assert int(found[1]) <= made.columns * 9
        assert int(found[2]) <= made.rows * 17
        assert int(found[2]) % 6 == 0
        assert ";2;" not in made.data[found.end() :], "xterm wants to know all colours first"


# In a terminal


def opened(shown: Terminal, answer: bytes) -> None:
    """Answer the app's question, with keys before and after; then choose the file with a picture of noise, once
    the list of imports is there."""
    shown.until(graphics.QUESTION)
    shown.type(b"i" + answer + b"?")
    shown.until(b"HELP, imports")
    shown.type(b"\x1b")
    shown.until(b"IMPORTS, 6")
    shown.type(b"G\r")
    shown.until(b"FILES, 1,000")
    shown.type(b"jjj")


def painted(shown: Terminal, cells: int) -> None:
    """Wait until so many half blocks are written since the last key."""
    end = time.monotonic() + PATIENCE
    while shown.written.count(UPPER.encode(), shown.mark) < cells:
        assert time.monotonic() < end
        shown.read(0.05)


def test_kitty_gets_the_picture_once_and_keys_are_not_lost() -> None:
    with terminal(120, 40, command=CHILD) as shown:
        opened(shown, KITTY + CELL + DA1)
        shown.until(SENT)
        shown.until(b"\x1b_Gm=0;")
        calm = len(shown.read(3.0)) / 3.0
        assert calm <= 8_000
        assert UPPER.encode() not in shown.written
        assert shown.written.count(SENT) == 1
        shown.type(b"?")
        shown.until(REMOVED)
        shown.type(b"q")
        assert shown.ended() == 0


def test_sixels_are_drawn_again_after_another_screen() -> None:
    with terminal(120, 40, command=CHILD) as shown:
        opened(shown, CELL + SIZE + DA1_SIXEL)
        shown.until(SIXELS)
        shown.type(b"?")
        shown.until(b"HELP, import")
        shown.type(b"\x1b")
        shown.until(SIXELS)
        assert UPPER.encode() not in shown.written


@pytest.mark.parametrize("answer", [DA1_SIXEL, b""], ids=["names sixels only", "answers nothing"])
def test_one_that_lies_shows_half_blocks(answer: bytes) -> None:
    with terminal(120, 40, command=CHILD) as shown:
        opened(shown, answer)
        painted(shown, 42 * 32)
        shown.type(b"j")
        painted(shown, 42 * 14)
        shown.type(b"k")
        begun = shown.mark
        painted(shown, 42 * 32)
        assert len(shown.written) - begun <= 40_000, "of noise, and what of the list changes"
        assert SIXELS not in shown.written
        assert SENT not in shown.written
