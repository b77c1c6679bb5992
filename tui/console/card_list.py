"""Printing the cards as a table."""

from typing import TYPE_CHECKING

from tui.console.output import Output

if TYPE_CHECKING:
    from core.results import CardView


def tell(found: "list[CardView]", out: Output) -> None:
    """Print a row for each card, and what the verdict does not say."""
    import os

    from tui import format

    rows = [["CARD", "VERDICT", "OF", "ARCHIVE", "LOCATION", "REASON"]]
    rows += [
        [
            out.text(one.label),
            str(one.verdict) or (format.EMPTY if one.state == "done" else one.state),
            format.moment(one.ended or one.started),
            out.text(os.path.basename(one.archive.rstrip("/")) or one.archive),
            out.text(one.location),
            out.text(one.reason) or "-",
        ]
        for one in found
    ]
    out.table(rows)
    out.line("SAFE is said of what was on the card then. Is it still so? lading check SRC")
