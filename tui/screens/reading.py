"""Text to read: a receipt, or all that is known of a file."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from core.errors import LadingError
from tui.screens.base import BACK, HELP, LEAVE, Base, bindings
from tui.widgets.keys import Key, Keys
from tui.widgets.text import Text

MOST = 20_000
"""Lines that are shown at most."""

Fetch = Callable[[Callable[[Sequence[str]], None]], Awaitable[None]]
"""Gets text and gives it on as it comes."""


class Reading(Base[None]):
    """Shows what `fetch` brings."""

    NAME = "text"
    ABOUT = "Read it; y copies the chosen line."
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key(key="y", label="copy", does="copy", about="copy the chosen line, or the path in it"),
        BACK,
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, title: str, fetch: Fetch) -> None:
        super().__init__()
        self._title = title
        self._fetch = fetch

    def compose(self) -> ComposeResult:
        """Text and keys."""
        yield Text(self.glyphs, self._title, id="text")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Get the text."""
        self.query_one(Text).focus()
        self.run_worker(self._read(), exit_on_error=False)

    async def _read(self) -> None:
        text = self.query_one(Text)
        try:
            await self._fetch(self._add)
        except LadingError as error:
            text.trouble = str(error)
        if not text.text and not text.trouble:
            text.trouble = "There is nothing."
        text.draw()

    def _add(self, lines: Sequence[str]) -> None:
        text = self.query_one(Text)
        text.text += lines[: MOST - len(text.text)]
        text.draw()

    def why_not(self, does: str) -> str:
        """Why a key makes no sense now."""
        return "There is nothing to copy." if does == "copy" and not self.query_one(Text).chosen.strip() else ""

    def do_copy(self) -> None:
        """Copy the chosen line; of `name  value` the value."""
        chosen = self.query_one(Text).chosen.strip()
        name, gap, value = chosen.partition("  ")
        self.lading.copy(value.strip() if gap and len(name) < 16 else chosen)
