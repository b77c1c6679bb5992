"""The last line: the keys of this screen, dimmed when they cannot be used now; or a short message."""

from collections.abc import Sequence
from typing import Protocol, cast

from core.models import Value
from tui.glyphs import Glyphs
from tui.widgets.lines import Line, Lines, crop, line


class Key(Value, frozen=True, kw_only=True):
    """A key of a screen. `does` names the method `do_…` of the screen; `about` is for the help."""

    key: str
    label: str
    does: str
    about: str = ""
    shown: bool = True
    face: str = ""

    @property
    def drawn(self) -> str:
        """The key as it is displayed."""
        first = self.key.split(",")[0].strip()
        return self.face or FACES.get(self.key) or FACES.get(first, first)


MESSAGE_LINES = 3
"""The most lines of a message: the cause of an error, and what to do, must be understood on a narrow screen."""

FACES = {
    "question_mark": "?",
    "slash": "/",
    "escape": "esc",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "plus,equals_sign": "+",
    "enter": "enter",
    "q,ctrl+c": "q",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


class HasKeys(Protocol):
    """A screen with keys."""

    def own_keys(self) -> Sequence[Key]:
        """The keys, with those that the configuration has instead."""
        ...


def drawn(screen: object, does: str) -> str:
    """The key that does this on a screen with keys, as it is displayed: for texts that name a key, because a
    person may have chosen another one than the usual. Raises StopIteration if the screen has no such key."""
    return next(key.drawn for key in cast(HasKeys, screen).own_keys() if key.does == does)


class Keys(Lines):
    """Shows keys, or a message for a moment, which may take more than one line."""

    MOMENT = 6.0
    """Seconds for which a message is shown."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="keys")
        self.glyphs = glyphs
        self._keys: Sequence[tuple[Key, str]] = ()
        self._message = ""
        self._style = "warn"
        self._said = 0

    @property
    def message(self) -> str:
        """The current message; empty when there is none."""
        return self._message

    def show(self, keys: Sequence[tuple[Key, str]]) -> None:
        """Show keys, each with the reason why it cannot be used now, or an empty text."""
        self._keys = keys
        self.draw()

    def say(self, message: str, style: str = "warn") -> None:
        """Show a message for a moment in place of the keys."""
        self._message, self._style = message, style
        self._said += 1
        said = self._said
        self.draw()
        self.set_timer(self.MOMENT, lambda: self._unsay(said))

    def _unsay(self, said: int) -> None:
        if said == self._said:
            self._message = ""
            self.draw()

    def draw(self) -> None:
        """Draw the line."""
        width = self.size.width
        if not width:
            return
        if self._message:
            glyphs = self.glyphs
            parts = glyphs.wrap(glyphs.text(self._message), width - 1)
            most = max(1, min(MESSAGE_LINES, self.screen.size.height // 6))
            if len(parts) > most:
                # The mark says that there is more.
                parts[most - 1] += f" {parts[most]}"
            self.put([crop(line((f" {one}", self._style)), width, utf8=glyphs.utf8) for one in parts[:most]])
        else:
            self.put([keys_line(self._keys, width, self.glyphs)])

    def on_resize(self) -> None:
        """Redraw for the new width."""
        self.draw()


def keys_line(keys: Sequence[tuple[Key, str]], width: int, glyphs: Glyphs) -> Line:
    """The keys on one line, as many as fit; the last two, help and leave, are always there."""
    shown = [(key, why) for key, why in keys if key.shown]
    first, last = shown[:-2], shown[-2:]

    def size(some: Sequence[tuple[Key, str]]) -> int:
        return sum(len(key.drawn) + len(key.label) + 2 for key, _ in some)

    while first and 1 + size(first) + size(last) > width + 1:
        first.pop()
    pieces: list[tuple[str, str]] = []
    for key, why in (*first, *last):
        pieces += [
            (" ", ""),
            (key.drawn, "dim" if why else "title"),
            (f" {key.label}", "dim" if why else ""),
        ]
    return crop(pieces, width, utf8=glyphs.utf8)
