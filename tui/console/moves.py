"""Printing the result of moving an import for a person."""

from typing import TYPE_CHECKING

from core.words import count_clause, counted
from tui import format
from tui.console.output import Output

if TYPE_CHECKING:
    from core.results import Moved


def tell(moved: "Moved", out: Output) -> None:
    """Print the import's new location, and how many files were moved, copied and kept."""
    told = [f"{counted(moved.files, 'file')} moved ({format.size(moved.bytes)})"]
    if moved.copied:
        told.append(f"{moved.copied} copied")
    if moved.kept:
        told.append(count_clause(moved.kept, "stay where other imports need them"))
    out.line(f"{moved.id} is in {out.text(moved.location)}: {', '.join(told)}.")
