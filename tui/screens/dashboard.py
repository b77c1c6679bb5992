"""The dashboard: what its keys do to the import, mirror, card or queue that is chosen."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType

from core.models import State
from core.snapshot import ErrorGroup, ImportView, MirrorView
from core.words import counted
from tui.screens import key_reasons, queue_controls
from tui.screens.base import BACK, HELP, LEAVE, bindings
from tui.screens.dashboard_panes import DashboardPanes
from tui.screens.import_controls import RETRY
from tui.widgets.cards import Cards
from tui.widgets.errors import Errors
from tui.widgets.keys import Key
from tui.widgets.queues import Queues

PAUSE = Key(key="p", label="pause", does="pause", about="pause what is chosen, or let it go on")
NUMBER_KEYS = Key(key="1,2,3,4,5", label="panes", does="pane", about="go to a pane", shown=False, face="1 to 5")


class Dashboard(DashboardPanes):
    """Passes a person's commands about what is chosen to the app."""

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
            return queue_controls.why_not(self.chosen_queue, does)
        if queues and does in REASONS:
            return "That is about an import: choose it first, 1."
        if does == "retry" and self.background_cause is not None:
            return ""
        if does in REASONS and self.card is not None:
            return f"No import of that card was begun yet: {self.key('zoom')} begins one."
        if does in REASONS and self.mirror is not None:
            return self._why_not_mirror(self.mirror, does)
        if does in REASONS:
            return REASONS[does](self.chosen)
        if does == "back" and not self.is_enlarged:
            return "All panes are shown already."
        if does == "copy" and not self.path:
            return "There is no path here."
        if does == "zoom" and self.steers_queues:
            failed = self.chosen_queue is not None and self.chosen_queue.queue and self.chosen_queue.dead
            return "" if failed else "No job of this queue has failed for good."
        if does == "zoom" and self.is_enlarged and not isinstance(self.pane, Cards | Errors):
            return f"It is enlarged already; {self.key('back')} goes back."
        return ""

    @property
    def background_cause(self) -> ErrorGroup | None:
        """The chosen cause in the pane of errors, if it is one of background work, of whichever import."""
        group = self.pane.chosen if isinstance(self.pane, Errors) else None
        return group if group is not None and group.queue else None

    def _why_not_mirror(self, mirror: MirrorView, does: str) -> str:
        if does not in ("pause", "cancel"):
            return f"That is a mirror: {self.key('pause')} pauses it, {self.key('cancel')} cancels it."
        return f"The mirror to {mirror.label} has ended." if mirror.ended is not None else ""

    async def _steer_queue(self, does: str) -> None:
        """Carry out a key about the chosen queue, if one is chosen."""
        if self.chosen_queue is not None:
            await queue_controls.steer(self, self.chosen_queue, does)

    async def do_more(self) -> None:
        """Add one slot to the chosen queue."""
        await self._steer_queue("more")

    async def do_less(self) -> None:
        """Remove one slot from the chosen queue."""
        await self._steer_queue("less")

    async def do_pause(self) -> None:
        """Pause or resume the chosen import or queue."""
        if self.steers_queues:
            await self._steer_queue("pause")
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
            await self._steer_queue("retry")
        elif (background := self.background_cause) is not None:
            count = await self.lading.connection.retry(background.queue, cause=background.cause)
            self.say(f"{counted(count, 'job')} of {background.queue} tried again.", "good")
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
        from tui.screens.confirm import ENDED_MEANWHILE

        name, label = view.id, view.label

        def answered(yes: bool | None) -> None:
            if yes:
                self.say(f"Cancelling {label}.", "warn")
                self.lading.begin(self.lading.cancel(name))
            elif yes is None:
                self.say(f"{label} {ENDED_MEANWHILE}")

        if isinstance(view, ImportView):
            question = questions.cancel_question(partial(self.lading.newest_import, view), self.glyphs)
        else:
            question = questions.cancel_mirror_question(partial(self.lading.newest_mirror, view), self.glyphs)
        self.app.push_screen(question, answered)

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

            self.app.push_screen(
                questions.eject_question(partial(self.lading.newest_import, view), self.glyphs), answered
            )
        else:
            answered(True)

    def do_receipt(self) -> None:
        """Show the receipt."""
        if self.chosen is not None:
            self.lading.open_receipt(self.chosen.id)

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
        elif self.is_enlarged:
            # Imported on demand, so that the first screen appears sooner.
            from tui.screens import list_tasks

            group = self.pane.chosen if isinstance(self.pane, Errors) else None
            if group is not None and group.queue:
                list_tasks.jobs(self, group.queue)
            elif self.steers_queues and self.chosen_queue is not None:
                list_tasks.jobs(self, self.chosen_queue.queue)
            elif self.chosen is not None:
                self.lading.open_import(self.chosen.id, failed=isinstance(self.pane, Errors))
        else:
            self.enlarge(self.pane)

    def do_back(self) -> None:
        """Show all panes again."""
        if self.is_enlarged:
            self.enlarge(None)


REASONS: dict[str, Callable[[ImportView | None], str]] = {
    "pause": key_reasons.why_not_steer,
    "cancel": key_reasons.why_not_steer,
    "retry": key_reasons.why_not_retry,
    "eject": key_reasons.why_not_eject,
    "dismiss": key_reasons.why_not_dismiss,
    "receipt": key_reasons.why_not_read,
}
"""For each key that acts on the chosen import, the function that returns the reason against it."""
