"""The base of screens with pictures of files: fetching pictures when no key is pressed, and showing a file's
details."""

import asyncio
import os
import sys
from collections.abc import Callable

from textual.timer import Timer

from core.errors import LadingError
from core.listings import FileView
from core.media.viewable import REFUSAL, VIEWABLE_KINDS, viewable
from core.threads import aside
from tui import half_blocks, pixels, viewer
from tui.graphics import Graphics
from tui.screens.base import Base
from tui.widgets.keys import Key
from tui.widgets.picture import Shown

KEY_PAUSE = 0.25
"""Seconds without a key before pictures are fetched, so that a key that is held down fetches none."""

FILM_KIND = "videos"
PICTURED_KINDS = ("images", FILM_KIND)
"""Kinds of files that have pictures."""

START_TIMEOUT = 10.0
"""Seconds that starting a viewer may take."""

VIEW = Key(key="V", label="view", does="view", about="a copy of the chosen file, in the system's viewer")


def why_not_viewed(file: FileView | None) -> str:
    """Why a file cannot be opened in the system's viewer; empty when it can."""
    if file is None:
        return "There is no file."
    if not file.sha256:
        return "That file is not in the archive."
    if file.kind in VIEWABLE_KINDS and viewable(os.fsencode(file.path)):
        return ""
    return f"{REFUSAL[:1].upper()}{REFUSAL[1:]}"


async def view(screen: Base[None], file: FileView) -> None:
    """Open a copy of a file in the system's viewer; says on the screen what prevents it."""
    instead = f"Use its path ({screen.key('copy')}), lading serve or the picture here."
    try:
        # Whether there is a viewer is known before anything is copied.
        viewer.program(sys.platform, os.environ, instead)
        screen.say("Copying it for the viewer.", "good")
        path = await screen.lading.connection.copy_to_view(file.sha256, file.path)
        await aside(lambda: viewer.show(path, instead), START_TIMEOUT)
        screen.say(f"Opened: {path}", "good")
    except TimeoutError:
        screen.say(f"The viewer does not begin: {instead}")
    except LadingError as error:
        screen.say(str(error), "bad")


class Pictured(Base[None]):
    """A screen that fetches pictures of files, in pixels where the terminal shows them, else in half blocks."""

    def __init__(self) -> None:
        super().__init__()
        self._pause: Timer | None = None

    def soon(self, fetch: Callable[[], None]) -> None:
        """Call `fetch` after KEY_PAUSE; each further call begins the pause again."""
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(KEY_PAUSE, fetch)

    async def picture(self, sha256: str, columns: int, rows: int, *, strip: bool = False) -> Shown:
        """The picture of the content `sha256` in at most so many columns and rows; empty if there is none.
        `strip`: six frames of a film, if they can be made. Raises LadingError."""
        connection = self.lading.connection
        data = await connection.film_strip(sha256) if strip else b""
        data = data or await connection.picture(sha256)
        return await asyncio.to_thread(_render, data, self.lading.graphics, columns, rows)

    def view_soon(self, file: FileView) -> None:
        """Open a copy of a file in the system's viewer."""
        self.run_worker(view(self, file), exclusive=True, group="view", exit_on_error=False)

    def tell(self, file: FileView) -> None:
        """Open a screen with everything known of a file."""
        self.lading.open_file(file)


def _render(data: bytes, how: Graphics, columns: int, rows: int) -> Shown:
    if how.way:
        return pixels.encode(data, how, columns, rows) or []
    return half_blocks.cells(data, columns, rows)
