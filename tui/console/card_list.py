"""Printing the cards as a table."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui.console.output import Output

if TYPE_CHECKING:
    from core.results import CardView

THEN = "SAFE is said of what was on the card then. Is it still so? lading check SRC"

DAMAGE_ADVICE = "What is damaged since: lading audit names it, lading audit --heal SRC brings it again."


def tell(found: "list[CardView]", out: Output) -> None:
    """Print a row for each card, and what the verdict does not say."""
    import os

    from tui import format

    rows = [["CARD", "VERDICT", "OF", "ARCHIVE", "LOCATION", "REASON"]]
    rows += [
        [
            out.text(one.label),
            verdict(one),
            format.moment(one.ended or one.started),
            out.text(os.path.basename(one.archive.rstrip("/")) or one.archive),
            out.text(one.location),
            out.text(one.reason) or "-",
        ]
        for one in found
    ]
    out.table(rows)
    if any(one.damaged for one in found):
        out.line(DAMAGE_ADVICE)
    out.line(THEN)


def of_volume(cards: "Iterable[CardView]", identity: str) -> "list[CardView]":
    """The newest imports of a volume and of its folders; none where the volume has no identity."""
    return [card for card in cards if card.identity == identity != ""]


def of_all(cards: "Iterable[CardView]") -> "CardView | None":
    """The newest import of the whole volume, of those of one volume; None if there is none. A verdict on a folder
    says nothing of the rest."""
    return next((card for card in cards if not card.below), None)


def verdict(one: "CardView") -> str:
    """The verdict of then; with what is known since, because of that SAFE says nothing."""
    from tui import format

    word = str(one.verdict) or (format.EMPTY if one.state == "done" else one.state)
    return format.damaged_since(one.damaged, word)
