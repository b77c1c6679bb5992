"""A viewer for text, such as a receipt."""

from collections.abc import Awaitable, Callable, Sequence

from textual.app import ComposeResult

from core.errors import LadingError
from tui.screens.base import Base
from tui.screens.prompt import Ask
from tui.widgets.keys import Key, Keys
from tui.widgets.text import Text

LINES_SHOWN = 20_000
"""The most lines that are shown."""

Fetch = Callable[[Callable[[Sequence[str]], None]], Awaitable[None]]
"""Fetches text, and passes on its lines as they come."""


SEARCH = Key(key="slash", label="search", does="search", about="go to the next line with some words")
NEXT = Key(key="n", label="next", does="next", about="the next line with those words")
COPY = Key(key="y", label="copy", does="copy", about="copy the chosen line, or the path in it")


class Readable(Base[None]):
    """A screen with text to search and copy from."""

    def __init__(self) -> None:
        super().__init__()
        self._words = ""

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        if does == "next" and not self._words:
            return f"Search first: {self.key('search')}."
        return "There is nothing to copy." if does == "copy" and not self.query_one(Text).chosen.strip() else ""

    def do_search(self) -> None:
        """Ask for words, and go to them."""

        def answered(words: str | None) -> None:
            if words:
                self._words = words
                self._go(self.query_one(Text).cursor)

        about = "words in a line"
        self.app.push_screen(Ask("Search", self._words, self.glyphs, about=about), answered)

    def do_next(self) -> None:
        """The next line with the same words."""
        self._go(self.query_one(Text).cursor + 1)

    def _go(self, start: int) -> None:
        text = self.query_one(Text)
        row = text.find(self._words, start)
        if row is None:
            self.say(f"Nothing has {self._words}.")
            return
        if row < start:
            self.say("From the beginning again.")
        text.choose(row)
        self.draw_keys()

    def do_copy(self) -> None:
        """Copy the chosen line; if it is `name  value`, only the value."""
        chosen = self.query_one(Text).chosen.strip()
        name, gap, value = chosen.partition("  ")
        self.lading.copy(value.strip() if gap and len(name) < 16 else chosen)


class Reading(Readable):
    """Shows the text that `fetch` passes on."""

    def __init__(self, title: str, fetch: Fetch) -> None:
        super().__init__()
        self._title = title
        self._fetch = fetch
        self._failed = False

    def compose(self) -> ComposeResult:
        """The text and the keys."""
        yield Text(self.glyphs, self._title, id="text")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Fetch the text."""
        self.query_one(Text).focus()
        self.run_worker(self._read(), exit_on_error=False)

    def connected(self) -> None:
        """Fetch the text again, if it could not be fetched."""
        if self._failed:
            self.run_worker(self._read(), exit_on_error=False)

    async def _read(self) -> None:
        text = self.query_one(Text)
        self._failed, text.text, text.trouble = False, [], ""
        try:
            await self._fetch(self._add)
        except LadingError as error:
            self._failed, text.trouble = True, str(error)
        if not text.text and not text.trouble:
            text.trouble = "There is nothing."
        text.draw()

    def _add(self, lines: Sequence[str]) -> None:
        text = self.query_one(Text)
        text.text += lines[: LINES_SHOWN - len(text.text)]
        text.draw()
