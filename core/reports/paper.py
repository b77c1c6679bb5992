"""Pages of A4, on which text, tables and pictures are laid out from top to bottom."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, WrapMode
from PIL import Image, UnidentifiedImageError

from core.reports.fonts import Fonts

MARGIN = 14.0
"""Millimetres; enough for printers with Letter, too."""

GAP = 3.0
"""Millimetres between the columns of a table."""

LINE = 1.4
"""The height of a line, relative to the font size."""

MILLIMETRES = 25.4 / 72
"""Millimetres per point."""

INK, DIM = (0, 0, 0), (80, 80, 80)
RULE = (190, 190, 190)
TONES = {"safe": (63, 80, 0), "keep": (165, 20, 10), "open": DIM}

PICTURE_LEAST, PICTURE_MOST = 200, 400
"""Pixels of the longer edge of a picture: 120 to 240 per inch in a contact sheet. A thumbnail has twice as many:
the decoder halves it while decoding."""

LARGEST_EDGE = 8000
"""The longest edge of a picture, in pixels, that is decoded; a thumbnail has a few hundred."""


class _Numbered(FPDF):
    """Pages with page numbers."""

    def footer(self) -> None:
        """See FPDF."""
        self.set_y(-MARGIN)
        self.set_font("helvetica", "", 8)
        self.set_text_color(*DIM)
        self.cell(0, 5, str(self.page_no()), align="R")


class Paper:
    """One document. All texts are literal: nothing in them is a command."""

    def __init__(self, title: str, creator: str, places: Iterable[str]) -> None:
        self.pdf = _Numbered(format="A4")
        self.pdf.set_margin(MARGIN)
        self.pdf.c_margin = 0
        self.pdf.set_auto_page_break(True, MARGIN + 4)
        # No alias for the number of pages, because a name may contain "{nb}".
        self.pdf.alias_nb_pages("")
        self.pdf.set_lang("en")
        self.pdf.set_creator(creator)
        self.fonts = Fonts(self.pdf, places)
        self.pdf.set_title(title)
        self.pdf.add_page()

    @property
    def width(self) -> float:
        """Millimetres between the margins."""
        return float(self.pdf.epw)

    def _font(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = INK) -> float:
        """Set the font. Returns the height of a line in millimetres."""
        self.pdf.set_font(self.fonts.family, "B" if bold else "", size)
        self.pdf.set_text_color(*colour)
        return size * MILLIMETRES * LINE

    def _fit(self, text: str) -> str:
        """The text as the fonts can show it; sets how it is shaped, so it has to be written next."""
        text = self.fonts.fit(text)
        # Joined letters and scripts from right to left need shaping, which takes ten times as long.
        shaped = not text.isascii() and self.fonts.family == "text"
        # Names run from left to right, also those with Hebrew in them, so that the extension is at the right.
        self.pdf.set_text_shaping(shaped, direction="ltr")
        return text

    def _lines(self, text: str, width: float, height: float) -> list[str]:
        if text.isascii() and self.pdf.get_string_width(text) < width - 1:
            return [text]
        lines: Any = self.pdf.multi_cell(
            width, height, text, dry_run=True, output=MethodReturnValue.LINES, wrapmode=WrapMode.CHAR
        )
        return list(lines) or [""]

    def text(
        self, text: str, size: float = 9.5, *, bold: bool = False, colour: tuple[int, int, int] = INK
    ) -> None:
        """Add a paragraph over the whole width."""
        height = self._font(size, bold=bold, colour=colour)
        # A word that is longer than a line is broken at its end.
        self.pdf.multi_cell(0, height, self._fit(text), new_x="LMARGIN", new_y="NEXT", align="L")

    def heading(self, text: str, size: float = 12, below: float = 15) -> None:
        """Add the heading of a section, on the same page as the `below` millimetres that follow."""
        self.room(below + 15)
        self.pdf.ln(3)
        self.text(text, size, bold=True)
        self.pdf.ln(1)

    def room(self, height: float) -> None:
        """Start a new page if this one has not this height left."""
        if self.pdf.will_page_break(height):
            self.pdf.add_page()

    def row(
        self,
        cells: Sequence[str],
        widths: Sequence[float],
        *,
        right: Sequence[int] = (),
        size: float = 8.5,
        dim: Sequence[int] = (),
    ) -> None:
        """Add a row of a table; only a row longer than a page is split. widths: as fractions of the whole; right:
        columns of numbers; dim: columns that are less important."""
        height = self._font(size)
        columns = [width * self.width - GAP for width in widths]
        lines = [self._lines(self._fit(text), width, height) for text, width in zip(cells, columns, strict=True)]
        count = max(map(len, lines))
        self.room(min(count * height, self.pdf.eph - 1))
        for at in range(count):
            self.room(height)
            left, top = self.pdf.l_margin, self.pdf.get_y()
            for number, (parts, width) in enumerate(zip(lines, columns, strict=True)):
                if at < len(parts):
                    self.pdf.set_xy(left, top)
                    self.pdf.set_text_color(*(DIM if number in dim else INK))
                    text = self._fit(parts[at])
                    self.pdf.cell(width, height, text, align="R" if number in right else "L")
                left += width + GAP
            self.pdf.set_xy(self.pdf.l_margin, top + height)

    def bars(self, bars: Iterable[tuple[int, int]], of: int, height: float) -> None:
        """Draw the bars of a day's 24 hours at the right of the last row, on a line. bars: (hour, height). A bar
        of the height `of` is `height` millimetres tall."""
        self.pdf.set_draw_color(*RULE)
        self.pdf.set_fill_color(*TONES["safe"])
        left = self.pdf.l_margin + self.width - 72
        ground = self.pdf.get_y() - 0.6
        self.pdf.line(left, ground, left + 72, ground)
        for place, part in bars:
            tall = height * part / of
            self.pdf.rect(left + place * 3, ground - tall, 2.7, tall, style="F")

    def picture(self, data: bytes, box: tuple[float, float, float, float], instead: str) -> None:
        """Draw a JPEG file in the middle of a box (left, top, width, height in millimetres), or write `instead`
        where it is not one."""
        left, top, width, height = box
        self.pdf.set_fill_color(238, 238, 238)
        self.pdf.rect(left, top, width, height, style="F")
        small = _shrink(data)
        if small is None:
            self._font(7, colour=DIM)
            text = self._lines(self._fit(instead), width - 2, 3)[0]
            self.pdf.set_xy(left, top)
            self.pdf.cell(width, height, text, align="C")
            return
        self.pdf.image(small, left, top, width, height, keep_aspect_ratio=True)

    def caption(self, lines: Sequence[tuple[str, bool]], left: float, top: float, width: float) -> None:
        """Write lines below a picture, (text, bold), each shortened in its middle to fit."""
        for text, bold in lines:
            height = self._font(7, bold=bold, colour=INK if bold else DIM)
            shown = self._fit(text)
            keep = len(shown)
            while keep > 8 and self.pdf.get_string_width(shown) > width:
                keep -= 1
                shown = self._fit(f"{text[: keep // 2]}…{text[-(keep - keep // 2) :]}")
            self.pdf.set_xy(left, top)
            self.pdf.cell(width, height, shown)
            top += height


def _shrink(data: bytes) -> io.BytesIO | None:
    """A JPEG file made smaller, its edges at most PICTURE_MOST pixels; None where it cannot be decoded, or is too
    large."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if max(image.size) > LARGEST_EDGE:
                return None
            scale = PICTURE_LEAST / max(image.size)
            image.draft("RGB", (round(image.width * scale), round(image.height * scale)))
            made = image.convert("RGB")
            made.thumbnail((PICTURE_MOST, PICTURE_MOST))
            kept = io.BytesIO()
            made.save(kept, "JPEG", quality=80)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    return kept
