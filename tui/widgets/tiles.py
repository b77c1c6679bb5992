"""Tiles in rows and columns, one of which is chosen."""

from collections.abc import Mapping
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tui.glyphs import Glyphs
from tui.graphics import Pixels
from tui.widgets.picture import Shown, strip
from tui.widgets.pixels import Pixelled, Placed

WIDTH, HEIGHT = 20, 8
"""Columns and rows of a tile: its picture, and one line for its name."""


class Tiles(Pixelled, can_focus=True):
    """Shows names at once, and pictures when they are given."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1, 0)", show=False),
        Binding("right,l", "move(1, 0)", show=False),
        Binding("up,k", "move(0, -1)", show=False),
        Binding("down,j", "move(0, 1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("home", "choose(0)", show=False),
        Binding("end,G", "choose(1000000000)", show=False),
    ]

    class Moved(Message):
        """Other tiles are visible, or another one is chosen."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.total = 0
        self.cursor = 0
        self._names: dict[int, str] = {}
        self._pictures: dict[int, Shown] = {}

    @property
    def room(self) -> tuple[int, int]:
        """Columns and rows of a picture."""
        return WIDTH - 2, HEIGHT - 1

    @property
    def _columns(self) -> int:
        return max(1, self.size.width // WIDTH)

    @property
    def _rows(self) -> int:
        return max(1, self.size.height // HEIGHT)

    def seen(self) -> tuple[int, int]:
        """The numbers of the first and the last visible tile."""
        first = self._top_row() * self._columns
        return first, first + self._rows * self._columns - 1

    def _top_row(self) -> int:
        """The first visible row: the chosen tile is in the middle, except at the beginning and the end."""
        last = max(0, -(-self.total // self._columns) - self._rows)
        return min(last, max(0, self.cursor // self._columns - self._rows // 2)) if self.total else 0

    def call(self, total: int, first: int, names: list[str]) -> None:
        """Set the number of tiles, and the names from tile `first` on."""
        self.total = total
        self.cursor = min(self.cursor, max(0, total - 1))
        self._names |= {first + at: name for at, name in enumerate(names)}
        self.refresh()

    def put(self, number: int, picture: Shown) -> None:
        """Set the picture of a tile; those far from the visible tiles are dropped."""
        if self._pictures.get(number) == picture:
            return
        first, last = self.seen()
        self._pictures = {at: kept for at, kept in self._pictures.items() if first <= at <= last}
        self._pictures[number] = picture
        row, column = divmod(number - first, self._columns)
        self.refresh(Region(column * WIDTH, row * HEIGHT, WIDTH, HEIGHT))

    def pictures(self) -> Mapping[int, Placed]:
        """The pictures of visible tiles that are in pixels."""
        first, last = self.seen()
        found = {}
        for number in range(first, last + 1):
            picture = self._pictures.get(number)
            if isinstance(picture, Pixels) and (number - first) // self._columns * HEIGHT < self.size.height:
                row, column = divmod(number - first, self._columns)
                x = self.content_region.x + column * WIDTH + (WIDTH - 2 - picture.columns) // 2
                y = self.content_region.y + row * HEIGHT + (HEIGHT - 1 - picture.rows) // 2
                found[number] = Placed(picture, x, y)
        return found

    def action_move(self, across: int, down: int) -> None:
        """Choose another tile."""
        self.action_choose(self.cursor + across + down * self._columns)

    def action_page(self, by: int) -> None:
        """Choose a tile one screen away."""
        self.action_choose(self.cursor + by * self._rows * self._columns)

    def action_choose(self, number: int) -> None:
        """Choose a tile by its number, or the nearest one."""
        number = min(max(number, 0), max(0, self.total - 1))
        if number != self.cursor:
            top, before = self._top_row(), self.cursor
            self.cursor = number
            if self._top_row() == top:
                self.refresh(*(self._name_line(at) for at in (before, number)))
            else:
                self.refresh()
            self.post_message(self.Moved())

    def _name_line(self, number: int) -> Region:
        """The line with the names of all tiles in the row of this one."""
        row = number // self._columns - self._top_row()
        return Region(0, row * HEIGHT + HEIGHT - 1, self.size.width, 1)

    def on_resize(self) -> None:
        """Report that other tiles are visible."""
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Choose the tile that is clicked."""
        first, _ = self.seen()
        self.action_choose(first + event.y // HEIGHT * self._columns + min(event.x // WIDTH, self._columns - 1))

    def render_line(self, y: int) -> Strip:
        """Paint one line of all tiles in a row."""
        blank = self.rich_style
        row, at = divmod(y, HEIGHT)
        first = (self._top_row() + row) * self._columns
        parts: list[Segment] = []
        for number in range(first, first + self._columns) if row < self._rows else ():
            parts += self._part(number, at) if number < self.total else [Segment(" " * WIDTH, blank)]
        return Strip(parts).adjust_cell_length(self.size.width, blank)

    def _part(self, number: int, at: int) -> list[Segment]:
        blank = self.rich_style
        if at == HEIGHT - 1:
            name = self.glyphs.fit(self.glyphs.tail(self._names.get(number, ""), WIDTH - 2), WIDTH - 2)
            chosen = self.screen.get_component_rich_style("lines--cursor", partial=True)
            return [Segment(name, blank + chosen if number == self.cursor else blank), Segment("  ", blank)]
        picture = self._pictures.get(number)
        if not picture:
            mark = self.glyphs.fit(self.glyphs.more if at == HEIGHT // 2 - 1 else "", WIDTH)
            return [Segment(" " * (WIDTH // 2 - 1) + mark[: WIDTH // 2 + 1], blank)]
        if isinstance(picture, Pixels):
            return [Segment(" " * WIDTH, blank)]
        above = (HEIGHT - 1 - len(picture)) // 2
        if not above <= at < above + len(picture):
            return [Segment(" " * WIDTH, blank)]
        line = picture[at - above]
        left = (WIDTH - 2 - len(line)) // 2
        return [Segment(" " * left, blank), *strip(line), Segment(" " * (WIDTH - left - len(line)), blank)]
