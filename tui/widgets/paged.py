"""A pane over many rows, of which only the pages that are looked at are fetched."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from textual.message import Message

from tui.glyphs import Glyphs
from tui.widgets.pane import Pane

PAGE = 200
"""Rows that the engine gives at once."""

T = TypeVar("T")


class Paged(Pane, Generic[T]):
    """Asks for pages by a message; shows them when they are given."""

    class Wanted(Message):
        """A page is looked at that is not here."""

        def __init__(self, page: int) -> None:
            super().__init__()
            self.page = page

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.total: int | None = None
        self._pages: dict[int, Sequence[T]] = {}
        self._wanted: set[int] = set()

    def clear(self) -> None:
        """Other rows are looked at."""
        self.total = None
        self._pages, self._wanted = {}, set()
        self.cursor = 0
        self.draw()

    def forget(self) -> None:
        """What is shown may have changed: fetch it again, and show the old meanwhile."""
        self._wanted = set()
        self.want(self.cursor // PAGE)

    def give(self, page: int, total: int, rows: Sequence[T]) -> None:
        """A page has come."""
        self.total = total
        self._pages[page] = rows
        self.draw()

    def want(self, page: int) -> None:
        """Ask for a page, once."""
        if page not in self._wanted:
            self._wanted.add(page)
            self.post_message(self.Wanted(page))

    def at(self, number: int) -> T | None:
        """What is in a row, if it is here."""
        page, at = divmod(number, PAGE)
        rows = self._pages.get(page)
        if rows is None:
            self.want(page)
            return None
        return rows[at] if at < len(rows) else None

    @property
    def chosen(self) -> T | None:
        """What is in the chosen row."""
        return self.at(self.cursor) if self.total else None
