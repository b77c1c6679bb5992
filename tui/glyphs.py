"""Text, bars and marks as this terminal can show them: in UTF-8 or in ASCII."""

import textwrap
from collections.abc import Sequence

from core.paths import display
from tui import format
from tui.console.progress import bar

_HEIGHTS = " ▁▂▃▄▅▆▇█"
_ROUGH = " .:#"


class Glyphs:
    """`utf8`: characters beyond ASCII can be shown."""

    def __init__(self, *, utf8: bool = True) -> None:
        self.utf8 = utf8
        self.edge = "▌" if utf8 else "|"
        self.more = "…" if utf8 else "~"
        self.check = "●" if utf8 else "*"
        self.open = "▾" if utf8 else "-"
        self.closed = "▸" if utf8 else "+"

    def text(self, value: str | bytes) -> str:
        """A name or message that is safe to show here: it cannot control the terminal."""
        shown = display(value)
        return shown if self.utf8 else shown.encode("ascii", "backslashreplace").decode("ascii")

    def fit(self, text: str, width: int) -> str:
        """`text`, which is safe already, in exactly `width` columns, cut or padded."""
        if width <= 0:
            return ""
        cut = format.fit(text, width, utf8=self.utf8)
        return cut + " " * (width - format.cells(cut))

    def tail(self, text: str, width: int) -> str:
        """The end of `text`, which is safe already, in at most `width` columns: in paths the ends differ."""
        if format.cells(text) <= width:
            return text
        kept = text[max(0, len(text) - width + 1) :]
        # What begins with an accent would put it on the mark.
        while kept and (format.cells(kept) > width - 1 or not format.cells(kept[0])):
            kept = kept[1:]
        return self.more + kept

    def wrap(self, text: str, width: int) -> list[str]:
        """`text`, which is safe already, on as many lines of `width` columns as it needs."""
        width = max(width, 10)
        if text.isascii():
            return textwrap.wrap(text, width) or [""]
        lines = [""]
        for word in text.split():
            joined = f"{lines[-1]} {word}" if lines[-1] else word
            if format.cells(joined) <= width:
                lines[-1] = joined
                continue
            fits = format.cells(word) <= width
            if lines[-1] and (fits or format.cells(lines[-1]) >= width - 2):
                lines.append("")
            elif lines[-1]:
                lines[-1] += " "
            for character in word:
                if format.cells(lines[-1] + character) > width:
                    lines.append("")
                lines[-1] += character
        return lines

    def shorten(self, lines: Sequence[str], most: int, width: int) -> list[str]:
        """The first of `lines` and the last one, with a mark before it, if there are more than `most`."""
        return list(lines) if len(lines) <= most else [*lines[: most - 1], self.tail(self.more + lines[-1], width)]

    def bar(self, share: float, width: int) -> str:
        """A bar of `width` columns."""
        return bar(share, width, utf8=self.utf8)

    def graph(self, values: Sequence[float], height: int, top: float) -> list[str]:
        """A graph of `values` as `height` lines, from top to bottom; `top` is the value of the full height."""
        marks = _HEIGHTS if self.utf8 else _ROUGH
        steps = len(marks) - 1
        levels = [round(min(value / top, 1.0) * height * steps) if top > 0 else 0 for value in values]
        # Any value above zero is visible.
        levels = [max(level, 1) if value > 0 else 0 for level, value in zip(levels, values, strict=True)]
        return [
            "".join(marks[min(max(level - row * steps, 0), steps)] for level in levels)
            for row in range(height - 1, -1, -1)
        ]
