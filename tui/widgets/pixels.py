"""Pictures in pixels on Textual's screen.

Textual knows cells only. Where a picture belongs its widget is blank; after each time that Textual has written to
the terminal, `Layer` writes the pictures whose cells were written, because text erases sixels, and those that are
new. So a picture is sent once, and again only when something else was drawn in its place.
"""

import itertools
import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from rich.console import Console
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.graphics import Pixels, transmission


class Placed(NamedTuple):
    """A picture, and the column and row of its upper left corner on the screen."""

    pixels: Pixels
    x: int
    y: int


class _Noting(Strip):
    """A strip that calls `note` when it is written to the terminal."""

    __slots__ = ("_inner", "_note")

    def __init__(self, inner: Strip, note: Callable[[], None]) -> None:
        super().__init__(inner, inner.cell_length)
        self._inner = inner
        self._note = note

    def crop(self, start: int, end: int | None = None) -> Strip:
        cropped = self._inner.crop(start, end)
        return self if cropped is self._inner else _Noting(cropped, self._note)

    def render(self, console: Console) -> str:
        self._note()
        return self._inner.render(console)


class _Compact(Strip):
    """A strip without the resets between cells that set both colours: a seventh of the bytes of a picture in half
    blocks."""

    __slots__ = ("_inner",)
    _RESET = re.compile("\x1b\\[0m(?=\x1b\\[38;5;\\d+;48;5;\\d+m)")

    def __init__(self, inner: Strip) -> None:
        super().__init__(inner, inner.cell_length)
        self._inner = inner

    def crop(self, start: int, end: int | None = None) -> Strip:
        cropped = self._inner.crop(start, end)
        return self if cropped is self._inner else _Compact(cropped)

    def render(self, console: Console) -> str:
        return self._RESET.sub("", self._inner.render(console))


class Pixelled(Widget):
    """A widget that has pictures: in half blocks, or in pixels, of which it leaves the cells blank."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.written: set[int] = set()
        """Rows of the screen, of this widget, that were written since the pictures were."""

    def pictures(self) -> Mapping[int, Placed]:
        """The pictures that are visible now, by any number."""
        raise NotImplementedError

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint the widget."""
        strips = super().render_lines(crop)
        if not self.pictures():
            return [_Compact(strip) for strip in strips]
        top = self.region.y + crop.y
        return [_Noting(strip, partial(self.written.add, top + at)) for at, strip in enumerate(strips)]


class Layer:
    """What is on the terminal in pixels. `write` sends an escape sequence to it."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown: dict[tuple[Pixelled, int], tuple[Placed, int]] = {}
        self._ids = itertools.count(os.getpid() * 1000 + 1)

    def draw(self, widgets: Iterable[Pixelled]) -> None:
        """Make the terminal show the pictures of these widgets, and no others."""
        wanted: dict[tuple[Pixelled, int], Placed] = {}
        again = set()
        for widget in widgets:
            for number, placed in widget.pictures().items():
                wanted[widget, number] = placed
                if not widget.written.isdisjoint(range(placed.y, placed.y + placed.pixels.rows)):
                    again.add((widget, number))
            widget.written.clear()
        out: list[str] = []
        for key, (placed, image) in list(self._shown.items()):
            if wanted.get(key) != placed:
                out += _removal(placed, image)
                del self._shown[key]
        for key, placed in wanted.items():
            if key not in self._shown:
                self._shown[key] = placed, next(self._ids)
                out += _sent(placed, self._shown[key][1])
            elif key in again and placed.pixels.way == "sixel":
                out += _sent(placed, 0)
        if out:
            self._write("".join(("\x1b7", *out, "\x1b8")))

    def clear(self) -> None:
        """Remove all pictures; they are sent anew when they are drawn again."""
        self.draw(())


def _sent(placed: Placed, image: int) -> Iterable[str]:
    yield f"\x1b[{placed.y + 1};{placed.x + 1}H"
    if placed.pixels.way == "sixel":
        yield placed.pixels.data
    else:
        # a=T: show it at once; C=1: leave the cursor where it is.
        yield from transmission(placed.pixels.data, f"a=T,i={image},p=1,C=1")


def _removal(placed: Placed, image: int) -> Iterable[str]:
    """Sixels go when their cells are written."""
    if placed.pixels.way == "kitty":
        # d=I: the picture's data, too.
        yield f"\x1b_Ga=d,d=I,i={image},q=2\x1b\\"
