"""One line to type, with what fits below it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.aside import aside
from tui.glyphs import Glyphs
from tui.widgets.lines import CLASSES, Lines, line

Offer = Callable[[str], Sequence[str]]
"""What fits to what was typed. It is called beside the screen: a folder may not answer."""

ANSWER = 8.0
"""Seconds that an offer may take."""


class Ask(ModalScreen[str | None]):
    """Enter takes what was typed, or the offer that the arrows chose; tab completes; Esc leaves it as it was."""

    COMPONENT_CLASSES: ClassVar[set[str]] = CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "leave", show=False),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("tab", "complete", show=False, priority=True),
    ]

    def __init__(
        self, question: str, answer: str, glyphs: Glyphs, *, about: str = "", offer: Offer | None = None
    ) -> None:
        super().__init__()
        self._question = question
        self._answer = answer
        self._about = about
        self._offer = offer
        self._glyphs = glyphs
        self._offered: list[str] = []
        self._cursor = -1
        self._looking: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        """The question, the line, the offers."""
        with Vertical(id="box"):
            yield Lines(id="question")
            yield Input(self._answer, compact=True, select_on_focus=False)
            yield Lines(id="offers")

    def on_mount(self) -> None:
        """Begin to type."""
        about = (f"  {self._about}", "dim")
        self.query_one("#question", Lines).put([line((self._glyphs.text(self._question), "title"), about)])
        box = self.query_one(Input)
        # A cursor that blinks is work for a slow link.
        box.cursor_blink = False
        box.focus()
        self._look(self._answer)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what fits."""
        self._look(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it."""
        event.stop()
        self.dismiss(self._offered[self._cursor] if self._cursor >= 0 else event.value.strip())

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new width."""
        self._draw()

    def action_leave(self) -> None:
        """Nothing changes."""
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        """Choose an offer."""
        if self._offered:
            self._cursor = min(max(self._cursor + by, -1), len(self._offered) - 1)
            self._draw()

    def action_complete(self) -> None:
        """Type the chosen offer, or what all offers begin with."""
        if not self._offered:
            return
        text = self._offered[self._cursor] if self._cursor >= 0 else _common(self._offered)
        box = self.query_one(Input)
        if len(text) >= len(box.value):
            box.value = text
            box.cursor_position = len(text)

    def on_unmount(self) -> None:
        """Nobody waits for offers any more."""
        if self._looking is not None:
            self._looking.cancel()

    def _look(self, typed: str) -> None:
        self.on_unmount()
        self._offered, self._cursor = [], -1
        self._draw()
        if self._offer is not None:
            self._looking = asyncio.create_task(self._find(self._offer, typed))

    async def _find(self, offer: Offer, typed: str) -> None:
        try:
            self._offered = list(await aside(lambda: offer(typed), ANSWER))
        except TimeoutError:
            return
        self._draw()

    def _draw(self) -> None:
        width = max(10, self.query_one("#box").size.width - 4)
        self.query_one("#offers", Lines).put(
            [
                line(
                    (">" if number == self._cursor else " ", "title"),
                    " ",
                    (self._glyphs.tail(self._glyphs.text(one), width - 2), "on"),
                )
                for number, one in enumerate(self._offered)
            ]
            or [line(("  enter takes it, esc leaves it as it was", "dim"))]
        )


def _common(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    size = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:size]
