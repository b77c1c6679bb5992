"""What is known of the chosen row, beside a list on a wide screen."""

from collections.abc import Sequence

from tui.glyphs import Glyphs
from tui.widgets.lines import Line, Lines, line

Fact = tuple[str, str]
"""A name and a value; both are made safe to show here."""

WIDE = 160
"""The fewest columns of a screen that have room for them."""

NAME_WIDTH = 12
"""Columns of the names."""


class Facts(Lines):
    """A heading and a row for each fact; values go on below themselves."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._heading = ""
        self._facts: Sequence[Fact] = ()

    def tell(self, heading: str, facts: Sequence[Fact]) -> None:
        """Show other facts."""
        self._heading, self._facts = heading, facts
        self.draw()

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self.draw()

    def draw(self) -> None:
        """Draw as much as there is room for, with a mark where that is not all."""
        room = self.content_size
        if not room.width or not room.height:
            return
        rows: list[Line] = [line((one, "bold")) for one in self._wrapped(self._heading, room.width)]
        for name, value in self._facts:
            first, *rest = self._wrapped(value, room.width - NAME_WIDTH)
            rows.append(
                line((f"{self.glyphs.fit(self.glyphs.text(name), NAMES - 1):<{NAME_WIDTH}}", "dim"), first)
            )
            rows += [line(" " * NAME_WIDTH, one) for one in rest]
        if len(rows) > room.height:
            rows = [*rows[: room.height - 1], line((self.glyphs.more, "dim"))]
        self.put(rows)

    def _wrapped(self, text: str, width: int) -> list[str]:
        return self.glyphs.wrap(self.glyphs.text(text), max(8, width)) or [""]
