"""What lies in a source, for the pane `Inside`: listing and walking its folders, searching in it, and asking the
engine which of its files are new."""

import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from core.errors import LadingError
from core.paths import display
from core.protocol.import_requests import RecogniseFiles
from core.threads import aside
from tui import path_completion
from tui.import_form import SourceRow
from tui.path_completion import ORDERS
from tui.widgets.source_tree import Inside

if TYPE_CHECKING:
    from tui.screens.source_picker import Choosing

LIST_TIMEOUT = 8.0
"""Seconds that listing a folder may take."""

SEARCH_TIMEOUT = 60.0
"""Seconds that a search in a source may take."""

WALK_TIMEOUT = 3600.0
"""Seconds that counting what lies below one folder may take."""

CURSOR_PAUSE = 0.4
"""Seconds that the cursor stays on a source before the source is listed."""

ORDER_WORDS = {"name": "By name.", "size": "The largest first.", "date": "The newest first."}


class SourceContents:
    """Fills the pane `Inside` of the screen `screen` for one source at a time.

    The cursor may go to another source while a folder is read, so the pane's source is compared before each answer
    is shown.
    """

    def __init__(self, screen: "Choosing") -> None:
        self._screen = screen
        self._stopped = threading.Event()
        self.words = ""
        """The words of the last search; empty: there was none in this source."""
        self._found: list[bytes] = []
        """The paths that the last search has found."""
        self._gone_to = -1
        """Which of the found paths was gone to; -1: none yet."""

    @property
    def pane(self) -> Inside:
        """The pane."""
        return self._screen.query_one(Inside)

    def stop(self) -> None:
        """End the walks and searches that go on in threads."""
        self._stopped.set()

    def show_soon(self, source: SourceRow | None) -> None:
        """Show a source once the cursor stays on it, but walk through no folder yet."""
        pane = self.pane
        if source is None or pane.source is source:
            return
        pane.enter(source)
        if source.volume is not None and not source.volume.answers:
            pane.trouble = "It does not answer."
            pane.draw()
            return

        def list_if_it_stays() -> None:
            if pane.source is source and not pane.listed and not pane.trouble:
                self._screen.begin(self.list_folder(b"", walk=False))

        self._screen.set_timer(CURSOR_PAUSE, list_if_it_stays)

    def show(self, source: SourceRow) -> None:
        """Show a source now, and walk through its folders."""
        pane = self.pane
        if pane.source is not source:
            pane.enter(source)
        if b"" in pane.listed:
            self._screen.begin(self.walk(b""))
        elif not pane.trouble:
            self._screen.begin(self.list_folder(b""))

    async def list_folder(self, below: bytes, *, walk: bool = True) -> None:
        """List the folder at this path below the source; with `walk`, then walk its subfolders for their sizes."""
        pane = self.pane
        source = pane.source
        if source is None:
            return
        folder = os.path.join(os.fsencode(source.path), below)
        try:
            listed = await aside(lambda: path_completion.entries(folder, pane.order), LIST_TIMEOUT)
        except TimeoutError:
            trouble = "It does not answer."
        except NotADirectoryError:
            trouble = "It is a file."
        except OSError as error:
            trouble = error.strerror or str(error)
        else:
            trouble = ""
        if pane.source is not source:
            return
        if trouble:
            pane.trouble = trouble
            pane.draw()
        else:
            pane.take(below, listed)
        self._screen.draw_keys()
        await self._recognise(below)
        if walk:
            await self.walk(below)

    async def walk(self, below: bytes) -> None:
        """Walk the subfolders of a listed folder for their sizes."""
        pane = self.pane
        source = pane.source
        if source is None:
            return
        folder = os.path.join(os.fsencode(source.path), below)
        for entry in pane.listed.get(below, ([], 0))[0]:
            known = os.path.join(below, entry.name) in pane.counts
            if entry.folder and not known and pane.source is source:
                path = os.path.join(folder, entry.name)
                counting = partial(path_completion.count_below, path, self._stopped)
                try:
                    count = await aside(counting, WALK_TIMEOUT)
                except TimeoutError:
                    # The folder's file system may not answer any more. Its size stays unknown.
                    continue
                if pane.source is source:
                    pane.count(os.path.join(below, entry.name), count)

    async def _recognise(self, below: bytes) -> None:
        """Mark the files of a listed folder that are new to the archive."""
        pane, archive = self.pane, self._screen.choice.archive
        source = pane.source
        listed = pane.listed.get(below, ([], 0))[0]
        files = {os.path.join(below, one.name): one for one in listed if not one.folder and one.count}
        if source is None or not archive or not files:
            return
        facts = tuple((path, one.count.bytes if one.count else 0, one.mtime_ns) for path, one in files.items())
        request = RecogniseFiles(source=os.fsencode(source.path), archive=os.fsencode(archive), files=facts)
        with suppress(LadingError):
            known = await self._screen.lading.connection.call(request)
            if pane.source is source:
                pane.new.update((path, not one) for path, one in zip(files, known, strict=True))
                pane.draw()

    def open_or_close(self) -> None:
        """Open the chosen folder, or close it if it is open."""
        pane = self.pane
        node = pane.chosen
        if node is None or not node.entry.folder:
            return
        if node.path in pane.open:
            pane.open.discard(node.path)
        else:
            pane.open.add(node.path)
            if node.path not in pane.listed:
                self._screen.begin(self.list_folder(node.path))
        pane.draw()

    def order_next(self) -> None:
        """Show what is in the source in the next one of ORDERS."""
        pane = self.pane
        pane.order = ORDERS[(ORDERS.index(pane.order) + 1) % len(ORDERS)]
        self._screen.say(ORDER_WORDS[pane.order], "good")
        for below in list(pane.listed):
            # Which entries are the first ones depends on the order.
            self._screen.begin(self.list_folder(below, walk=pane.order == "size"))

    def forget_search(self) -> None:
        """Forget the words of the last search, because they were about another source."""
        self.words = ""

    async def search(self, words: str) -> None:
        """Find the names in the source that have these words, and go to the first one."""
        pane = self.pane
        source = pane.source
        if source is None:
            return
        self.words, self._found, self._gone_to = words, [], -1
        self._screen.say("Searching.")
        root = os.fsencode(source.path)
        with suppress(TimeoutError):
            self._found = await aside(
                lambda: path_completion.find_below(root, words, self._stopped), SEARCH_TIMEOUT
            )
        if pane.source is source:
            await self.go_to_next()
            self._screen.draw_keys()

    async def go_to_next(self) -> None:
        """Go to the next name that the last search has found; the folders above it are opened."""
        pane = self.pane
        if not self._found:
            self._screen.say(f"Nothing in it has {self.words}.")
            return
        self._gone_to = (self._gone_to + 1) % len(self._found)
        path = self._found[self._gone_to]
        above = [path[:at] for at, byte in enumerate(path) if byte == ord("/")]
        for folder in above:
            if folder not in pane.listed:
                await self.list_folder(folder, walk=False)
            pane.open.add(folder)
        self._screen.go_to(pane)
        where = f"{self._gone_to + 1} of {len(self._found):,}"
        if pane.go_to(path):
            self._screen.say(f"{where} with {self.words}.", "good")
        else:
            self._screen.say(f"{where}: {display(path)} is not among the first of its folder.")
