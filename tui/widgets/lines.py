"""A widget of coloured lines that repaints only the columns that have changed."""

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui import format

Piece = tuple[str, str]
"""A text that is safe to show, and the name of its style: one of `STYLES`, or empty."""

Line = tuple[Piece, ...]

STYLES = ("good", "bad", "warn", "busy", "dim", "bold", "title", "cursor", "on")

SPLIT_AFTER = 24
"""From this number of unchanged columns on, the changed ones before and behind them are painted separately: to
move the cursor takes about as many bytes."""

LEAST_NAME = 8
"""Columns that a name keeps in a row, if its rows are told apart by it, however much else the row has to tell."""

CLASSES: set[str] = {f"lines--{name}" for name in STYLES}
"""The classes for which the style sheet defines these styles. Screens have them, once for all their lines."""


def line(*pieces: str | Piece) -> Line:
    """A line of pieces; bare text has no style."""
    return tuple((piece, "") if isinstance(piece, str) else piece for piece in pieces)


def width_of(pieces: Iterable[Piece]) -> int:
    """The columns that pieces take."""
    return sum(format.cells(text) for text, _ in pieces)


def crop(pieces: Iterable[Piece], width: int, *, utf8: bool = True) -> Line:
    """Pieces cut to at most `width` columns, with a mark where they were cut."""
    kept: list[Piece] = []
    for text, style in pieces:
        cells = format.cells(text)
        if cells > width:
            kept.append((format.fit(text, width, utf8=utf8), style))
            break
        kept.append((text, style))
        width -= cells
    return tuple(kept)


def beside(left: Line, right: Line, width: int, *, utf8: bool = True) -> Line:
    """`left` and, at the right edge of `width` columns, `right`; `left` is cut when both do not fit."""
    room = max(0, width - width_of(right) - (2 if right else 0))
    cut = crop(left, room, utf8=utf8)
    gap = width - width_of(cut) - width_of(right)
    return (*cut, (" " * max(gap, 0), ""), *right)


class Lines(Widget):
    """Shows the lines of the last `put`. Its width is its container's, its height that of its styles."""

    DEFAULT_CSS = """
    Lines { width: 1fr; height: auto; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: tuple[Line, ...] = ()
        """The lines that are shown."""
        self._background = Style()

    @property
    def plain(self) -> str:
        """The lines as plain text."""
        return "\n".join("".join(text for text, _ in one).rstrip() for one in self.lines)

    def put(self, lines: Sequence[Line]) -> None:
        """Show `lines`. Unchanged parts are not painted again."""
        before, self.lines = self.lines, tuple(lines)
        changed = [
            Region(first, row, last - first, 1)
            for row in range(max(len(before), len(self.lines)))
            for first, last in _changed(_line_at(before, row), _line_at(self.lines, row))
        ]
        if self.styles.height is not None and self.styles.height.is_auto and len(before) != len(self.lines):
            self.refresh(layout=True)
        elif changed:
            self.refresh(*changed)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as lines."""
        return len(self.lines)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint lines. The style below them, which comes from all widgets around, is looked up once for all."""
        self._background = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Paint one line in its colours."""
        background = self._background
        segments = [
            Segment(text, background + self.screen.get_component_rich_style(f"lines--{style}", partial=True))
            if style
            else Segment(text, background)
            for text, style in _line_at(self.lines, y)
            if text
        ]
        return Strip(segments).adjust_cell_length(self.size.width, background).simplify()


def _line_at(lines: Sequence[Line], row: int) -> Line:
    return lines[row] if row < len(lines) else ()


def _changed(before: Line, after: Line) -> list[tuple[int, int]]:
    """The runs of columns where two lines differ: the first column of each, and the one after the last."""
    if before == after:
        return []
    old, new = _cells(before), _cells(after)
    size = max(len(old), len(new))
    old += [(" ", "")] * (size - len(old))
    new += [(" ", "")] * (size - len(new))
    runs: list[tuple[int, int]] = []
    for column in range(size):
        if old[column] != new[column]:
            if runs and column - runs[-1][1] < SPLIT_AFTER:
                runs[-1] = (runs[-1][0], column + 1)
            else:
                runs.append((column, column + 1))
    return runs


def _cells(pieces: Line) -> list[Piece]:
    cells: list[Piece] = []
    for text, style in pieces:
        for character in text:
            width = 1 if character.isascii() else format.cells(character)
            if width:
                # The second column of a character is unlike its first one, and that of any other character.
                cells += [(character, style), *[(f" {character}", style)] * (width - 1)]
            elif cells:
                # A combining character belongs to the cell before it.
                cells[-1] = (cells[-1][0] + character, style)
    return cells
