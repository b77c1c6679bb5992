"""A question before what cannot be undone."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.glyphs import Glyphs
from tui.widgets.lines import CLASSES, Line, Lines, line


class Confirm(ModalScreen[bool]):
    """A yes-or-no question: `y` or Enter is yes, Esc or `n` no."""

    COMPONENT_CLASSES: ClassVar[set[str]] = CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", show=False),
        Binding("n,escape,q,ctrl+c", "answer(False)", show=False),
    ]

    def __init__(self, question: str, told: list[str], yes: str, glyphs: Glyphs) -> None:
        super().__init__()
        self._lines: list[Line] = [
            line((glyphs.text(question), "title")),
            (),
            *(line(glyphs.text(one)) for one in told),
            (),
            line(("y", "title"), f" {yes}   ", ("esc", "title"), " no"),
        ]

    def compose(self) -> ComposeResult:
        """A box in the middle of the screen."""
        with Vertical(id="box"):
            yield Lines(id="question")

    def on_mount(self) -> None:
        """Show the question."""
        self.query_one("#question", Lines).put(self._lines)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)
