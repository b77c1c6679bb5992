"""A line to type in. What is typed, completed or pasted can be a name with any character in it."""

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widgets import Input

from core.paths import display

UNSHOWN = "?"
"""Stands for a character that takes a column and cannot be shown, such as a byte that is not UTF-8."""


class Field(Input):
    """Shows nothing that could control the terminal, and keeps the text as it is. Of a paste all lines count."""

    def render_line(self, y: int) -> Strip:
        """Paint the line. Its columns stay those that Textual has counted for the cursor."""
        strip = super().render_line(y)
        if strip.text.isprintable():
            return strip
        return Strip([Segment(_shown(text), style) for text, style, _ in strip], strip.cell_length)

    def _on_paste(self, event: events.Paste) -> None:
        """Textual takes only the first line, but a file manager copies each path on a line of its own."""
        super()._on_paste(events.Paste(" ".join(filter(None, event.text.splitlines()))))
        event.prevent_default()
        event.stop()


def _shown(text: str) -> str:
    return "".join(one if display(one) == one else UNSHOWN * cell_len(one) for one in text)
