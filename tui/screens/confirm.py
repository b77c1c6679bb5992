"""A question before what cannot be undone."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.glyphs import Glyphs
from tui.widgets.lines import CLASSES, Line, Lines, line

DRAW_INTERVAL = 0.5
"""Seconds between two drawings of what is asked about: it goes on while a person reads."""

MOOT = "has ended meanwhile: nothing was done."

Asked = Callable[[], tuple[str, Sequence[str]] | None]
"""The question and what is told below it, as they are now; None: there is nothing to ask any more."""


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
        lines: list[Line] = [
            line((self._glyphs.text(question), "title")),
            (),
            *(line(self._glyphs.text(one)) for one in told),
            (),
            line(("y", "title"), f" {self._yes}   ", ("esc", "title"), " no"),
        ]
        self.query_one("#question", Lines).put(lines)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes if self._asked() is not None else None)
