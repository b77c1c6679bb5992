"""The base of screens with pictures of files: fetching pictures when no key is pressed, and showing a file's
details."""

import asyncio
from collections.abc import Callable

from textual.timer import Timer

from core.models import FileView
from tui import half_blocks
from tui.half_blocks import Cell
from tui.screens.base import Base

PAUSE = 0.25
"""Seconds without a key before pictures are fetched, so that a key that is held down fetches none."""

FILMS = "videos"
KINDS = ("images", FILMS)
"""Kinds of files that have pictures."""


class Pictured(Base[None]):
    """A screen that fetches pictures of files, in half blocks."""

    def __init__(self) -> None:
        super().__init__()
        self._pause: Timer | None = None

    def soon(self, fetch: Callable[[], None]) -> None:
        """Call `fetch` after PAUSE; each further call begins the pause again."""
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, fetch)

    async def cells(self, sha256: str, width: int, height: int, *, strip: bool = False) -> list[list[Cell]]:
        """The picture of the content `sha256` in at most `width` columns and `height` rows; empty if there is
        none. `strip`: six frames of a film, if they can be made. Raises LadingError."""
        connection = self.lading.connection
        data = await connection.film_strip(sha256) if strip else b""
        data = data or await connection.picture(sha256)
        return await asyncio.to_thread(half_blocks.cells, data, width, height)

    def tell(self, file: FileView) -> None:
        """Open a screen with everything known of a file."""
        self.lading.open_file(file)
