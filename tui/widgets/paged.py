"""A pane with many rows, of which only the visible pages are fetched."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from textual.message import Message

from tui.glyphs import Glyphs
from tui.widgets.pane import Pane

PAGE = 200
"""Rows per page of the engine's replies."""

T = TypeVar("T")


class Paged(Pane, Generic[T]):
    """Requests pages by a message, and shows them when they are given."""

    class Wanted(Message):
        """A visible page was not fetched yet."""

        def __init__(self, page: int) -> None:
            super().__init__()
            self.page = page

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.total: int | None = None
        self.trouble = ""
        """Why there are no rows; empty: there are, or they are still fetched."""
        self._pages: dict[int, Sequence[T]] = {}
        self._wanted: set[int] = set()

    @property
    def reading(self) -> bool:
        """Whether the page of the chosen row is still fetched."""
        if self.total is None:
            return not self.trouble
        return self.total > 0 and self.cursor // PAGE not in self._pages

    def clear(self) -> None:
        """Forget all rows, because others are to be shown."""
        self.total, self.trouble = None, ""
        self._pages, self._wanted = {}, set()
        self.cursor = 0
        self.draw()

    def forget(self) -> None:
        """Fetch the rows again, because they may have changed; the old ones are shown meanwhile."""
        self._wanted = set()
        self.want(self.cursor // PAGE)

    def give(self, page: int, total: int, rows: Sequence[T]) -> None:
        """Take over a page that was fetched."""
        self.total, self.trouble = total, ""
        self._pages[page] = rows
        self.draw()

    def fail(self, trouble: str) -> None:
        """Show why no page could be fetched, if none is shown."""
        if self.total is None:
            self.trouble = trouble
            self.draw()

    def want(self, page: int) -> None:
        """Request a page, once."""
        if page not in self._wanted:
            self._wanted.add(page)
            self.post_message(self.Wanted(page))

    def at(self, number: int) -> T | None:
        """The value of a row; None: not fetched yet."""
        page, at = divmod(number, PAGE)
        rows = self._pages.get(page)
        if rows is None:
            self.want(page)
            return None
        return rows[at] if at < len(rows) else None

    @property
    def chosen(self) -> T | None:
        """The value of the chosen row."""
        return self.at(self.cursor) if self.total else None
