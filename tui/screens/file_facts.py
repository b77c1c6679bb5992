"""Everything known of one file; what belongs to it can be followed."""

import os
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from core.listings import FileView
from tui.screens.base import BACK, HELP, LEAVE, bindings
from tui.screens.pictured import VIEW, view, why_not_viewed
from tui.screens.text_viewer import COPY, NEXT, SEARCH, Reading
from tui.widgets.keys import Key
from tui.widgets.text import Text

NAME_WIDTH = 14
"""Columns of the names of facts."""


class FileFacts(Reading):
    """The facts, a line each. Enter on one that names another file of the import opens that."""

    NAME = "file"
    ABOUT = "All that is known of it, and what belongs to it."
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key(
            key="enter",
            label="follow",
            does="follow",
            about="open the file that the line names, of the same import",
        ),
        VIEW,
        SEARCH,
        NEXT,
        COPY,
        BACK,
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, file: FileView) -> None:
        super().__init__("FILE", self._facts)
        self._file = file

    async def _facts(self, give: Callable[[Sequence[str]], None]) -> None:
        facts = await self.lading.connection.file_details(self._file.id)
        give([self._file.path, "", *(f"{name:<{NAME_WIDTH}}  {value}" for name, value in facts)])

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        return why_not_viewed(self._file) if does == "view" else super().why_not(does)

    def do_view(self) -> None:
        """Open a copy of the file in the system's viewer."""
        self.run_worker(view(self, self._file), exclusive=True, group="view", exit_on_error=False)

    async def do_follow(self) -> None:
        """Open the file that the chosen line names."""
        path = self.query_one(Text).chosen[NAME_WIDTH + 2 :]
        name = os.path.basename(path).strip()
        found = (await self.lading.connection.files(self._file.import_id, text=name)).files if name else ()
        # What names another file is its path on the volume; the import may be of a folder.
        same = [one for one in found if one.id != self._file.id and f"/{path}".endswith(f"/{one.path}")]
        if not self.is_current:
            return
        if same:
            self.lading.open_file(same[0])
        else:
            self.say("This line names no other file of the import.")
