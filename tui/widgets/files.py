"""Files of one import or of many, of which only the pages that are looked at are fetched."""

import time

from core.models import FileView, Outcome
from tui import format
from tui.glyphs import Glyphs
from tui.widgets.lines import Line, crop, line
from tui.widgets.paged import Paged
from tui.widgets.pane import Lazy, Room, Rows, empty

WORDS = {
    Outcome.TODO: ("to do", "busy"),
    Outcome.ARCHIVED: ("archived", "good"),
    Outcome.DUPLICATE: ("known", "good"),
    Outcome.SKIPPED: ("skipped", "warn"),
    Outcome.LITTER: ("litter", "dim"),
    Outcome.FAILED: ("FAILED", "bad"),
}


class Files(Paged[FileView]):
    """The files of an import, or those that were found."""

    def __init__(self, glyphs: Glyphs, *, id: str, several: bool = False) -> None:
        super().__init__(glyphs, id=id)
        self.several = several
        """Whether they are of several imports."""
        self.more = False
        """Whether there are more than `total`."""
        self.what = "FILES"
        self.aside = ""
        self.nothing = "There is no such file."

    def content(self, room: Room) -> Rows:
        """A row for each file."""
        if self.total is None:
            return Rows(title=self.what, aside=self.aside, rows=empty("Reading.", room.glyphs))
        if not self.total:
            return Rows(title=f"{self.what}, 0", aside=self.aside, rows=empty(self.nothing, room.glyphs))

        def make(number: int) -> Line:
            return self._row(self.at(number), room, number == room.cursor)

        count = f"{format.number(self.total)}{'+' if self.more else ''}"
        return Rows(title=f"{self.what}, {count}", aside=self.aside, rows=Lazy(self.total, make))

    def _row(self, file: FileView | None, room: Room, chosen: bool) -> Line:
        glyphs = room.glyphs
        mark = (">", "title") if chosen and room.focused else (" ", "")
        if file is None:
            return line(mark, (f"  {glyphs.more}", "dim"))
        word, style = WORDS[file.outcome]
        size = f" {format.size(file.size):>8}"
        why = f"  {file.reason}" if file.reason else f"  {file.camera}" if self.several else ""
        place = f"  {file.location}" if self.several else ""
        when = file.captured[:16].replace("T", " ") if file.captured else _date(file.mtime)
        wide = room.width >= 100
        tail = f"{size} {when:>16}" if wide or self.several else size
        width = max(10, (room.width - 11 - len(tail)) * (2 if why or place else 3) // 3)
        name = glyphs.fit(glyphs.tail(glyphs.text(file.path), width), width)
        return crop(
            line(
                mark,
                (f"{word:<9}", style),
                (name, "bold" if chosen and room.focused else ""),
                (tail, "dim"),
                (glyphs.text(why), style if file.reason else "dim"),
                (glyphs.text(place), "dim"),
            ),
            room.width,
            utf8=glyphs.utf8,
        )


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
