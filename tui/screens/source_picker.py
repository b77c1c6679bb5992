"""The panes of a new import, kept up to date with the volumes that are mounted and the locations of imports."""

import asyncio
import getpass
import os
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal

from core.config import origins
from core.errors import ConfigError, LadingError
from core.paths import display
from core.snapshot import Arrival
from core.threads import aside
from core.volumes.volume import Volume
from tui.import_form import Choice, SourceRow
from tui.last_answers import recall
from tui.screens.base import Base
from tui.screens.source_contents import SourceContents
from tui.screens.source_surveys import SourceSurveys
from tui.type_ahead import raise_it
from tui.widgets.dry_run_pane import Prospect
from tui.widgets.form import Form
from tui.widgets.keys import Keys
from tui.widgets.lines import Lines, line
from tui.widgets.pane import Pane
from tui.widgets.source_tree import Inside
from tui.widgets.sources import Sources

POLL_INTERVAL = 2.0
"""Seconds between two checks of the volumes."""

VOLUMES_TIMEOUT = 60.0
"""Seconds that the system may take to say what is mounted."""


class Choosing(Base[None]):
    """The four panes of a new import, and their background tasks. The keys are in `NewImport`."""

    def __init__(self, card: Arrival | None = None) -> None:
        super().__init__()
        self.choice = Choice()
        self._card = card
        """The card that the screen was opened for, until it is picked; then None."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.contents = SourceContents(self)
        self.surveys = SourceSurveys(self)
        self._mounted: set[str] | None = None
        """The mount points of the last look at the volumes; None: there was none."""
        self.locations: list[str] = []
        """The locations of earlier imports, the newest first."""
        self.touched = False
        """Whether a person has picked a source, or left one out."""
        self.started = False
        """Whether the imports were started, so that the choices are not kept."""

    def compose(self) -> ComposeResult:
        """The four panes."""
        glyphs = self.glyphs
        yield Lines(id="top")
        yield Sources(glyphs, self.choice, id="sources")
        with Horizontal(id="middle"):
            yield Inside(glyphs, id="inside")
            yield Prospect(glyphs, id="prospect")
        yield Form(glyphs, self.choice, id="form")
        yield Keys(glyphs)

    def on_mount(self) -> None:
        """Begin with what was left unfinished, else with what was answered last time; look for volumes."""
        self.query_one("#top", Lines).put([line((" Lading", "title"), "  new import")])
        self.go_to(self.query_one(Sources))
        self.query_one(Form).limit = self._limit()
        if (draft := self.lading.draft) is not None:
            self.touched = True
            self._use(draft)
            if self._card is not None and self._card.preset:
                draft.take(self.lading.settings, self._card.preset)
            self.changed()
        else:
            self._begin_anew()
        self.begin(self._watch_volumes())
        self.begin(self._find_locations())

    def go_to(self, pane: Pane) -> None:
        """Focus a pane. A small screen shows only that one, so it has to be shown first."""
        for one in self.query(Pane):
            one.set_class(one is pane, "-shown")
        self.query_one("#middle").set_class(isinstance(pane, Inside | Prospect), "-shown")
        self.set_focus(pane)

    def _limit(self) -> str:
        """The configured limit of reading, and where it comes from; empty: there is none."""
        if (limit := self.lading.settings.read_limit) is None:
            return ""
        told = f"{limit} MB/s from each source at most"
        return f"{told}; {os.path.basename(origin)}" if (origin := self.limit_from()) else told

    def limit_from(self) -> str:
        """The variable or the file that the limit of reading comes from; empty: not known, or there is none."""
        with suppress(ConfigError):
            return origins(os.environ).get("read_limit", "")
        return ""

    def _use(self, choice: Choice) -> None:
        """Take over the choices of a new import that was left before it was started."""
        self.choice = self.query_one(Sources).choice = self.query_one(Form).choice = choice

    def _begin_anew(self) -> None:
        """Begin with the answers of the last import, and with those of the configuration."""
        settings = self.lading.settings
        last = recall(settings.home)
        choice = self.choice
        choice.archive, choice.also, choice.location = last.archive, last.also, last.location
        choice.operator = last.operator or getpass.getuser()
        choice.take(settings, self._card.preset if self._card and self._card.preset else last.preset)

    def on_unmount(self) -> None:
        """Stop the background tasks. The choices are kept for the next time, unless they were started."""
        self.lading.draft = self.choice if self.touched and not self.started else None
        self.contents.stop()
        for task in self._tasks:
            task.cancel()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do `work` in the background, as long as the screen is there."""
        task = asyncio.create_task(self._carry_out(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carry_out(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            # Nobody awaits this task, so its error is raised in the app, which ends with it. A screen that is left
            # has nothing to draw on.
            if self._there:
                self.app.call_later(raise_it, error)

    # What is kept up to date in the background

    async def _watch_volumes(self) -> None:
        """List the mounted volumes again and again; a card that has just been put in is picked."""
        sources = self.query_one(Sources)
        while True:
            try:
                found = await aside(self.lading.volumes, VOLUMES_TIMEOUT)
            except (OSError, TimeoutError) as error:
                sources.trouble = str(error) or "The system does not say what is mounted."
            else:
                self._take_volumes(found)
            sources.draw()
            self.draw_about_source()
            await asyncio.sleep(POLL_INTERVAL)

    def _take_volumes(self, volumes: list[Volume]) -> None:
        """Update the rows of sources for the volumes that are mounted now."""
        sources = self.query_one(Sources)
        before = {source.path for source in self.choice.picked}
        mounted = {volume.mount for volume in volumes}
        mounts_changed = self._mounted not in (None, mounted)
        self._mounted = mounted
        if mounts_changed:
            # The archive's volume may be among those that were mounted or unmounted.
            self.choice.archive_mount = "", b""
        cards = list(self.choice.cards)
        chosen = sources.chosen
        self.choice.merge(volumes)
        sources.looked = True
        new = [source for source in self.choice.cards if source not in cards]
        if self._card is not None and (row := self._row_of(self._card)):
            row.picked, self._card, chosen = True, None, row
        elif len(new) == 1 and not self.touched and not self.choice.picked:
            # A person who has just put in a card most likely wants to import that one.
            new[0].picked = True
            chosen = self.surveys.picked_by_app = new[0]
        sources.follow(chosen)
        if mounts_changed or before != {source.path for source in self.choice.picked}:
            self.changed()
        self.surveys.glance()
        if isinstance(self.pane, Sources) or self.contents.pane.source not in self.choice.sources:
            self.contents.show_soon(self.source)

    def _row_of(self, card: Arrival) -> SourceRow | None:
        """The row of a card; None if it is not listed."""
        return next(
            (one for one in self.choice.sources if one.volume and display(one.volume.identity) == card.identity),
            None,
        )

    def connected(self) -> None:
        """Ask again what could not be asked without an engine."""
        self.surveys.forget_failures()
        if self.choice.picked:
            self.changed()
        self.begin(self._find_locations())
        self.surveys.glance()

    async def _find_locations(self) -> None:
        """Offer the locations of earlier imports; the newest import says where this one goes, if nothing else
        does."""
        with suppress(LadingError):
            records = await self.lading.connection.imports()
            self.locations = list(dict.fromkeys(record.location for record in reversed(records)))
            if records and not self.choice.archive:
                last = records[-1].together or records[-1].id
                first, *others = [one.archive for one in records if last in (one.id, one.together)]
                self.choice.archive, self.choice.also = first, tuple(others)
            if self.locations and not self.choice.location and not self.choice.pattern:
                self.choice.location = self.locations[0]
            self.changed()
            self.surveys.glance()

    def changed(self) -> None:
        """Redraw and count again, because a choice has changed."""
        self.surveys.count_again()
        self.draw_about_source()
        for pane in self.query(Pane):
            pane.draw()
        self.draw_keys()

    def draw_about_source(self) -> None:
        """Update the form and the keys, because another source is chosen or more is known of it."""
        form = self.query_one(Form)
        form.source = self.source
        form.draw()
        self.draw_keys()

    @property
    def pane(self) -> Pane:
        """The focused pane."""
        return self.focused if isinstance(self.focused, Pane) else self.query_one(Sources)

    @property
    def source(self) -> SourceRow | None:
        """The source in the chosen row."""
        return self.query_one(Sources).chosen
