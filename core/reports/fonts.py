"""Finding fonts on this machine for a PDF, which must embed its own; the program ships none.

One font is for most text; others are looked for when a name has characters that it lacks. Characters that no font
has are written as visible escapes, in the form of `core.paths.display`, and counted.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fpdf import FPDF

TEXT = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
)
"""Fonts for most text, the best first: regular and bold."""

_ENDINGS = (".ttf", ".otf", ".ttc")
_UNFIT = ("lastresort", "emoji")
"""In names of fonts that cannot be used: macOS's last resort font has a box for every character; coloured ones are
pictures."""

_RESTRICTED = 0x0002
"""The font must not be embedded (OpenType, OS/2 table, fsType)."""


def folders(platform: str = sys.platform, home: str = "") -> tuple[str, ...]:
    """The folders of fonts (Apple, "Font locations and their purposes"; fontconfig, fonts.conf)."""
    home = home or os.path.expanduser("~")
    if platform == "darwin":
        return (
            "/System/Library/Fonts/Supplemental",
            "/System/Library/Fonts",
            "/Library/Fonts",
            f"{home}/Library/Fonts",
        )
    return ("/usr/share/fonts", "/usr/local/share/fonts", f"{home}/.local/share/fonts")


class Fonts:
    """The fonts of one document, embedded on demand."""

    def __init__(self, pdf: "FPDF", places: Iterable[str]) -> None:
        self._pdf = pdf
        self._files = dict(_font_files(places))
        self.family = "helvetica"
        self.unshown = 0
        """How many characters no font here has."""
        self._has: set[int] = set(range(32, 127)) | set(range(160, 256))  # Latin-1: the fonts of every PDF reader
        self._lacking: set[int] = set()
        self._more: list[str] = []
        for pair in TEXT:
            if all(name.casefold() in self._files for name in pair):
                regular, bold = (self._files.pop(name.casefold()) for name in pair)
                pdf.add_font("text", "", regular)
                pdf.add_font("text", "B", bold)
                self.family = "text"
                self._has = set(_characters(regular))
                break
        self._others = sorted(self._files.items(), key=lambda one: (_rank(one[0]), one[0]))

    def fit(self, text: str) -> str:
        """The text with escapes for characters that no font has."""
        lacking = {ord(one) for one in text} - self._has
        if lacking - self._lacking:
            self._look_for(lacking - self._lacking)
        lacking -= self._has
        if not lacking:
            return text
        self.unshown += sum(ord(one) in lacking for one in text)
        return "".join(_escaped(one) if ord(one) in lacking else one for one in text)

    def _look_for(self, lacking: set[int]) -> None:
        # Further fonts cannot be mixed with the built-in fonts of PDF readers.
        for name, path in self._others if self.family == "text" else ():
            if not lacking:
                break
            found = _characters(path)
            if lacking & found and name not in self._more:
                self._pdf.add_font(name, "", path)
                self._more.append(name)
                self._pdf.set_fallback_fonts(self._more, exact_match=False)
                self._has |= found
                lacking = lacking - found
        self._lacking |= lacking


def _font_files(places: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(name of the file in lower case, path) of fonts."""
    for place in places:
        for folder, _, names in os.walk(place):
            for name in names:
                small = name.casefold()
                if small.endswith(_ENDINGS) and not any(one in small for one in _UNFIT):
                    yield small, os.path.join(folder, name)


def _rank(name: str) -> int:
    """A sort key: fonts with many scripts first, then upright ones of normal weight, then the others."""
    plain = not any(one in name for one in ("bold", "italic", "oblique", "light", "condensed", "mono", "serif"))
    wide = any(one in name for one in ("unicode", "sans", "cjk", "hiragino", "pingfang", "fallback"))
    return 2 - wide if plain else 3


@cache
def _characters(path: str) -> frozenset[int]:
    """The characters that the first font of a file has; empty where it cannot be read or must not be embedded."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with open(path, "rb") as file, TTFont(file, lazy=True, fontNumber=0) as font:
            if font["OS/2"].fsType & _RESTRICTED or not ("glyf" in font or "CFF " in font):
                return frozenset()
            return frozenset(font.getBestCmap() or ())
    except (TTLibError, OSError, KeyError, ValueError, AssertionError):
        return frozenset()


def _escaped(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) < 1 << 16 else f"\\U{ord(one):08x}"
