"""A widget that shows a picture made of half blocks."""

from collections.abc import Sequence

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.half_blocks import UPPER, Cell, runs


def strip(line: Sequence[Cell]) -> Strip:
    """One line of a picture."""
    return Strip(
        [
            Segment(UPPER * count, Style(color=Color.from_ansi(upper), bgcolor=Color.from_ansi(lower)))
            for (upper, lower), count in runs(line)
        ]
    )


class Picture(Widget):
    """Shows the cells of the last `put`."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._cells: list[list[Cell]] = []

    def put(self, cells: list[list[Cell]]) -> None:
        """Show other cells."""
        if cells != self._cells:
            self._cells = cells
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        blank = self.rich_style
        if y >= len(self._cells):
            return Strip.blank(self.size.width, blank)
        line = self._cells[y]
        left = max(0, (self.size.width - len(line)) // 2)
        return Strip([Segment(" " * left, blank), *strip(line)]).adjust_cell_length(self.size.width, blank)
