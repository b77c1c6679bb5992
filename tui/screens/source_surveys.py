"""The surveys of a new import: what the picked sources would bring, for the pane `Prospect`, and what is new on
the other cards, for the pane `Sources`. The engine makes them from listings and the catalog, without reading
files."""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from core.errors import LadingError
from core.models import ImportRequest
from core.paths import display
from core.results import Survey
from core.threads import aside
from core.volumes.probe import mount_of
from tui.import_form import SourceRow
from tui.source_warnings import cautions
from tui.widgets.dry_run_pane import Prospect
from tui.widgets.form import Form
from tui.widgets.sources import Sources

if TYPE_CHECKING:
    from tui.screens.source_picker import Choosing

TYPING_PAUSE = 0.4
"""Seconds without a change of the choices before the survey is requested."""

MOUNT_TIMEOUT = 8.0
"""Seconds that the kernel may take to say which volume the archive is on."""


class SourceSurveys:
    """Has the engine survey sources for the screen `screen`, and shows the results in its panes."""

    def __init__(self, screen: "Choosing") -> None:
        self._screen = screen
        self._counting: asyncio.Task[None] | None = None
        self._glancing: asyncio.Task[None] | None = None
        self.picked_by_app: SourceRow | None = None
        """The card that was picked by itself, until it is known whether anything on it is new."""

    def count_again(self) -> None:
        """Survey the picked sources once the choices rest, because a choice has changed."""
        choice, prospect = self._screen.choice, self._screen.query_one(Prospect)
        prospect.names = {
            display(request.source): request.label or os.path.basename(request.source)
            for request in choice.requests()
        }
        prospect.warnings = cautions(choice)
        prospect.trouble = ""
        prospect.archive = choice.archive
        if self._counting is not None:
            self._counting.cancel()
        prospect.counting = bool(choice.picked)
        if prospect.counting:
            self._counting = self._screen.begin(self._count())
        else:
            prospect.surveys = ()

    async def _count(self) -> None:
        await asyncio.sleep(TYPING_PAUSE)
        screen = self._screen
        prospect, archive = screen.query_one(Prospect), screen.choice.archive
        requests = screen.choice.requests()
        await self._find_archive(archive)
        prospect.warnings = cautions(screen.choice)
        try:
            prospect.surveys = surveys = await screen.lading.connection.survey(requests)
        except LadingError as error:
            prospect.trouble = str(error)
        else:
            self._share(requests, surveys, archive)
        snapshot = screen.lading.snapshot
        prospect.now = snapshot.time if snapshot else time.time()
        prospect.counting = False
        prospect.draw()
        screen.query_one(Sources).draw()
        screen.query_one(Form).draw()

    async def _find_archive(self, archive: str) -> None:
        """Ask the kernel which volume the archive is on."""
        choice = self._screen.choice
        if archive and choice.archive_mount[0] != archive:
            with suppress(TimeoutError):
                # A new archive is made in the parent folder.
                places = os.fsencode(archive), os.fsencode(os.path.dirname(archive))
                point = await aside(lambda: mount_of(places[0]) or mount_of(places[1]), MOUNT_TIMEOUT)
                self._screen.choice.archive_mount = archive, point

    def _share(self, requests: list[ImportRequest], surveys: Sequence[Survey], archive: str) -> None:
        """Give the surveys of whole sources to these sources' rows, and the form the questions that they bring
        up."""
        screen = self._screen
        by_path = {survey.source: survey for survey in surveys}
        whole = {source.path: source for source in screen.choice.picked if source.picked and not source.out}
        for request in requests:
            if request.source in whole and display(request.source) in by_path:
                source = whole[request.source]
                source.glance, source.compared = by_path[display(request.source)], archive
        picked, self.picked_by_app = self.picked_by_app, None
        if picked is not None and not screen.touched and picked.glance and not picked.glance.new.files:
            # Nothing on the card is new, so it is hardly the one to be imported.
            picked.picked = False
            screen.changed()
        found = screen.query_one(Form).found
        found.update(name for name in ("libraries", "icloud") if any(getattr(one, name) for one in surveys))
        found.update("icloud" for one in surveys if one.icloud_folders)

    def glance(self) -> None:
        """Count what is new on cards of which nothing is picked."""
        if self._screen.choice.archive and (self._glancing is None or self._glancing.done()):
            self._glancing = self._screen.begin(self._glance_at_cards())

    async def _glance_at_cards(self) -> None:
        """Survey one card after the other, each once for an archive."""
        screen = self._screen
        while waiting := [source for source in screen.choice.cards if self._is_to_be_glanced_at(source)]:
            source = waiting[0]
            source.compared, source.glance = screen.choice.archive, None
            with suppress(LadingError):
                (survey,) = await screen.lading.connection.survey([screen.choice.all_of(source)])
                if source.compared == screen.choice.archive:
                    source.glance = survey
            screen.query_one(Sources).draw()

    def _is_to_be_glanced_at(self, source: SourceRow) -> bool:
        answers = source.volume is not None and source.volume.answers
        return answers and not source.chosen and source.compared != self._screen.choice.archive

    def forget_failures(self) -> None:
        """Have `glance` survey again the cards that could not be surveyed without an engine."""
        for source in self._screen.choice.cards:
            if source.glance is None:
                source.compared = ""
