"""The screen of a task on the archive: its progress, then its result, as the command of that name prints it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from io import StringIO
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from core.errors import LadingError
from core.models import Count
from tui.console.output import Output
from tui.console.progress import amounts
from tui.screens.base import BACK, HELP, LEAVE, bindings
from tui.screens.confirm import Confirm
from tui.screens.text_viewer import COPY, NEXT, SEARCH, Readable
from tui.widgets.keys import Key, Keys
from tui.widgets.lines import Lines, line
from tui.widgets.text import Text

DRAW_INTERVAL = 0.5
"""Seconds between two drawings of the progress."""

OnProgress = Callable[[Count, Count], None]

Work = Callable[[OnProgress, Output], Awaitable[None]]
"""Does the task: reports its progress, and prints its result at the end."""


class Task(Readable):
    """Runs `work` while the screen is open; leaving it cancels the work."""

    NAME = "task"
    ABOUT = "Work on the archive; imports go on meanwhile."
    KEYS: ClassVar[tuple[Key, ...]] = (SEARCH, NEXT, COPY, BACK, HELP, LEAVE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, title: str, work: Work) -> None:
        super().__init__()
        self._title = title
        self._work = work
        self._doing: asyncio.Task[None] | None = None
        self._told = StringIO()
        self._drawn = float("-inf")

    def compose(self) -> ComposeResult:
        """The progress, the result and the keys."""
        yield Lines(id="top")
        yield Text(self.glyphs, self._title, id="text")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Start the work."""
        self.query_one(Text).trouble = "At work."
        self.query_one(Text).focus()
        self._say(f"  {self._title.lower()}")
        self._doing = asyncio.create_task(self._carry_out(), name=self._title)

    def on_unmount(self) -> None:
        """Cancel the work."""
        if self._doing is not None:
            self._doing.cancel()
        super().on_unmount()

    async def _carry_out(self) -> None:
        text = self.query_one(Text)
        environ = {"LC_ALL": "C.UTF-8" if self.glyphs.utf8 else "C"}
        ended = "not done"
        try:
            await self._work(self._progress, Output(self._told, environ))
            text.trouble, ended = "There is nothing to tell.", "done"
        except LadingError as error:
            # What to do next is read without scrolling.
            for told in (f"{error.title}: {error.cause}", error.advice):
                self._told.write("".join(f"{one}\n" for one in self.glyphs.wrap(told, self.size.width - 2)))
        except Exception as error:
            # Nobody awaits this task, so that the screen would say for ever that it is at work.
            self._told.write(f"A fault of the program: {type(error).__name__}: {error}\n")
        text.text = self._told.getvalue().splitlines()
        text.draw()
        self._say(f"  {self._title.lower()}: {ended}")
        self._doing = None
        self.draw_keys()

    def _progress(self, done: Count, total: Count) -> None:
        if (now := time.monotonic()) >= self._drawn + DRAW_INTERVAL:
            self._drawn = now
            self._say(f"  {amounts(done, total)}")

    def _say(self, told: str) -> None:
        self.query_one("#top", Lines).put([line((" Lading", "title"), self.glyphs.text(told))])

    def do_back(self) -> None:
        """Go back; while the task works, ask before that stops it."""
        if self._doing is None:
            super().do_back()
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        told = ["It stops where it is. The same once more goes on from there."]
        question = f"Stop: {self._title.lower()}?"

        def asked() -> tuple[str, list[str]] | None:
            return (question, told) if self._doing is not None else None

        self.app.push_screen(Confirm(asked, "stop it", self.glyphs), answered)
