"""Printing the locations of an archive as a table."""

from typing import TYPE_CHECKING

from tui.console.output import Output

if TYPE_CHECKING:
    from core.details import LocationView


def tell(found: "list[LocationView]", out: Output) -> None:
    """Print a row for each location, then why bags are open, and what junk others have."""
    from core.results import junk_sentence
    from tui import format

    rows = [["NAME", "FOLDER", "FILES", "SIZE", "BAG", "POSITION", "DESCRIPTION"]]
    for one in found:
        place = (
            f"{one.latitude:g},{one.longitude:g}"
            if one.latitude is not None and one.longitude is not None
            else "-"
        )
        bag = "sealed" if one.sealed is not None else "open"
        counted = [format.number(one.files), format.size(one.bytes)] if one.counted else ["-", "-"]
        row = [out.text(one.name), one.folder, *counted, bag, place]
        rows.append([*row, out.text(one.description) or "-"])
    out.table(rows)
    for one in found:
        if one.sealed is None:
            out.line(f"{out.text(one.name)} is open: {out.text(one.note)}")
        elif told := junk_sentence(one.junk):
            out.line(f"{out.text(one.name)}: {told}.")
