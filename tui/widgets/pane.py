"""A numbered part of a screen: a title over rows, one of which can be chosen."""

from collections.abc import Callable, Sequence
from typing import ClassVar, overload

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from core.models import Value
from core.snapshot import Snapshot
from tui.glyphs import Glyphs
from tui.widgets.keys import drawn
from tui.widgets.lines import Line, Lines, beside, crop, line


class Room(Value, frozen=True, kw_only=True):
    """The size and state of a pane for drawing. `height` is without the title; `cursor` is the chosen row.

    focused: the pane has the keys. enlarged: it fills the screen.
    """

    width: int
    height: int
    glyphs: Glyphs
    cursor: int = 0
    focused: bool = False
    enlarged: bool = False


class Rows(Value, frozen=True, kw_only=True):
    """The content of a pane: its title, a word beside it, and rows; each row is one or more lines."""

    title: str
    aside: str = ""
    rows: Sequence[tuple[Line, ...]] = ()


class Lazy(Sequence[tuple[Line, ...]]):
    """`count` rows of one line each, made on access."""

    def __init__(self, count: int, make: Callable[[int], Line]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, row: int) -> tuple[Line, ...]: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[tuple[Line, ...]]: ...

    def __getitem__(self, row: int | slice) -> tuple[Line, ...] | Sequence[tuple[Line, ...]]:
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(self._count))]
        return (self._make(row),)


def empty(text: str, room: Room) -> tuple[tuple[Line, ...], ...]:
    """A single row with `text`, on as many lines as it needs, for a pane without content."""
    parts = room.glyphs.wrap(room.glyphs.text(text), room.width - 1)
    return (tuple(line((f" {one}", "dim")) for one in parts),)


def wrapped(before: str, text: str, style: str, room: Room) -> tuple[Line, ...]:
    """`text` on as many lines as it needs, each after `before`."""
    parts = room.glyphs.wrap(room.glyphs.text(text), room.width - len(before))
    return tuple(line(before, (one, style)) for one in parts)


class Pane(Lines, can_focus=True):
    """The base of all panes. `content` returns the content; the pane shows the part of it around the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("home,g", "move(-1000000)", show=False),
        Binding("end,G", "move(1000000)", show=False),
    ]

    NUMBER = 0
    CHOOSES = True
    """Whether a row can be chosen."""

    class Chosen(Message):
        """Another row was chosen."""

    class Opened(Message):
        """A row was clicked that was chosen already."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.glyphs = glyphs
        self.enlarged = False
        self.cursor = 0
        self._count = 0
        self._first = 0
        """The row at the top."""
        self._at: list[int] = []

    @property
    def reading(self) -> bool:
        """Whether the rows, or the chosen one, are still fetched: keys about them wait for that."""
        return False

    @property
    def unread(self) -> str:
        """What stands in place of rows that are still fetched, or why they do not come."""
        return getattr(self.app, "away", "") or "Reading."

    def content(self, room: Room) -> Rows:
        """The content to show."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw the visible part."""
        if self.size.width and self.size.height:
            self.put(self._visible())

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint lines. Textual tells of the first size only after the first painting, so it is looked up here."""
        if not self.lines:
            self.lines = tuple(self._visible())
        return super().render_lines(crop)

    def _visible(self) -> list[Line]:
        room = Room(
            width=self.size.width,
            height=max(0, self.size.height - 1),
            glyphs=self.glyphs,
            cursor=self.cursor,
            focused=self.has_focus,
            enlarged=self.enlarged,
        )
        found = self.content(room)
        self._count = len(found.rows)
        if self.cursor >= self._count > 0:
            self.cursor = self._count - 1
            return self._visible()
        body, self._at = window(found.rows, self.cursor if self.CHOOSES else 0, room.height, self._first)
        self._first = self._at[0] if self._at else 0
        return [self._title(found, room, self._hidden(len(found.rows))), *body]

    def _hidden(self, count: int) -> str:
        """Which of `count` rows are shown, if they are not all: `3 to 6 of 18`."""
        if not count or len(set(self._at)) >= count:
            return ""
        first, last = (self._at[0], self._at[-1]) if self._at else (0, -1)
        return f"{first + 1:,} to {last + 1:,} of {count:,}"

    def _title(self, found: Rows, room: Room, hidden: str) -> Line:
        edge = (self.glyphs.edge, "title" if room.focused else "dim")
        number = f"{self.NUMBER} " if self.NUMBER else ""
        name = (number + found.title, "title" if room.focused else "bold")
        utf8 = self.glyphs.utf8
        title = line(edge, name, (f"   {found.aside}" if found.aside else "", "dim"))
        hints = filter(None, (hidden, f"{drawn(self.screen, 'back')} back" if room.enlarged else ""))
        hint = line(("  ".join(hints), "dim"))
        return beside(title, hint, room.width, utf8=utf8) if hint[0][0] else crop(title, room.width, utf8=utf8)

    def action_move(self, by: int) -> None:
        """Choose another row."""
        self.choose(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Choose a row one page away."""
        self.choose(self.cursor + by * max(1, self.size.height - 2))

    def choose(self, row: int) -> None:
        """Choose a row by its number, or the nearest one."""
        row = min(max(row, 0), max(0, self._count - 1))
        if row != self.cursor:
            self.cursor = row
            self.draw()
            self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        """Choose the row that is clicked; a click on the chosen row opens it."""
        self.focus()
        y = event.y - 1
        if 0 <= y < len(self._at):
            if self._at[y] == self.cursor and event.chain > 1:
                self.post_message(self.Opened())
            self.choose(self._at[y])

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self.draw()

    def watch_has_focus(self, focused: bool) -> None:
        """Show whether the pane has the keys."""
        self.draw()
        if focused:
            self.post_message(self.Chosen())


class SnapshotPane(Pane):
    """A pane whose content comes from a snapshot."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.snapshot = Snapshot(time=0.0, version="")
        self._stays: object = None
        """What the chosen row is about; None: not known."""

    def names(self) -> Sequence[object]:
        """What each row is about, if rows come, go or change places: the cursor stays with its row."""
        return ()

    def draw(self) -> None:
        """Draw the visible part, with the cursor on the row that it was on."""
        names = self.names()
        if self._stays in names:
            self.cursor = names.index(self._stays)
        super().draw()
        self._stays = names[self.cursor] if self.cursor < len(names) else None

    def go_to(self, row: int) -> None:
        """Have the cursor on another row the next time."""
        self._stays, self.cursor = None, row

    def choose(self, row: int) -> None:
        """Choose a row by its number, or the nearest one."""
        self._stays = None
        super().choose(row)

    def rows(self, snapshot: Snapshot, room: Room) -> Rows:
        """The content for a snapshot."""
        raise NotImplementedError

    def content(self, room: Room) -> Rows:
        """The content for the newest snapshot."""
        return self.rows(self.snapshot, room)

    def show(self, snapshot: Snapshot) -> None:
        """Show another snapshot."""
        self.snapshot = snapshot
        self.draw()


def window(rows: Sequence[tuple[Line, ...]], cursor: int, height: int, first: int) -> tuple[list[Line], list[int]]:
    """The lines of as many rows as fit, including that of the cursor, and the row of each line.

    first: the row at the top before, which stays there unless the cursor's row would be out of sight.
    """
    if not rows:
        return [], []
    # Only rows near the cursor are made: there may be a million.
    cursor = min(cursor, len(rows) - 1)
    top, used = cursor, len(rows[cursor])
    while top > first and used + len(rows[top - 1]) <= height:
        top -= 1
        used += len(rows[top])
    last = cursor + 1
    while last < len(rows) and used + len(rows[last]) <= height:
        used += len(rows[last])
        last += 1
    # At the end of the list, rows before the top fill the room that is left.
    while top > 0 and used + len(rows[top - 1]) <= height:
        top -= 1
        used += len(rows[top])
    lines: list[Line] = []
    owners: list[int] = []
    for number in range(top, last):
        lines += rows[number]
        owners += [number] * len(rows[number])
    return lines[:height], owners[:height]
