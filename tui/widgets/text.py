"""Lines of text to read, search and scroll in both directions, one of which can be chosen."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.glyphs import Glyphs
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Lazy, Pane, Room, Rows, empty


class Text(Pane):
    """Text that is shown while it arrives: a receipt, or details."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "sideways(1)", show=False),
        Binding("left,h", "sideways(-1)", show=False),
    ]

    def __init__(self, glyphs: Glyphs, title: str, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.title = title
        self.text: list[str] = []
        self.trouble = ""
        self.left = 0
        """Characters of each line that are scrolled out."""

    @property
    def chosen(self) -> str:
        """The chosen line."""
        return self.text[self.cursor] if self.cursor < len(self.text) else ""

    def action_sideways(self, by: int) -> None:
        """Half a screen to the right, or to the left; not past the longest line that is seen."""
        seen = self.text[max(0, self.cursor - self.size.height) : self.cursor + self.size.height]
        longest = max((len(one) for one in seen), default=0)
        step = max(8, self.size.width // 2)
        if by < 0 or longest - self.left > self.size.width - 2:
            self.left = max(0, self.left + by * step)
            self.draw()

    def find(self, words: str, start: int) -> int | None:
        """The number of the next line with these words from `start` on, from the beginning again after the end."""
        wanted = words.casefold()
        rows = [*range(start, len(self.text)), *range(min(start, len(self.text)))]
        return next((row for row in rows if wanted in self.text[row].casefold()), None)

    @property
    def reading(self) -> bool:
        """Whether nothing is known yet."""
        return not (self.text or self.trouble)

    def content(self, room: Room) -> Rows:
        """The lines."""
        if not self.text:
            return Rows(title=self.title, rows=empty(self.trouble or self.unread, room))

        def make(number: int) -> Line:
            mark = (">", "title") if number == room.cursor else (" ", "")
            style = "title" if number == 0 else ""
            return crop(
                line(mark, (room.glyphs.text(self.text[number])[self.left :], style)),
                room.width,
                utf8=room.glyphs.utf8,
            )

        aside = f"from column {self.left + 1}" if self.left else ""
        return Rows(title=self.title, aside=aside, rows=Lazy(len(self.text), make))
