"""Files as a grid of thumbnails, with the arrow keys to move in it."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from core.errors import LadingError
from core.listings import FileView
from core.models import Outcome
from tui import format
from tui.graphics import Graphics
from tui.screens.base import BACK, HELP, LEAVE, bindings
from tui.screens.file_browser import COPY, OPEN, path_of
from tui.screens.pictured import PICTURED_KINDS, VIEW, Pictured, why_not_viewed
from tui.widgets.keys import Key, Keys
from tui.widgets.lines import Lines, line
from tui.widgets.paged import PAGE
from tui.widgets.picture import Shown
from tui.widgets.tiles import Tiles

PICTURES_KEPT = 200
"""The most pictures kept: a few kilobytes each in half blocks, some ten in pixels."""


class Grid(Pictured):
    """As many thumbnails as fit on the screen."""

    NAME = "grid"
    ABOUT = "The files as small pictures."
    KEYS: ClassVar[tuple[Key, ...]] = (OPEN, VIEW, COPY, BACK, HELP, LEAVE)
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(KEYS),
        Binding("g", "do('back')", show=False),
    ]

    def __init__(self, import_id: str, words: str, outcomes: Sequence[Outcome], cursor: int) -> None:
        super().__init__()
        self._import_id = import_id
        self._words = words
        self._outcomes = outcomes
        self._first = cursor
        self._pages: dict[int, Sequence[FileView]] = {}
        self._kept: OrderedDict[tuple[str, Graphics], Shown] = OrderedDict()

    def compose(self) -> ComposeResult:
        """A heading, the tiles and the keys."""
        yield Lines(id="top")
        yield Tiles(self.glyphs, id="tiles")
        yield Keys(self.glyphs)

    @property
    def tiles(self) -> Tiles:
        """The grid."""
        return self.query_one(Tiles)

    def on_mount(self) -> None:
        """Fetch what is visible."""
        self.tiles.cursor = self._first
        self.tiles.focus()
        self.soon(self._fetch)

    def on_tiles_moved(self) -> None:
        """Fetch what is visible now."""
        self._top()
        self.soon(self._fetch)

    def _fetch(self) -> None:
        self.run_worker(self._read(), exclusive=True, group="grid", exit_on_error=False)

    async def _read(self) -> None:
        """Fetch the visible files, then their pictures, one after the other."""
        try:
            first, last = self.tiles.seen()
            for page in range(first // PAGE, last // PAGE + 1):
                await self._page(page)
            first, last = self.tiles.seen()
            for number in range(first, last + 1):
                file = self._file(number)
                if file is not None and file.kind in PICTURED_KINDS and file.sha256:
                    self.tiles.put(number, await self._picture(file.sha256))
        except LadingError as error:
            self.say(str(error), "bad")

    async def _page(self, page: int) -> None:
        if page in self._pages:
            return
        found = await self.lading.connection.files(
            self._import_id, outcomes=self._outcomes, text=self._words, offset=page * PAGE
        )
        self._pages[page] = found.files
        names = [self.glyphs.text(file.path.rpartition("/")[2]) for file in found.files]
        self.tiles.call(found.total, page * PAGE, names)
        self._top()

    def connected(self) -> None:
        """Fetch what is visible again."""
        self.soon(self._fetch)

    def graphics_changed(self) -> None:
        """Fetch the visible pictures again."""
        self.soon(self._fetch)

    async def _picture(self, sha256: str) -> Shown:
        key = sha256, self.lading.graphics
        if key not in self._kept:
            # Only where the terminal can show half blocks.
            self._kept[key] = await self.picture(sha256, *self.tiles.room) if self.glyphs.utf8 else []
            while len(self._kept) > PICTURES_KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    def _file(self, number: int) -> FileView | None:
        page, at = divmod(number, PAGE)
        rows = self._pages.get(page, ())
        return rows[at] if at < len(rows) else None

    def _top(self) -> None:
        file = self._file(self.tiles.cursor)
        facts: list[str] = []
        if file is not None:
            facts = [file.path, format.capture_date(file.captured), format.size(file.size), file.camera]
        told = "".join(f"  {self.glyphs.text(fact)}" for fact in facts if fact)
        count = f"{format.number(self.tiles.cursor + 1)} of {format.number(self.tiles.total)}"
        place = f"  {count}" if self.tiles.total else ""
        self.query_one("#top", Lines).put([line((" Lading", "title"), "  grid", (place, "dim"), told)])
        self.draw_keys()

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        file = self._file(self.tiles.cursor)
        if does == "view":
            return why_not_viewed(file)
        return "There is no file." if does in ("details", "copy") and file is None else ""

    def do_details(self) -> None:
        """Show everything known of the chosen file."""
        file = self._file(self.tiles.cursor)
        if file is not None:
            self.tell(file)

    def do_view(self) -> None:
        """Open a copy of the chosen file in the system's viewer."""
        file = self._file(self.tiles.cursor)
        if file is not None:
            self.view_soon(file)

    def do_copy(self) -> None:
        """Copy the chosen file's path."""
        file = self._file(self.tiles.cursor)
        if file is not None:
            self.lading.copy(path_of(file))
