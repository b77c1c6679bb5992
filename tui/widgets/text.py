"""Lines of text to read and scroll, one of which can be chosen."""

from tui.glyphs import Glyphs
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Lazy, Pane, Room, Rows, empty


class Text(Pane):
    """Text as it comes: a receipt, or facts."""

    def __init__(self, glyphs: Glyphs, title: str, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.title = title
        self.text: list[str] = []
        self.trouble = ""

    @property
    def chosen(self) -> str:
        """The chosen line."""
        return self.text[self.cursor] if self.cursor < len(self.text) else ""

    def content(self, room: Room) -> Rows:
        """The lines."""
        if not self.text:
            return Rows(title=self.title, rows=empty(self.trouble or "Reading.", room.glyphs))

        def make(number: int) -> Line:
            mark = (">", "title") if number == room.cursor else (" ", "")
            style = "title" if number == 0 else ""
            return crop(
                line(mark, (room.glyphs.text(self.text[number]), style)), room.width, utf8=room.glyphs.utf8
            )

        return Rows(title=self.title, rows=Lazy(len(self.text), make))
