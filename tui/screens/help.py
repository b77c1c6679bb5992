"""The help: what the keys of a screen do, and why some cannot be used now."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.screens.base import BACK, HELP, LEAVE, Base, bindings
from tui.widgets.keys import FACES, Key, Keys
from tui.widgets.text import Text

MOVEMENT_KEYS = (
    ("arrows, h j k l", "move"),
    ("home end, g G", "to the first, to the last"),
    ("tab", "to the next part of the screen"),
    ("ctrl+p", "all commands by name"),
    ("ctrl+z", "suspend; fg comes back"),
)


COLUMN = 19
"""Columns of the keys."""


class Help(Base[None]):
    """The help for one screen."""

    NAME = "help"
    KEYS: ClassVar[tuple[Key, ...]] = (BACK, HELP, LEAVE)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS), Binding("enter,space", "do('back')", show=False)]

    def __init__(self, about: Base[Any]) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        """The text, which can be longer than the screen, and the keys."""
        yield Text(self.glyphs, f"HELP, {self._about.NAME}", id="text")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Focus the text."""
        self.query_one(Text).focus()

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        return "This is the help." if does == "help" else ""

    def on_resize(self) -> None:
        """Write the text for the new width."""
        text = self.query_one(Text)
        text.text = self._text(self.query_one(Text).content_size.width - 1)
        text.draw()

    def _text(self, width: int) -> list[str]:
        """The lines in `width` columns; what is longer goes on below itself."""
        lines = [*self.glyphs.wrap(self._about.ABOUT, width), ""]
        for key in self._about.own_keys():
            why = self._about.why_not(key.does)
            others = key.key.split(",")[1:2] if key.does != "pane" else []
            drawn = ", ".join([key.drawn, *(FACES.get(other, other) for other in others)])
            told = (key.about or key.label) + (f"  (not now: {self.glyphs.text(why)})" if why else "")
            lines += self._row(drawn, told, width)
        lines.append("")
        for keys, does in MOVEMENT_KEYS:
            lines += self._row(keys, does, width)
        return lines

    def _row(self, keys: str, told: str, width: int) -> list[str]:
        first, *rest = self.glyphs.wrap(told, max(10, width - COLUMN))
        return [f"{keys:<{COLUMN}}{first}", *(" " * COLUMN + one for one in rest)]
