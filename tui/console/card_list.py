"""Printing the cards as a table."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui.console.output import Output

if TYPE_CHECKING:
    from core.results import CardView


def still(which: str) -> str:
    """The note that a verdict was reached at the end of an import, and how to find out whether it still holds.
    `which`: the option that `which_archive` gives."""
    return f"SAFE is said of what was on the card then. Is it still so? lading check SRC{which}"


def damaged(which: str) -> str:
    """The advice about files that are damaged since; `which`: the option that `which_archive` gives."""
    return f"What is damaged since: lading audit{which} names it, lading audit{which} --heal SRC brings it again."


def which_archive(archives: Iterable[str], configured: str | None) -> str:
    """The option by which an advised command names the archive of a list; empty where that is the configured one.

    Without the option, the command would be refused where no archive is configured, and be about another archive
    where another one is.
    """
    import shlex

    held = set(archives)
    if held <= {configured}:
        return ""
    return f" --archive {shlex.quote(held.pop())}" if len(held) == 1 else " --archive DIR"


def tell(found: "list[CardView]", out: Output, configured: str | None) -> None:
    """Print a row for each card, and what the verdict does not say; `configured`: the archive of the
    configuration."""
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
    if broken := [one.archive for one in found if one.damaged]:
        out.line(out.text(damaged(which_archive(broken, configured))))
    out.line(out.text(still(which_archive((one.archive for one in found), configured))))


def of_volume(cards: "Iterable[CardView]", identity: str) -> "list[CardView]":
    """The newest imports of a volume and of its folders; none where the volume has no identity."""
    return [card for card in cards if card.identity == identity != ""]


def of_all(cards: "Iterable[CardView]") -> "CardView | None":
    """The newest import of the whole volume, of those of one volume; None if there is none. A verdict on a folder
    says nothing of the rest."""
    return next((card for card in cards if not card.below), None)


def verdict(one: "CardView") -> str:
    """The verdict at the import's end, with the damage that was found since: SAFE alone would not say that."""
    from tui import format

    word = str(one.verdict) or (format.EMPTY if one.state == "done" else one.state)
    return format.damaged_since(one.damaged, word)
