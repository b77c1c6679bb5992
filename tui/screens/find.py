"""Finding files in the archive by their original name, date, camera, card or location."""

from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tui.screens.base import BACK, HELP, LEAVE, bindings
from tui.screens.file_browser import COPY, GRID, MARK, OPEN, RESTORE, Browsing
from tui.screens.pictured import VIEW
from tui.widgets.facts import Facts
from tui.widgets.field import Field
from tui.widgets.files import Files
from tui.widgets.keys import Key, Keys
from tui.widgets.lines import Lines, line
from tui.widgets.picture import Picture

TYPING_PAUSE = 0.25
"""Seconds without a key before the search starts."""


class Find(Browsing):
    """A line for words, and the files that match."""

    NAME = "find"
    ABOUT = (
        "Words in name, camera, card or location; dates; camera: card: location: kind: import: hash: outcome:. "
        "A date with * is when the file was changed; +4: so many more imports had the same content."
    )
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key(key="slash", label="words", does="words", about="type other words"),
        OPEN,
        VIEW,
        MARK,
        RESTORE,
        GRID,
        COPY,
        Key(key="o", label="import", does="import", about="the import that brought the chosen file"),
        BACK,
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(KEYS),
        Binding("down", "list", show=False),
    ]
    BROWSING: ClassVar[tuple[str, ...]] = ("details", "copy", "grid", "import", "mark", "restore", "view")

    def __init__(self) -> None:
        super().__init__()
        self._typed = 0

    def compose(self) -> ComposeResult:
        """The words, the files and the keys."""
        yield Lines(id="top")
        yield Field(placeholder="name, date such as 2025-12, camera, card, location", compact=True, id="words")
        with Horizontal(id="list"):
            yield Files(self.glyphs, id="files", several=True)
            with Vertical(id="beside"):
                yield Picture(id="picture")
                yield Facts(self.glyphs, id="facts")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Focus the words."""
        self.query_one("#top", Lines).put([line((" Lading", "title"), "  find")])
        self.files.nothing = "Nothing fits."
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()
        self.look()

    def on_descendant_focus(self) -> None:
        """Show the keys of what is focused."""
        self.draw_keys()

    def face(self, key: Key) -> Key:
        """While words are typed, only keys that are no part of them do something."""
        if not isinstance(self.focused, Input):
            return key
        typing = {"details": ("enter", "list"), "back": (key.drawn, key.label), "leave": ("ctrl+c", key.label)}
        drawn, label = typing.get(key.does, ("", ""))
        return msgspec.structs.replace(key, face=drawn, label=label, shown=bool(drawn))

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        return "" if does == "details" and isinstance(self.focused, Input) else super().why_not(does)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search when the typing pauses."""
        self._typed += 1
        typed = self._typed
        self.set_timer(TYPING_PAUSE, lambda: self._search(event.value, typed))

    def _search(self, words: str, typed: int) -> None:
        if typed == self._typed and words.strip() != self.words:
            self.words = words.strip()
            self.look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Focus the list."""
        self._typed += 1
        self._search(event.value, self._typed)
        self.files.focus()

    def action_list(self) -> None:
        """Focus the list."""
        self.files.focus()

    def do_words(self) -> None:
        """Focus the words."""
        self.query_one(Input).focus()

    def do_import(self) -> None:
        """Open the import of the chosen file."""
        if self.files.chosen is not None:
            file = self.files.chosen
            self.lading.open_import(file.import_id, file=file.id)
