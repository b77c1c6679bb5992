"""The failed files of one import: the causes with advice, and the files of one cause."""

from collections.abc import Sequence

from core.listings import Failure, FailureGroup
from core.words import counted
from tui import format
from tui.glyphs import Glyphs
from tui.widgets.lines import Line, beside, crop, line
from tui.widgets.paged import Paged
from tui.widgets.pane import Lazy, Pane, Room, Rows, empty, wrapped


class Causes(Pane):
    """A row for each cause, with its advice."""

    NUMBER = 1

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.groups: Sequence[FailureGroup] = ()
        self.known = False
        self.trouble = ""
        self.aside = ""

    @property
    def chosen(self) -> FailureGroup | None:
        """The cause in the chosen row."""
        return self.groups[self.cursor] if self.cursor < len(self.groups) else None

    @property
    def reading(self) -> bool:
        """Whether nothing is known yet."""
        return not (self.groups or self.known or self.trouble)

    def content(self, room: Room) -> Rows:
        """The number of files of each cause, and the advice."""
        if not self.groups:
            told = self.trouble or ("Nothing has failed." if self.known else self.unread)
            return Rows(title="CAUSES", aside=self.aside, rows=empty(told, room))
        files = sum(group.count for group in self.groups)
        rows = tuple(
            self._row(group, room, number == room.cursor and room.focused)
            for number, group in enumerate(self.groups)
        )
        return Rows(title=f"CAUSES, {counted(files, 'file')}", aside=self.aside, rows=rows)

    def _row(self, group: FailureGroup, room: Room, chosen: bool) -> tuple[Line, ...]:
        glyphs = room.glyphs
        cause = line(
            (">" if chosen else " ", "title"),
            (f"{format.number(group.count)} x {glyphs.text(group.cause)}", "bad"),
        )
        tries = line((f"{_tried(glyphs.text(group.stage), group.attempts)} ", "dim"))
        advice = wrapped("   ", group.advice, "warn", room)
        return (beside(cause, tries, room.width, utf8=glyphs.utf8), *advice)


class Failed(Paged[Failure]):
    """The files of one cause, by their full path."""

    NUMBER = 2

    def content(self, room: Room) -> Rows:
        """A row for each file."""
        if not self.total:
            told = self.trouble or (self.unread if self.reading else "None.")
            return Rows(title="FILES", rows=empty(told, room))

        def make(number: int) -> Line:
            return self._row(self.at(number), room, number == room.cursor and room.focused)

        return Rows(title=f"FILES, {format.number(self.total)}", rows=Lazy(self.total, make))

    def _row(self, file: Failure | None, room: Room, chosen: bool) -> Line:
        glyphs = room.glyphs
        mark = (">" if chosen else " ", "title")
        if file is None:
            return line(mark, (f" {glyphs.more}", "dim"))
        tail = f" {format.size(file.size):>8}  {_tried(glyphs.text(file.stage), file.attempts)} "
        if file.detail:
            tail = f"  {glyphs.text(file.detail)}{tail}"
        width = max(10, room.width - 1 - len(tail))
        name = glyphs.fit(glyphs.tail(glyphs.text(file.path), width), width)
        return crop(line(mark, (name, "bold" if chosen else ""), (tail, "dim")), room.width, utf8=glyphs.utf8)


def _tried(stage: str, attempts: int) -> str:
    return f"{stage:<7} {counted(attempts, 'attempt')}" if attempts else f"{stage:<7}"
