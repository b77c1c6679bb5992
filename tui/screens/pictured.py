"""The base of screens with pictures of files: fetching pictures when no key is pressed, and showing a file's
details."""

import asyncio
from collections.abc import Callable

from textual.timer import Timer

from core.listings import FileView
from tui import half_blocks, pixels
from tui.graphics import Graphics
from tui.screens.base import Base
from tui.widgets.picture import Shown

PAUSE = 0.25
"""Seconds without a key before pictures are fetched, so that a key that is held down fetches none."""

FILMS = "videos"
KINDS = ("images", FILMS)
"""Kinds of files that have pictures."""


class Pictured(Base[None]):
    """A screen that fetches pictures of files, in pixels where the terminal shows them, else in half blocks."""

    def __init__(self) -> None:
        super().__init__()
        self._pause: Timer | None = None

    def soon(self, fetch: Callable[[], None]) -> None:
        """Call `fetch` after PAUSE; each further call begins the pause again."""
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, fetch)

    async def picture(self, sha256: str, columns: int, rows: int, *, strip: bool = False) -> Shown:
        """The picture of the content `sha256` in at most so many columns and rows; empty if there is none.
        `strip`: six frames of a film, if they can be made. Raises LadingError."""
        connection = self.lading.connection
        data = await connection.film_strip(sha256) if strip else b""
        data = data or await connection.picture(sha256)
        return await asyncio.to_thread(_shown, data, self.lading.graphics, columns, rows)

    def tell(self, file: FileView) -> None:
        """Open a screen with everything known of a file."""
        self.lading.open_file(file)


def _shown(data: bytes, how: Graphics, columns: int, rows: int) -> Shown:
    if how.way:
        return pixels.encoded(data, how, columns, rows) or []
    return half_blocks.cells(data, columns, rows)
