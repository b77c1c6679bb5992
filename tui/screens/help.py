"""The help: what the keys of a screen do, and why some cannot be used now."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.screens.base import BACK, HELP, LEAVE, Base, bindings
from tui.widgets.keys import FACES, Key, Keys
from tui.widgets.lines import Line, Lines, crop, line

MOVES = (
    ("arrows, h j k l", "move"),
    ("home end, g G", "to the first, to the last"),
    ("tab", "to the next part of the screen"),
    ("ctrl+p", "all commands by name"),
    ("ctrl+z", "suspend; fg comes back"),
)


class Help(Base[None]):
    """The help for one screen."""

    NAME = "help"
    KEYS: ClassVar[tuple[Key, ...]] = (BACK, HELP, LEAVE)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS), Binding("enter,space", "do('back')", show=False)]

    def __init__(self, about: Base[Any]) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        """The text and the keys."""
        yield Lines(id="text")
        yield Keys(self.glyphs)

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        return "This is the help." if does == "help" else ""

    def on_resize(self) -> None:
        """Write the text for the new width."""
        text = self.query_one("#text", Lines)
        text.put([crop(one, self.size.width, utf8=self.glyphs.utf8) for one in self._text()])

    def _text(self) -> list[Line]:
        name, about = self._about.NAME, self._about.ABOUT
        lines: list[Line] = [line((f" Lading, {name}", "title")), line((f" {about}", "dim")), ()]
        for key in self._about.KEYS:
            why = self._about.why_not(key.does)
            others = key.key.split(",")[1:2] if key.does != "pane" else []
            drawn = ", ".join([key.drawn, *(FACES.get(other, other) for other in others)])
            told = line(f"  {drawn:<17}", (key.about or key.label, "dim" if why else ""))
            lines.append((*told, (f"  (not now: {self.glyphs.text(why)})", "dim")) if why else told)
        lines += [(), *(line(f"  {keys:<17}", does) for keys, does in MOVES)]
        return lines
