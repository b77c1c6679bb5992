"""The panes of a new import, kept up to date: volumes, folders, locations, and what would happen."""

import asyncio
import getpass
import os
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal

from core.config import origins
from core.errors import ConfigError, LadingError
from core.models import ImportRequest
from core.paths import display
from core.results import Survey
from core.snapshot import Arrival
from core.threads import aside
from core.volumes.probe import mount_of
from tui.import_form import Choice, SourceRow
from tui.last_answers import recall
from tui.screens.base import Base
from tui.screens.source_contents import LIST_TIMEOUT, SourceContents
from tui.source_warnings import cautions
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

TYPING_PAUSE = 0.4
"""Seconds without a change before the survey is requested."""


class Choosing(Base[None]):
    """The four panes of a new import, and their background tasks. The keys are in `NewImport`."""

    def __init__(self, card: Arrival | None = None) -> None:
        super().__init__()
        self.choice = Choice()
        self._card = card
        """The card that the screen was opened for, until it is picked; then None."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._counting: asyncio.Task[None] | None = None
        self._glancing: asyncio.Task[None] | None = None
        self.contents = SourceContents(self)
        self._mounted: set[str] | None = None
        """The mount points of the last look at the volumes; None: there was none."""
        self.locations: list[str] = []
        self._picked_by_app: SourceRow | None = None
        """The card that was picked by itself, until it is known whether anything on it is new."""
        self.touched = False
        """Whether a person has picked a source, or left one out."""
        self.started = False

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
        self.choice = self.query_one(Sources).choice = self.query_one(Form).choice = choice

    def _begin_anew(self) -> None:
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
        """Do it in the background, as long as the screen is there."""
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

    # Background tasks

    async def _watch_volumes(self) -> None:
        sources = self.query_one(Sources)
        while True:
            try:
                found = await aside(self.lading.volumes, VOLUMES_TIMEOUT)
            except (OSError, TimeoutError) as error:
                sources.trouble = str(error) or "The system does not say what is mounted."
            else:
                before = {source.path for source in self.choice.picked}
                mounted = {volume.mount for volume in found}
                others = self._mounted not in (None, mounted)
                self._mounted = mounted
                if others:
                    # The archive's volume may be among those that were mounted or unmounted.
                    self.choice.archive_mount = "", b""
                cards = list(self.choice.cards)
                chosen = sources.chosen
                self.choice.merge(found)
                sources.looked = True
                new = [source for source in self.choice.cards if source not in cards]
                if self._card is not None and (row := self._row_of(self._card)):
                    row.picked, self._card, chosen = True, None, row
                elif len(new) == 1 and not self.touched and not self.choice.picked:
                    # A person who has just put in a card most likely wants to import that one.
                    new[0].picked = True
                    chosen = self._picked_by_app = new[0]
                sources.follow(chosen)
                if others or before != {source.path for source in self.choice.picked}:
                    self.changed()
                self._glance()
                inside = self.query_one(Inside)
                if isinstance(self.pane, Sources) or inside.source not in self.choice.sources:
                    self.contents.show_soon(self.source)
            sources.draw()
            self.about_source()
            await asyncio.sleep(POLL_INTERVAL)

    def _row_of(self, card: Arrival) -> SourceRow | None:
        """The row of a card; None if it is not listed."""
        return next(
            (one for one in self.choice.sources if one.volume and display(one.volume.identity) == card.identity),
            None,
        )

    def _glance(self) -> None:
        """Count what is new on cards for which nothing was requested yet."""
        if self.choice.archive and (self._glancing is None or self._glancing.done()):
            self._glancing = self.begin(self._glance_at_cards())

    async def _glance_at_cards(self) -> None:
        """Survey one card after the other, each once, by its listing and the catalog, without reading files."""
        while waiting := [source for source in self.choice.cards if self._unseen(source)]:
            source = waiting[0]
            source.compared, source.glance = self.choice.archive, None
            with suppress(LadingError):
                (survey,) = await self.lading.connection.survey([self.choice.all_of(source)])
                if source.compared == self.choice.archive:
                    source.glance = survey
            self.query_one(Sources).draw()

    def connected(self) -> None:
        """Ask again what could not be asked without an engine."""
        for source in self.choice.cards:
            if source.glance is None:
                source.compared = ""
        if self.choice.picked:
            self.changed()
        self.begin(self._find_locations())
        self._glance()

    def _unseen(self, source: SourceRow) -> bool:
        answers = source.volume is not None and source.volume.answers
        return answers and not source.chosen and source.compared != self.choice.archive

    async def _find_locations(self) -> None:
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
            self._glance()

    def changed(self) -> None:
        """Redraw and count again, because a choice has changed."""
        prospect = self.query_one(Prospect)
        prospect.names = {
            display(request.source): request.label or os.path.basename(request.source)
            for request in self.choice.requests()
        }
        prospect.warnings = cautions(self.choice)
        prospect.trouble = ""
        prospect.archive = self.choice.archive
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
        """Update form and keys for the chosen source."""
        form = self.query_one(Form)
        form.source = self.source
        form.draw()
        self.draw_keys()

    async def _count(self) -> None:
        """Have the engine survey the chosen sources."""
        await asyncio.sleep(TYPING_PAUSE)
        prospect, archive = self.query_one(Prospect), self.choice.archive
        requests = self.choice.requests()
        await self._find_archive(archive)
        prospect.warnings = cautions(self.choice)
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

    async def _find_archive(self, archive: str) -> None:
        """Ask the kernel which volume the archive is on."""
        if archive and self.choice.archive_mount[0] != archive:
            with suppress(TimeoutError):
                # A new archive is made in the parent folder.
                places = os.fsencode(archive), os.fsencode(os.path.dirname(archive))
                point = await aside(lambda: mount_of(places[0]) or mount_of(places[1]), LIST_TIMEOUT)
                self.choice.archive_mount = archive, point

    def _take_glances(self, requests: list[ImportRequest], surveys: Sequence[Survey], archive: str) -> None:
        """Show the surveys of whole sources with these sources; they may also bring up questions."""
        counted = {survey.source: survey for survey in surveys}
        whole = {source.path: source for source in self.choice.picked if source.picked and not source.out}
        for request in requests:
            if request.source in whole and display(request.source) in counted:
                source = whole[request.source]
                source.glance, source.compared = counted[display(request.source)], archive
        picked, self._picked_by_app = self._picked_by_app, None
        if picked is not None and not self.touched and picked.glance and not picked.glance.new.files:
            # Nothing on the card is new, so it is hardly the one to be imported.
            picked.picked = False
            self.changed()
        found = self.query_one(Form).found
        found.update(name for name in ("libraries", "icloud") if any(getattr(one, name) for one in surveys))
        found.update("icloud" for one in surveys if one.icloud_folders)

    @property
    def pane(self) -> Pane:
        """The focused pane."""
        return self.focused if isinstance(self.focused, Pane) else self.query_one(Sources)

    @property
    def source(self) -> SourceRow | None:
        """The source in the chosen row."""
        return self.query_one(Sources).chosen
