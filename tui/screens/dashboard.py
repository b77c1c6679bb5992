"""The dashboard: everything that is happening now, in five panes."""

import os
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from core.models import State
from core.snapshot import Arrival, ImportView, MirrorView, Snapshot
from core.words import counted
from tui.screens import key_reasons, queue_controls
from tui.screens.base import BACK, HELP, LEAVE, Base, bindings
from tui.screens.import_controls import RETRY
from tui.widgets.cards import Cards
from tui.widgets.errors import Errors
from tui.widgets.header import Header
from tui.widgets.in_flight import InFlight
from tui.widgets.keys import Key, Keys
from tui.widgets.pane import Pane, SnapshotPane
from tui.widgets.queues import QueueRow, Queues
from tui.widgets.throughput import Throughput

PAUSE = Key(key="p", label="pause", does="pause", about="pause what is chosen, or let it go on")
NUMBER_KEYS = Key(key="1,2,3,4,5", label="panes", does="pane", about="go to a pane", shown=False, face="1 to 5")


class Dashboard(Base[None]):
    """Shows snapshots, and passes a person's commands to the app."""

    NAME = "dashboard"
    ABOUT = "Everything that is happening now."
    KEYS: ClassVar[tuple[Key, ...]] = (
        PAUSE,
        Key(key="x", label="cancel", does="cancel", about="end what is chosen as it is; asks first"),
        RETRY,
        Key(
            key="plus,equals_sign",
            label="more",
            does="more",
            about="in enlarged queues: one slot more",
            shown=False,
        ),
        Key(key="minus", label="less", does="less", about="in enlarged queues: one slot less", shown=False),
        Key(key="n", label="new", does="new", about="a new import"),
        Key(key="i", label="imports", does="imports", about="all imports, their files and receipts"),
        Key(key="slash", label="find", does="find", about="find files in the archive"),
        Key(
            key="enter",
            label="zoom",
            does="zoom",
            about="enlarge the pane; a card that waits: import it; a queue: its failed jobs",
        ),
        Key(key="t", label="tasks", does="tasks", about="check, restore, audit, heal, mirror, settings"),
        Key(key="e", label="eject", does="eject", about="eject the card of an import that has ended"),
        Key(key="v", label="receipt", does="receipt", about="the bill of lading of an import that has ended"),
        Key(key="d", label="dismiss", does="dismiss", about="do not show an ended import any more", shown=False),
        Key(key="y", label="copy", does="copy", about="copy the path: of the file, the newest error, the source"),
        NUMBER_KEYS,
        Key(key="escape", label="back", does="back", about=BACK.about, shown=False),
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings([key for key in KEYS if key is not NUMBER_KEYS]),
        *(Binding(str(number), f"pane({number})", show=False) for number in range(1, 6)),
        Binding("left,h", "beside(-1)", show=False),
        Binding("right,l", "beside(1)", show=False),
    ]
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

    # What is shown

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
    def enlarged(self) -> bool:
        """Whether one pane fills the screen."""
        return self.has_class("enlarged")

    # What keys do

    def face(self, key: Key) -> Key:
        """In the enlarged queues the keys for their slots are shown."""
        steers = key.does in ("more", "less") and self.steers_queues
        return msgspec.structs.replace(key, shown=True) if steers else key

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        if does in ("pause", "cancel", "retry", "dismiss", "more", "less") and self.lading.trouble:
            return self.lading.away
        queues = isinstance(self.pane, Queues)
        if does in ("more", "less") or (queues and does in ("pause", "retry")):
            if not self.steers_queues:
                return f"Enlarge the queues first: 3, {self.key('zoom')}."
            return queue_controls.why_not(self.place, does)
        if queues and does in WHY_NOT:
            return "That is about an import: choose it first, 1."
        if does in WHY_NOT and self.card is not None:
            return f"No import of that card was begun yet: {self.key('zoom')} begins one."
        if does in WHY_NOT and self.mirror is not None:
            return self._why_not_mirror(self.mirror, does)
        if does in WHY_NOT:
            return WHY_NOT[does](self.chosen)
        if does == "back" and not self.enlarged:
            return "All panes are shown already."
        if does == "copy" and not self.path:
            return "There is no path here."
        if does == "zoom" and self.steers_queues:
            failed = self.place is not None and self.place.queue and self.place.dead
            return "" if failed else "No job of this queue has failed for good."
        if does == "zoom" and self.enlarged and not isinstance(self.pane, Cards | Errors):
            return f"It is enlarged already; {self.key('back')} goes back."
        return ""

    def _why_not_mirror(self, mirror: MirrorView, does: str) -> str:
        if does not in ("pause", "cancel"):
            return f"That is a mirror: {self.key('pause')} pauses it, {self.key('cancel')} cancels it."
        return f"The mirror to {mirror.label} has ended." if mirror.ended is not None else ""

    @property
    def steers_queues(self) -> bool:
        """Whether keys act on the chosen queue."""
        return self.enlarged and isinstance(self.pane, Queues)

    @property
    def place(self) -> QueueRow | None:
        """The chosen stage or queue."""
        return self.query_one(Queues).chosen

    async def _steer(self, does: str) -> None:
        """Carry out a key about the chosen queue, if one is chosen."""
        if self.place is not None:
            await queue_controls.steer(self, self.place, does)

    async def do_more(self) -> None:
        """Add one slot to the chosen queue."""
        await self._steer("more")

    async def do_less(self) -> None:
        """Remove one slot from the chosen queue."""
        await self._steer("less")

    async def do_pause(self) -> None:
        """Pause or resume the chosen import or queue."""
        if self.steers_queues:
            await self._steer("pause")
            return
        view = self.mirror or self.chosen
        if view is None:
            return
        if view.state is State.PAUSED:
            self.say(f"{view.label} goes on.", "good")
            await self.lading.resume(view.id)
        else:
            self.say(f"Pausing {view.label}.", "warn")
            await self.lading.pause(view.id)

    async def do_retry(self) -> None:
        """Retry failed files, in the pane of errors those of the chosen cause; else resume a paused import.

        In the enlarged queues, retry dead jobs.
        """
        view, pane = self.chosen, self.pane
        group = pane.chosen if isinstance(pane, Errors) else None
        if self.steers_queues:
            await self._steer("retry")
        elif group is not None and group.queue:
            count = await self.lading.connection.retry(group.queue, cause=group.cause)
            self.say(f"{counted(count, 'job')} of {group.queue} tried again.", "good")
        elif view is not None and view.state is State.PAUSED and group is None:
            await self.do_pause()
        elif view is not None:
            self.say(f"Taking {view.label} up.")
            count = await self.lading.retry(view.id, cause=group.cause if group else "")
            self.say(f"{counted(count, 'file')} of {view.label} tried again.", "good")

    def do_cancel(self) -> None:
        """Ask, then cancel the import or mirror."""
        view = self.mirror or self.chosen
        if view is None:
            return
        # Imported on demand, so that the first screen appears sooner.
        from tui.screens import questions
        from tui.screens.confirm import MOOT

        name, label = view.id, view.label

        def answered(yes: bool | None) -> None:
            if yes:
                self.say(f"Cancelling {label}.", "warn")
                self.lading.begin(self.lading.cancel(name))
            elif yes is None:
                self.say(f"{label} {MOOT}")

        if isinstance(view, ImportView):
            asks = questions.cancel(partial(self.lading.newest_import, view), self.glyphs)
        else:
            asks = questions.cancel_mirror(partial(self.lading.newest_mirror, view), self.glyphs)
        self.app.push_screen(asks, answered)

    async def do_dismiss(self) -> None:
        """Show an ended import no longer; it stays in the list of imports."""
        # Imported on demand, so that the first screen appears sooner.
        from core.protocol.import_requests import DismissImport

        if (view := self.chosen) is not None:
            await self.lading.connection.call(DismissImport(id=view.id))
            self.lading.draw_at_once()
            self.say(f"{view.label} is in the imports: {self.key('imports')}.", "good")

    def do_eject(self) -> None:
        """Eject the card."""
        # Imported on demand, so that the first screen appears sooner.
        from tui.screens.eject_card import eject_card

        view = self.chosen
        if view is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.say(f"Ejecting {view.label}.", "warn")
                self.lading.begin(eject_card(self, view))

        if view.unopenable.files:
            from tui.screens import questions

            self.app.push_screen(questions.eject(partial(self.lading.newest_import, view), self.glyphs), answered)
        else:
            answered(True)

    def do_receipt(self) -> None:
        """Show the receipt."""
        if self.chosen is not None:
            self.lading.open_receipt(self.chosen.id)

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

    def do_copy(self) -> None:
        """Copy the path."""
        self.lading.copy(self.path)

    def do_new(self) -> None:
        """Open a new import; if a card is chosen, for that card."""
        self.lading.open_new(self.card)

    def do_imports(self) -> None:
        """Open the list of imports."""
        self.lading.open("imports")

    def do_tasks(self) -> None:
        """Open the list of tasks on the archive."""
        self.lading.open("tasks")

    def do_find(self) -> None:
        """Open the search."""
        self.lading.open("find")

    def do_zoom(self) -> None:
        """Enlarge the pane; if the cards or errors are enlarged, open the import; for a card that waits, open a
        new import."""
        if self.card is not None:
            self.lading.open_new(self.card)
        elif self.enlarged:
            # Imported on demand, so that the first screen appears sooner.
            from tui.screens import list_tasks

            group = self.pane.chosen if isinstance(self.pane, Errors) else None
            if group is not None and group.queue:
                list_tasks.jobs(self, group.queue)
            elif self.steers_queues and self.place is not None:
                list_tasks.jobs(self, self.place.queue)
            elif self.chosen is not None:
                self.lading.open_import(self.chosen.id, failed=isinstance(self.pane, Errors))
        else:
            self._enlarge(self.pane)

    def do_back(self) -> None:
        """Show all panes again."""
        if self.enlarged:
            self._enlarge(None)

    def action_pane(self, number: int) -> None:
        """Focus a pane; while one is enlarged, or where a small screen has no room for it, enlarge that one."""
        pane = next(pane for pane in self.query(Pane) if number == pane.NUMBER)
        if self.enlarged or (self.has_class("-low") and not isinstance(pane, Cards)):
            self._enlarge(pane)
        self.set_focus(pane)

    def action_beside(self, by: int) -> None:
        """Focus the next or the previous pane."""
        self.action_pane((self.pane.NUMBER - 1 + by) % 5 + 1)

    def _enlarge(self, chosen: Pane | None) -> None:
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


WHY_NOT: dict[str, Callable[[ImportView | None], str]] = {
    "pause": key_reasons.steering,
    "cancel": key_reasons.steering,
    "retry": key_reasons.retrying,
    "eject": key_reasons.ejecting,
    "dismiss": key_reasons.dismissing,
    "receipt": key_reasons.reading,
}
"""Functions with reasons against keys that act on the chosen import."""
