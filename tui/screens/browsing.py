"""What the screens with lists of files share: paging, copying, and all that is known of one."""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from core.errors import LadingError
from core.models import Outcome
from tui.screens.base import Base
from tui.screens.reading import Reading
from tui.widgets.files import Files
from tui.widgets.keys import Key
from tui.widgets.paged import PAGE

OPEN = Key(key="enter", label="details", does="details", about="all that is known of the chosen file")
COPY = Key(key="y", label="copy", does="copy", about="copy the chosen file's path (OSC 52)")


class Browsing(Base[None]):
    """Fetches the pages that `Files` wants."""

    BROWSING: ClassVar[tuple[str, ...]] = ("details", "copy")

    import_id = ""
    words = ""
    outcomes: Sequence[Outcome] = ()

    def __init__(self) -> None:
        super().__init__()
        self._asked = 0
        self._turn = asyncio.Lock()

    @property
    def files(self) -> Files:
        """The list."""
        return self.query_one(Files)

    def look(self) -> None:
        """Other files are wanted."""
        self._asked += 1
        self.files.clear()
        self.files.want(0)

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
                self.say(str(error), "bad")
                return
        if asked == self._asked:
            self.files.more = found.more
            self.files.give(page, found.total, found.files)
            self.draw_keys()

    def on_pane_chosen(self) -> None:
        """Other keys make sense for another row."""
        self.draw_keys()

    def on_pane_opened(self) -> None:
        """A double click is Enter."""
        self.call_later(self.action_do, "details")

    def why_not(self, does: str) -> str:
        """Why a key makes no sense now."""
        return "There is no file." if does in self.BROWSING and self.files.chosen is None else ""

    def do_details(self) -> None:
        """All that is known of the chosen file."""
        file = self.files.chosen
        if file is None:
            return

        async def fetch(give: Callable[[Sequence[str]], None]) -> None:
            facts = await self.lading.connection.known(file.id)
            give([file.path, "", *(f"{name:<14}  {value}" for name, value in facts)])

        self.app.push_screen(Reading("FILE", fetch))

    def do_copy(self) -> None:
        """Copy the chosen file's path."""
        file = self.files.chosen
        if file is not None:
            self.lading.copy(f"{file.archive}/{file.payload}" if file.payload else file.path)
