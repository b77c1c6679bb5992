"""The files of one import or of many, of which only the visible pages are fetched."""

import time
from typing import ClassVar

from textual.binding import Binding, BindingType

from core.listings import FileView
from core.models import Outcome
from tui import format
from tui.console.progress import ID_TAIL
from tui.glyphs import Glyphs
from tui.widgets.lines import LEAST_NAME, Line, crop, line
from tui.widgets.paged import Paged
from tui.widgets.pane import Lazy, Room, Rows, empty

STATE_WORDS = {
    Outcome.TODO: ("to do", "busy"),
    Outcome.ARCHIVED: ("archived", "good"),
    Outcome.DUPLICATE: ("duplicate", "good"),
    Outcome.SKIPPED: ("skipped", "warn"),
    Outcome.LITTER: ("junk", "dim"),
    Outcome.FAILED: ("FAILED", "bad"),
}


CAMERA = 14
"""Columns of a camera's name where files of several imports are listed."""


class Files(Paged[FileView]):
    """The files of an import, or those that a search found. `g` is a key of the screen, and not the way to the
    top."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("g", "screen.do('grid')", show=False, id="grid")]

    def __init__(self, glyphs: Glyphs, *, id: str, several: bool = False) -> None:
        super().__init__(glyphs, id=id)
        self.several = several
        """Whether the files are from several imports."""
        self.more = False
        """Whether there are more files than `total`."""
        self.what = "FILES"
        self.aside = ""
        self.nothing = "There is no such file."
        self.marked: dict[int, FileView] = {}
        """Files that a person has marked, by id."""

    def content(self, room: Room) -> Rows:
        """A row for each file."""
        if self.total is None:
            return Rows(title=self.what, aside=self.aside, rows=empty(self.trouble or self.unread, room))
        if not self.total:
            return Rows(title=f"{self.what}, 0", aside=self.aside, rows=empty(self.nothing, room))

        def make(number: int) -> Line:
            return self._row(self.at(number), room, number == room.cursor)

        count = f"{format.number(self.total)}{'+' if self.more else ''}"
        marked = f"{format.number(len(self.marked))} marked" if self.marked else ""
        aside = ", ".join(filter(None, (self.aside, marked)))
        return Rows(title=f"{self.what}, {count}", aside=aside, rows=Lazy(self.total, make))

    def mark(self) -> None:
        """Mark the chosen file, or remove its mark, and go to the next one."""
        file = self.chosen
        if file is not None and self.marked.pop(file.id, None) is None:
            self.marked[file.id] = file
        self.action_move(1)
        self.draw()

    def _row(self, file: FileView | None, room: Room, chosen: bool) -> Line:
        glyphs = room.glyphs
        mark = (">", "title") if chosen and room.focused else (" ", "")
        if file is not None and file.id in self.marked:
            mark = ("*", "on")
        if file is None:
            return line(mark, (f"  {glyphs.more}", "dim"))
        word, style = STATE_WORDS[file.outcome] if not file.damage else ("DAMAGED", "bad")
        told = file.damage or file.reason or file.sequence
        wide = room.width >= 100
        # The size of a first frame is not its film's, and the gaps in it need the room, as reasons beside places.
        film = bool(file.sequence) and told == file.sequence
        size = "" if not wide and (film or (told and self.several)) else f" {format.size(file.size):>8}"
        # As in the command, a star stands behind a date that is not one of capture.
        when = f"{format.capture_date(file.captured):>16} " if file.captured else f"{_date(file.mtime):>16}*"
        tail = f"{size} {when}" if wide or self.several else size
        if self.several and not told and wide:
            # A column, so that the places behind it stand below each other.
            told = glyphs.fit(file.camera, CAMERA).ljust(CAMERA)
        why = glyphs.text(f"  {told}" if told else "")
        location = f"  {glyphs.text(file.location)}" if self.several else ""
        kept = min(format.cells(location), 2 + LEAST_NAME)
        width = room.width - 12 - len(tail)
        if self.several:
            width = min(width // 2 if wide else room.width // 3, width - kept)
        elif why:
            width = width * 2 // 3
        width = max(10, width)
        if film:
            width = min(width, max(16, room.width - 12 - len(tail) - format.cells(why) - kept))
        name = glyphs.fit(glyphs.tail(glyphs.text(file.path), width), width)
        # What is left belongs to the place first, so that files of one name can be told apart.
        left = max(0, room.width - 11 - width - len(tail) - kept)
        more = _more_imports(file, left - format.cells(why)) if self.several else ""
        why = format.fit(why, max(0, left - len(more)), utf8=glyphs.utf8)
        return crop(
            line(
                mark,
                (f"{word:<10}", style),
                (name, "bold" if chosen and room.focused else ""),
                (tail, "dim"),
                (why, style if file.damage or file.reason else "dim"),
                (more + location, "dim"),
            ),
            room.width,
            utf8=glyphs.utf8,
        )


def _more_imports(file: FileView, width: int) -> str:
    """The import of a file and how many more had its content, in `width` columns, else the number alone."""
    if file.imports < 2:
        return ""
    whole = f"  {format.brought_by(file.import_id[-ID_TAIL:], file.imports)}"
    return whole if len(whole) <= width else f"  +{format.number(file.imports - 1)}"


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
