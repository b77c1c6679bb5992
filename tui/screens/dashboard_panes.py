"""The five panes of the dashboard: their places, what is chosen in them, and which of them fills the screen."""

import os

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from core.snapshot import Arrival, ImportView, MirrorView, Snapshot
from tui.screens.base import Base
from tui.widgets.cards import Cards
from tui.widgets.errors import Errors
from tui.widgets.header import Header
from tui.widgets.in_flight import InFlight
from tui.widgets.keys import Keys
from tui.widgets.pane import Pane, SnapshotPane
from tui.widgets.queues import QueueRow, Queues
from tui.widgets.throughput import Throughput


class DashboardPanes(Base[None]):
    """Shows snapshots in the panes. The keys are in `Dashboard`."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-middle"), (34, "-tall"), (50, "-high")]  # noqa: RUF012 - Textual's

    def compose(self) -> ComposeResult:
        """The header, the panes and the keys."""
        glyphs = self.glyphs
        yield Header(glyphs, id="header")
        with Vertical(id="panes"):
            yield Cards(glyphs, id="cards")
            yield Throughput(glyphs, id="throughput")
            with Horizontal(id="below"):
                yield Queues(glyphs, id="queues")
                with Vertical(id="right"):
                    yield InFlight(glyphs, id="in-flight")
                    yield Errors(glyphs, id="errors")
        yield Keys(glyphs)

    def on_mount(self) -> None:
        """Focus the cards."""
        self.set_focus(self.query_one(Cards))

    def draw_snapshot(self, snapshot: Snapshot | None) -> None:
        """Show another snapshot."""
        self.query_one(Header).show(snapshot, self.lading.trouble)
        if snapshot is not None:
            self._fit_cards(len(snapshot.arrivals) + len(snapshot.imports) + len(snapshot.mirrors))
            for pane in self.query(SnapshotPane):
                pane.show(snapshot)

    def _fit_cards(self, count: int) -> None:
        """Make the pane of cards as high as its `count` rows, but at most a third of the screen."""
        height = min(max(count, 3) + 1, max(4, self.size.height // 3))
        cards = self.query_one(Cards)
        if not cards.enlarged and (cards.styles.height is None or cards.styles.height.value != height):
            cards.styles.height = height

    def on_pane_chosen(self) -> None:
        """Update the keys, because other ones can be used for another row."""
        self.draw_keys()

    def on_pane_opened(self) -> None:
        """A double click acts as Enter."""
        self.call_later(self.action_do, "zoom")

    @property
    def pane(self) -> SnapshotPane:
        """The focused pane."""
        return self.focused if isinstance(self.focused, SnapshotPane) else self.query_one(Cards)

    @property
    def chosen(self) -> ImportView | None:
        """The import that keys act on: that of the chosen row."""
        pane = self.pane
        if isinstance(pane, Errors | InFlight) and pane.chosen is not None:
            name = pane.chosen.import_id
            return next((view for view in pane.snapshot.imports if view.id == name), None)
        return self.query_one(Cards).chosen

    @property
    def mirror(self) -> MirrorView | None:
        """The mirror that keys act on: that of the chosen row."""
        return self.pane.chosen_mirror if isinstance(self.pane, Cards) else None

    @property
    def card(self) -> Arrival | None:
        """The card that keys act on, if the chosen row is a card of which no import has begun; else None."""
        return self.pane.chosen_card if isinstance(self.pane, Cards) else None

    @property
    def is_enlarged(self) -> bool:
        """Whether one pane fills the screen."""
        return self.has_class("enlarged")

    @property
    def steers_queues(self) -> bool:
        """Whether keys act on the chosen queue."""
        return self.is_enlarged and isinstance(self.pane, Queues)

    @property
    def chosen_queue(self) -> QueueRow | None:
        """The chosen row of the queues: a stage or a queue."""
        return self.query_one(Queues).chosen

    @property
    def path(self) -> str:
        """The path that `y` copies: that of the chosen row."""
        if self.card is not None:
            return self.card.source
        if self.mirror is not None:
            return self.mirror.target
        pane, view = self.pane, self.chosen
        if isinstance(pane, Queues) or (
            isinstance(pane, Errors | InFlight) and (pane.chosen is None or view is None)
        ):
            return ""
        below = pane.chosen.newest if isinstance(pane, Errors) and pane.chosen else ""
        if isinstance(pane, InFlight) and pane.chosen:
            below = pane.chosen.path
        return os.path.join(view.source, below).rstrip("/") if view is not None else ""

    # Which panes are shown

    def action_pane(self, number: int) -> None:
        """Focus a pane; while one is enlarged, or where a small screen has no room for it, enlarge that one."""
        pane = next(pane for pane in self.query(Pane) if number == pane.NUMBER)
        if self.is_enlarged or (self.has_class("-low") and not isinstance(pane, Cards)):
            self.enlarge(pane)
        self.set_focus(pane)

    def action_beside(self, by: int) -> None:
        """Focus the next pane (`by` is 1) or the previous one (-1)."""
        self.action_pane((self.pane.NUMBER - 1 + by) % 5 + 1)

    def enlarge(self, chosen: Pane | None) -> None:
        """Have one pane fill the screen; None: show all panes again."""
        self.set_class(chosen is not None, "enlarged")
        self.query_one(Cards).styles.height = "1fr" if isinstance(chosen, Cards) else 4
        for pane in self.query(Pane):
            pane.enlarged = pane is chosen
            pane.set_class(pane is chosen, "-enlarged")
        right = self.query_one("#right")
        right.set_class(isinstance(chosen, InFlight | Errors), "-enlarged")
        below = self.query_one("#below")
        below.set_class(isinstance(chosen, Queues | InFlight | Errors), "-enlarged")
        if chosen is None and self.has_class("-low"):
            self.set_focus(self.query_one(Cards))
        self.call_after_refresh(self._draw_panes)

    def _draw_panes(self) -> None:
        self.draw_snapshot(self.lading.snapshot)
        self.draw_keys()
