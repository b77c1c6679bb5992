"""Ejecting a card, for the command and the app: what must not go with it, what is asked, and what is told."""

from collections.abc import Iterable

from core.config import Config, all_archives
from core.models import State, Unopenable, Verdict
from core.results import CardView, InUse
from core.volumes.volume import is_reliable_identity
from tui import format


def held_archives(settings: Config, held: InUse, shown: Iterable[str] = ()) -> list[str]:
    """The archives that are not ejected: those in use, those of the imports that are `shown`, and the configured
    ones, into which the next import goes."""
    return sorted({*held.archives, *shown, *all_archives(settings)})


def asks(unopenable: Unopenable) -> list[str]:
    """Why a person is asked before a card is ejected: not all of its archived files can be opened. Empty: nobody
    is."""
    if not unopenable.files:
        return []
    return [
        f"{format.unopenable(unopenable)}.",
        "They are archived as they are on the card. Can they be opened there, in the camera?",
    ]


def keep(verdict: Verdict, state: str) -> str:
    """What to say of a card that was ejected, by its newest import; empty: all of it is archived."""
    if verdict is Verdict.SAFE:
        return ""
    if state == State.DONE and verdict is Verdict.OPEN:
        return "Nothing was found on it."
    return "Keep what is on it: not all is archived."


def keep_of(card: CardView | None, identity: str) -> str:
    """What to say of a volume with this identity that was ejected; card: the newest import of all of it."""
    if card is None:
        return "Keep what is on it: no import of all of it is known."
    if said := keep(card.verdict, card.state):
        return said
    if not is_reliable_identity(identity):
        return NO_IDENTITY
    return f"Keep what is on it: {format.damaged_since(card.damaged)} in the archive." if card.damaged else ""


NO_IDENTITY = (
    "Keep what is on it until it is checked: it has no serial number, so another card in its place looks the same."
)
"""What to say instead, when the volume's identity is not its own."""


def gone(label: str, keep: str, card: CardView | None = None) -> str:
    """What is told of a card that was ejected. `card`, if known: its newest import, of which the time of SAFE is
    told, because a camera may have written to it since."""
    since = f"SAFE as of {format.moment(card.ended or card.started)}." if card and not keep else keep
    return f"{label} can be taken out.{' ' if since else ''}{since}"
