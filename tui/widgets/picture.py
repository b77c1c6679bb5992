"""A widget that shows a picture: in half blocks, or in pixels where the terminal shows them."""

from collections.abc import Mapping, Sequence

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.graphics import Pixels
from tui.half_blocks import UPPER, Cell, runs
from tui.widgets.pixels import Pixelled, Placed

Shown = Pixels | list[list[Cell]]
"""A picture as it is shown; an empty list is none."""


def strip(line: Sequence[Cell]) -> Strip:
    """One line of a picture."""
    return Strip(
        [
            Segment(UPPER * count, Style(color=Color.from_ansi(upper), bgcolor=Color.from_ansi(lower)))
            for (upper, lower), count in runs(line)
        ]
    )


class Picture(Pixelled):
    """Shows the last `put`."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._shown: Shown = []

    def put(self, shown: Shown) -> None:
        """Show another picture."""
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def pictures(self) -> Mapping[int, Placed]:
        """The picture, if it is in pixels and there is room for it."""
        room, shown = self.content_region, self._shown
        if not isinstance(shown, Pixels) or shown.columns > room.width or shown.rows > room.height:
            return {}
        return {0: Placed(shown, room.x + (room.width - shown.columns) // 2, room.y)}

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        blank = self.rich_style
        if isinstance(self._shown, Pixels) or y >= len(self._shown):
            return Strip.blank(self.size.width, blank)
        line = self._shown[y]
        left = max(0, (self.size.width - len(line)) // 2)
        return Strip([Segment(" " * left, blank), *strip(line)]).adjust_cell_length(self.size.width, blank)
