"""The base of screens with lists of files: paging, copying, details."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from core.errors import LadingError
from core.listings import FileView
from core.models import Outcome
from tui.graphics import Graphics
from tui.screens import archive_tasks
from tui.screens.pictured import FILM_KIND, PICTURED_KINDS, Pictured, why_not_viewed
from tui.widgets import facts
from tui.widgets.files import Files
from tui.widgets.keys import Key
from tui.widgets.paged import PAGE
from tui.widgets.picture import Picture, Shown

WIDE = 100
"""The fewest columns of a screen that have room for a picture beside the list."""

PICTURE_WIDTH = 44
"""Columns of the picture, as in the style sheet."""

GRID = Key(key="g", label="grid", does="grid", about="the files as a grid of small pictures")
OPEN = Key(key="enter", label="open", does="details", about="all that is known of the chosen file")
MARK = Key(key="space", label="mark", does="mark", about="mark the chosen file, or not any more")
RESTORE = Key(key="t", label="restore", does="restore", about="the marked files, else the chosen one, to a folder")
COPY = Key(key="y", label="copy", does="copy", about="copy the chosen file's path (OSC 52)")


def path_of(file: FileView) -> str:
    """The path of a file in the archive, else that below its source."""
    return f"{file.archive}/{file.payload}" if file.payload else file.path


class Browsing(Pictured):
    """Fetches the pages that `Files` asks for."""

    BROWSING: ClassVar[tuple[str, ...]] = ("details", "copy", "grid", "mark", "restore", "view")

    import_id = ""
    words = ""
    outcomes: Sequence[Outcome] = ()

    def __init__(self) -> None:
        super().__init__()
        self._asked = 0
        self._turn = asyncio.Lock()
        self._pictured: tuple[str, Graphics, int] | None = None

    @property
    def files(self) -> Files:
        """The list of files."""
        return self.query_one(Files)

    def look(self) -> None:
        """Start over, because other files are to be listed."""
        self._asked += 1
        self.files.clear()
        self.files.want(0)

    def connected(self) -> None:
        """Fetch the rows and the picture again."""
        self._pictured = None
        self.files.forget()

    async def on_paged_wanted(self, event: Files.Wanted) -> None:
        """Fetch a page."""
        self.run_worker(self._fetch(event.page, self._asked), exit_on_error=False)

    async def _fetch(self, page: int, asked: int) -> None:
        async with self._turn:
            if asked != self._asked:
                return
            try:
                found = await self.lading.connection.files(
                    self.import_id, outcomes=self.outcomes, text=self.words, offset=page * PAGE
                )
            except LadingError as error:
                if asked == self._asked:
                    self.files.fail(str(error))
                self.say(str(error), "bad")
                return
        if asked == self._asked:
            self.files.more = found.more
            self.files.give(page, found.total, found.files)
            self.picture_soon()
            self.draw_keys()

    def on_pane_chosen(self) -> None:
        """Update the keys and the picture for another row."""
        self.draw_keys()
        self.picture_soon()

    def picture_soon(self) -> None:
        """Show the chosen file's picture when no other row is chosen for a moment."""
        self.soon(self._picture)

    def graphics_changed(self) -> None:
        """Fetch the chosen file's picture again."""
        self.picture_soon()

    def on_resize(self) -> None:
        """Show beside the list what there is room for."""
        self.picture_soon()

    @property
    def _rows(self) -> int:
        """The rows that a picture may have; facts go below it."""
        rows = self.files.size.height - 1
        return rows * 2 // 5 if self.size.width >= facts.WIDE else rows

    def _beside(self) -> None:
        """Reserve columns for what is shown beside the list."""
        beside, wide = self.query_one("#beside"), self.size.width >= facts.WIDE
        beside.set_class(wide, "-wide")
        beside.display = wide or self.query_one(Picture).display
        self.query_one(facts.Facts).display = wide

    async def _tell(self, file: FileView) -> None:
        """Show what is known of a file."""
        try:
            known = await self.lading.connection.file_details(file.id)
        except LadingError as error:
            self.say(str(error), "bad")
        else:
            if file == self.files.chosen:
                self.query_one(facts.Facts).tell(file.path, known)

    def _picture(self) -> None:
        picture, file = self.query_one(Picture), self.files.chosen
        if file is None:
            self.query_one(facts.Facts).tell("", ())
        elif self.size.width >= facts.WIDE:
            self.run_worker(self._tell(file), exclusive=True, group="facts", exit_on_error=False)
        sha256 = file.sha256 if file is not None and file.kind in PICTURED_KINDS else ""
        wanted = sha256, self.lading.graphics, self._rows
        if not self.glyphs.utf8 or self.app.ansi_color or self.size.width < WIDE:
            picture.display = False
            self._beside()
            self._pictured = None
        elif wanted != self._pictured:
            self._pictured = wanted
            if sha256:
                strip = file is not None and file.kind == FILM_KIND
                fetching = self._fetch_picture(sha256, strip=strip)
                self.run_worker(fetching, exclusive=True, group="picture", exit_on_error=False)
            else:
                picture.put([])
                if self.size.width >= facts.WIDE:
                    picture.display = False
            self._beside()

    async def _fetch_picture(self, sha256: str, *, strip: bool) -> None:
        picture, wanted = self.query_one(Picture), self._pictured
        shown: Shown = []
        try:
            shown = await self.picture(sha256, PICTURE_WIDTH - 2, self._rows, strip=strip)
        except LadingError as error:
            self.say(str(error), "bad")
        if shown and not picture.display:
            # Columns are reserved only once there is a picture to show. Textual then draws all anew, and what has
            # another size once more; the picture comes after that, because it is most of the bytes.
            picture.display = True
            self._beside()
            self.call_after_refresh(self.call_after_refresh, self._put, wanted, shown)
        else:
            self._put(wanted, shown)

    def _put(self, wanted: tuple[str, Graphics, int] | None, shown: Shown) -> None:
        """Show a picture, unless another one is wanted by now."""
        if wanted == self._pictured:
            self.query_one(Picture).put(shown)

    def on_pane_opened(self) -> None:
        """A double click acts as Enter."""
        self.call_later(self.action_do, "details")

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        if does == "restore" and not self.files.marked and self.files.chosen and not self.files.chosen.sha256:
            return "That file is not in the archive."
        if does == "view":
            return why_not_viewed(self.files.chosen)
        return "There is no file." if does in self.BROWSING and self.files.chosen is None else ""

    def do_details(self) -> None:
        """Show everything known of the chosen file."""
        file = self.files.chosen
        if file is not None:
            self.tell(file)

    def do_grid(self) -> None:
        """Show the files as thumbnails."""
        from tui.screens.grid import Grid

        self.app.push_screen(Grid(self.import_id, self.words, self.outcomes, self.files.cursor))

    def do_mark(self) -> None:
        """Mark the chosen file, or remove its mark."""
        self.files.mark()

    def do_restore(self) -> None:
        """Restore the marked files, else the chosen one, to a folder."""
        chosen = [self.files.chosen] if self.files.chosen else []
        archive_tasks.restore_files(self, [*self.files.marked.values()] or chosen)

    def do_view(self) -> None:
        """Open a copy of the chosen file in the system's viewer."""
        if self.files.chosen is not None:
            self.view_soon(self.files.chosen)

    def do_copy(self) -> None:
        """Copy the chosen file's path."""
        file = self.files.chosen
        if file is not None:
            self.lading.copy(path_of(file))
