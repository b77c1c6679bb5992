"""Ejecting the card of an import that has ended, from the dashboard."""

from typing import Any

from core.errors import EjectError
from core.protocol.import_requests import ListCards, ListInUse
from core.snapshot import ImportView
from core.threads import aside
from core.volumes.eject import COMMAND_TIMEOUT, eject
from tui.console import card_list, ejecting
from tui.console.named_volume import named
from tui.screens.base import Base


async def eject_card(screen: Base[Any], view: ImportView) -> None:
    """Eject the volume that is mounted where the import `view` read its source, and say on the top screen what was
    ejected, and whether its files should be kept. Raises LadingError."""
    app = screen.lading
    # The catalog also knows the imports that an earlier engine has left paused.
    held = await app.connection.call(ListInUse())
    shown = {other.archive for other in (app.snapshot.imports if app.snapshot else ())} | {view.archive}
    archives = ejecting.held_archives(app.settings, held, shown)
    try:
        # Another card may have been put in since the import: the message is about the one that is there now.
        there = await aside(lambda: named(view.source, app.volumes(), ()), COMMAND_TIMEOUT)
        cards = card_list.of_volume(await app.connection.call(ListCards()), there.identity)
        await aside(lambda: eject(view.source, held.sources, archives), 2 * COMMAND_TIMEOUT + 1)
    except TimeoutError as error:
        raise EjectError(f"{view.label} does not answer.", "Try again, or eject it by hand.") from error
    own = next((card for card in cards if card.import_id == view.id), None)
    label, keep, card = view.label, ejecting.keep(view.verdict, view.state), None
    if there.identity:
        label = view.label if own else there.label
        card = own or card_list.of_all(cards)
        keep = ejecting.keep_of(card, there.identity)
    if isinstance(app.screen, Base):
        app.screen.say(ejecting.gone(label, keep, card), "warn" if keep else "good")
