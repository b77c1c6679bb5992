"""A yes-or-no question before something is done that cannot be undone."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.glyphs import Glyphs
from tui.widgets.lines import CLASSES, Line, Lines, line

DRAW_INTERVAL = 0.5
"""Seconds between two drawings of the question: what it is about goes on while a person reads."""

BOX_COLUMNS = 68
"""Columns in the box, as in the style sheet."""

BOX_LINES = 5
"""Lines of the box besides the question and the text below it: its edges, the answers, and blank lines."""

LOW_SCREEN = 16
"""Rows of a screen below which a question has two lines at most."""

ENDED_MEANWHILE = "has ended meanwhile: nothing was done."
"""What is said of an import or mirror that has ended before the question about it was answered."""

Asked = Callable[[], tuple[str, Sequence[str]] | None]
"""Returns the question and the lines below it, as they are true now; None: there is nothing to ask any more,
because the import, mirror or task that the question is about has ended."""


class Confirm(ModalScreen[bool]):
    """A yes-or-no question: `y` or Enter is yes, Esc or `n` no. It closes with None when there is nothing to ask
    any more."""

    COMPONENT_CLASSES: ClassVar[set[str]] = CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", show=False),
        Binding("n,escape,q,ctrl+c", "answer(False)", show=False),
    ]

    def __init__(self, asked: Asked, yes: str, glyphs: Glyphs) -> None:
        super().__init__()
        self._asked = asked
        self._yes = yes
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """A box in the middle of the screen."""
        with Vertical(id="box"):
            yield Lines(id="question")

    def on_mount(self) -> None:
        """Show the question."""
        self._draw()
        self.set_interval(DRAW_INTERVAL, self._draw)

    def _draw(self) -> None:
        if not self.is_current:
            return
        asked = self._asked()
        if asked is None:
            self.dismiss(None)
            return
        question, told = asked
        glyphs, (width, height) = self._glyphs, self.app.size
        room = min(BOX_COLUMNS, width - 4)
        # The answers are seen however long a name is, and however small the screen.
        shown = glyphs.shorten(glyphs.wrap(glyphs.text(question), room), 2 if height < LOW_SCREEN else 4, room)
        below = [part for one in told for part in glyphs.wrap(glyphs.text(one), room)]
        lines: list[Line] = [
            *(line((one, "title")) for one in shown),
            (),
            *map(line, below[: max(1, height - BOX_LINES - len(shown))]),
            (),
            line(("y", "title"), f" {self._yes}   ", ("esc", "title"), " no"),
        ]
        self.query_one("#question", Lines).put(lines)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes if self._asked() is not None else None)
