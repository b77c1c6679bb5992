"""What a new import is chosen from, kept up to date: volumes, folders, locations, and what would happen."""

import asyncio
import getpass
import os
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal

from core.errors import LadingError
from core.models import ImportRequest
from core.paths import display
from core.results import Survey
from tui import folders
from tui.aside import aside
from tui.cautions import cautions
from tui.choice import Choice, Source
from tui.remembered import recall
from tui.screens.base import Base
from tui.widgets.form import Form
from tui.widgets.inside import Inside
from tui.widgets.keys import Keys
from tui.widgets.lines import Lines, line
from tui.widgets.pane import Pane
from tui.widgets.prospect import Prospect
from tui.widgets.sources import Sources

LOOK = 2.0
"""Seconds between two looks at the volumes."""

ANSWER = 8.0
"""Seconds that listing a folder may take."""

CALM = 0.4
"""Seconds without a change before what would happen is counted."""


class Choosing(Base[None]):
    """The four panes of a new import, and what goes on beside them. Its keys are in `NewImport`."""

    def __init__(self) -> None:
        super().__init__()
        self.choice = Choice()
        self._tasks: set[asyncio.Task[None]] = set()
        self._counting: asyncio.Task[None] | None = None
        self._glancing: asyncio.Task[None] | None = None
        self._stopped: list[bool] = []
        self.locations: list[str] = []
        self.touched = False
        """Whether a person has picked anything, or left it out."""

    def compose(self) -> ComposeResult:
        """Four panes."""
        glyphs = self.glyphs
        yield Lines(id="top")
        yield Sources(glyphs, self.choice, id="sources")
        with Horizontal(id="middle"):
            yield Inside(glyphs, id="inside")
            yield Prospect(glyphs, id="prospect")
        yield Form(glyphs, self.choice, id="form")
        yield Keys(glyphs)

    def on_mount(self) -> None:
        """Begin with what was answered last time; look for volumes."""
        settings = self.lading.settings
        last = recall(settings.home)
        choice = self.choice
        choice.archive = settings.archive or last.archive
        choice.location = settings.location or last.location
        choice.operator = settings.operator or last.operator or getpass.getuser()
        choice.verify, choice.known, choice.duplicates = settings.verify, settings.known, settings.duplicates
        choice.exclude = settings.exclude
        self.query_one("#top", Lines).put([line((" Lading", "title"), "  new import")])
        self.set_focus(self.query_one(Sources))
        self.begin(self._watch_volumes())
        self.begin(self._find_locations())

    def on_unmount(self) -> None:
        """Stop what goes on beside the screen."""
        self._stopped.append(True)
        for task in self._tasks:
            task.cancel()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What goes on beside the screen

    async def _watch_volumes(self) -> None:
        sources = self.query_one(Sources)
        while True:
            try:
                found = await aside(self.lading.volumes, 60.0)
            except (OSError, TimeoutError) as error:
                sources.trouble = str(error) or "The system does not say what is mounted."
            else:
                before = {source.path for source in self.choice.picked}
                cards = list(self.choice.cards)
                chosen = sources.chosen
                self.choice.merge(found)
                sources.looked = True
                new = [source for source in self.choice.cards if source not in cards]
                if len(new) == 1 and not self.touched and not self.choice.picked:
                    # The card that was just put in is what it is about.
                    new[0].picked = True
                    chosen = new[0]
                sources.follow(chosen)
                if before != {source.path for source in self.choice.picked}:
                    self.changed()
                self._glance()
            sources.draw()
            self.about_source()
            await asyncio.sleep(LOOK)

    def _glance(self) -> None:
        """Count what is new on cards that nobody has asked about."""
        if self.choice.archive and (self._glancing is None or self._glancing.done()):
            self._glancing = self.begin(self._glance_at_cards())

    async def _glance_at_cards(self) -> None:
        """One card after the other, by their listings and the record; each once."""
        while waiting := [source for source in self.choice.cards if self._unseen(source)]:
            source = waiting[0]
            source.compared, source.glance = self.choice.archive, None
            with suppress(LadingError):
                (survey,) = await self.lading.connection.survey([self.choice.all_of(source)])
                if source.compared == self.choice.archive:
                    source.glance = survey
            self.query_one(Sources).draw()

    def _unseen(self, source: Source) -> bool:
        answers = source.volume is not None and source.volume.answers
        return answers and not source.chosen and source.compared != self.choice.archive

    async def _find_locations(self) -> None:
        with suppress(LadingError):
            records = await self.lading.connection.imports()
            self.locations = list(dict.fromkeys(record.location for record in reversed(records)))
            if records and not self.choice.archive:
                self.choice.archive = records[-1].archive
            if self.locations and not self.choice.location:
                self.choice.location = self.locations[0]
            self.changed()
            self._glance()

    def changed(self) -> None:
        """Something was chosen: draw it, and count again."""
        prospect = self.query_one(Prospect)
        prospect.names = {
            display(request.source): request.label or os.path.basename(request.source)
            for request in self.choice.requests()
        }
        prospect.warnings = cautions(self.choice)
        prospect.trouble = ""
        if self._counting is not None:
            self._counting.cancel()
        prospect.counting = bool(self.choice.picked)
        if prospect.counting:
            self._counting = self.begin(self._count())
        else:
            prospect.surveys = ()
        self.about_source()
        for pane in self.query(Pane):
            pane.draw()
        self.draw_keys()

    def about_source(self) -> None:
        """Questions and keys are about the chosen source."""
        form = self.query_one(Form)
        form.source = self.source
        form.draw()
        self.draw_keys()

    async def _count(self) -> None:
        """Have the engine count what would happen."""
        await asyncio.sleep(CALM)
        prospect, archive = self.query_one(Prospect), self.choice.archive
        requests = self.choice.requests()
        try:
            prospect.surveys = surveys = await self.lading.connection.survey(requests)
        except LadingError as error:
            prospect.trouble = str(error)
        else:
            self._take_glances(requests, surveys, archive)
        snapshot = self.lading.snapshot
        prospect.now = snapshot.time if snapshot else time.time()
        prospect.counting = False
        prospect.draw()
        self.query_one(Sources).draw()
        self.query_one(Form).draw()

    def _take_glances(self, requests: list[ImportRequest], surveys: Sequence[Survey], archive: str) -> None:
        """What was counted of whole sources is shown with them; and there may be something to ask about."""
        counted = {survey.source: survey for survey in surveys}
        whole = {source.path: source for source in self.choice.picked if source.picked and not source.out}
        for request in requests:
            if request.source in whole and display(request.source) in counted:
                source = whole[request.source]
                source.glance, source.compared = counted[display(request.source)], archive
        found = self.query_one(Form).found
        found.update(name for name in ("libraries", "icloud") if any(getattr(one, name) for one in surveys))

    async def list_folder(self, below: bytes) -> None:
        """List a folder, then walk those in it for their sizes."""
        inside = self.query_one(Inside)
        source = inside.source
        if source is None:
            return
        folder = os.path.join(os.fsencode(source.path), below)
        try:
            inside.listed[below] = await aside(lambda: folders.entries(folder), ANSWER)
        except TimeoutError:
            inside.trouble = "It does not answer."
        except NotADirectoryError:
            inside.trouble = "It is a file."
        except OSError as error:
            inside.trouble = error.strerror or str(error)
        inside.draw()
        for entry in inside.listed.get(below, ([], 0))[0]:
            if entry.folder and inside.source is source:
                path = os.path.join(folder, entry.name)
                count = await aside(lambda path=path: folders.walked(path, self._stopped), 3600.0)  # type: ignore[misc]
                inside.counts[os.path.join(below, entry.name)] = count
                inside.draw()

    @property
    def pane(self) -> Pane:
        """The pane that has the keys."""
        return self.focused if isinstance(self.focused, Pane) else self.query_one(Sources)

    @property
    def source(self) -> Source | None:
        """The source in the chosen row."""
        return self.query_one(Sources).chosen
