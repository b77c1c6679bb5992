"""Cards that wait, in words, for commands and the app."""

from core import words
from core.snapshot import Arrival
from tui import format


def counted(card: Arrival) -> str:
    """How many files on the card are new, and how many duplicates; if they are not counted, why."""
    if not card.counted:
        return card.note or "counting"
    return f"{format.number(card.new.files)} new, {words.counted(card.duplicate.files, 'duplicate')}"


def says(card: Arrival, now: float, begin: str) -> str:
    """The counts, then the countdown, the note, or `begin`: the words on how to begin the import. `now`: seconds
    since the epoch."""
    told = counted(card)
    if card.starts is not None:
        return f"{told}; {card.preset} begins in {max(0, round(card.starts - now))} s"
    if card.counted and card.note:
        return f"{told}; {card.note}"
    return f"{told}; {begin}" if card.counted and card.new.files else told
