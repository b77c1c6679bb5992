"""An app that asks its terminal whether it can show pictures in pixels, and draws them."""

import os

from textual.app import App
from textual.driver import Driver

from tui import textual_private
from tui.graphics import ANSWER_TIMEOUT, QUESTION, AnswerFilter, Graphics, askable
from tui.screens.base import Base
from tui.widgets.pixels import Layer, Pixelled


class PictureApp(App[str]):
    """`asks`: whether the terminal is asked at all; else pictures are drawn in half blocks."""

    def __init__(self, *, asks: bool, ansi_color: bool | None) -> None:
        self.graphics = Graphics()
        """How the terminal shows pictures, as far as it has said so."""
        self._asks = asks and askable(os.environ)
        self._answers = AnswerFilter()
        super().__init__(ansi_color=ansi_color)
        textual_private.write_only_what_changed()
        self._pixels = Layer(lambda sequence: textual_private.write_to_terminal(self, sequence))

    def get_driver_class(self) -> type[Driver]:
        """Textual's driver, with an ear for what the terminal says of pictures."""
        return textual_private.listening_driver(super().get_driver_class(), self._answers)

    def ask_terminal(self) -> None:
        """Ask what the terminal can show. Keys are read and the screen is drawn meanwhile."""
        if self._asks and textual_private.draws_on_terminal(self):
            self._answers.asked = True
            self.set_timer(ANSWER_TIMEOUT, self._give_up_asking)
            textual_private.write_to_terminal(self, QUESTION.decode())

    def _give_up_asking(self) -> None:
        # From now on an Escape key is not held back any more; an answer that comes late still counts.
        self._answers.asked = False

    def on_terminal_answered(self, event: textual_private.TerminalAnswered) -> None:
        """Show pictures in the way that the terminal can."""
        if event.graphics != self.graphics:
            self.graphics = event.graphics
            for screen in self.screen_stack:
                if isinstance(screen, Base):
                    screen.graphics_changed()

    def on_resize(self) -> None:
        """Ask again: a new size of the screen may come from a new size of its characters. Terminals differ in what
        becomes of pictures, so all are sent anew."""
        if self.graphics.way:
            self._pixels.clear()
            self.ask_terminal()

    def post_display_hook(self) -> None:
        """Draw pictures in pixels where Textual has drawn their surroundings."""
        if self.graphics.way and self.screen_stack:
            self._pixels.draw(self.screen.query(Pixelled))

    def clear_pictures(self) -> None:
        """Take all pictures off the screen; those that belong on it are sent anew."""
        self._pixels.clear()
