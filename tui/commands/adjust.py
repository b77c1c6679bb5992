"""lading adjust: corrects capture dates."""

import argparse
import os
import re
from typing import TYPE_CHECKING

from core.words import counted
from tui.console.exits import Exit, StoppedError
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.results import Adjusted, Correction

NAME = "adjust"
HELP = "correct capture dates: a clock that was wrong, or the zone of the place"

NAMED = 20
"""The most files that are named to a person."""

UNKNOWN_END = "Dates may be corrected already: lading adjust … --undo --dry-run shows the last correction of them."
"""The advice where a correction was begun and its end is not known: the same shift given again is one more."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Corrects when photos and films were taken: of an import, of a card, or of all that fits a search, as in "
        "`lading find`. The archived files stay as they are: corrections stand in the archive's journals and in "
        "the catalog. Search, `show`, figures and `restore --by-date` follow them. What has a day alone stays."
    )
    parser.add_argument(
        "words",
        nargs="+",
        metavar="IMPORT|CARD|QUERY",
        help="an import's id, a card's label, or what to search for",
    )
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--shift", metavar="SPAN", help="later by +1h, or earlier: -1h30m, -2d, -0:30")
    how.add_argument(
        "--zone",
        metavar="ZONE",
        help="the place's zone, Europe/Berlin or +02:00: what is known as a moment is told by its clock; a "
        "camera's clock of unknown zone was one of it",
    )
    how.add_argument(
        "--camera-clock",
        metavar="PAIR",
        help='what the camera said, and what it was: "2024-01-01 00:00 = 2025-06-14 15:02"; also of a clock that '
        "was never set",
    )
    how.add_argument("--undo", action="store_true", help="take back the last correction of these files")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    # A span may begin with a minus: argparse takes no text for an option that this pattern for negative numbers
    # matches.
    parser._negative_number_matcher = re.compile(r"-\d.*")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Correct, and print the result."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.errors import EngineLostError
    from core.protocol.archive_requests import AdjustDates
    from tui.commands.find import quoted
    from tui.console import import_selection
    from tui.console.attached import perform

    how = _correction(options)
    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    engine = Client(settings)
    text = options.words[0] if len(options.words) == 1 else " ".join(map(quoted, options.words))
    request = AdjustDates(text=text, correction=how, by=settings.operator, dry=options.dry_run)
    try:
        found = asyncio.run(perform(engine, lambda: engine.call(request)))
    except (EngineLostError, StoppedError) as error:
        if not options.dry_run:
            error.advice = UNKNOWN_END
        raise
    if options.json:
        console.out.json(found, indent=2)
    else:
        tell(found, console.out)
    return Exit.WELL


def _correction(options: argparse.Namespace) -> "Correction | None":
    from core.media import adjusting

    if options.shift is not None:
        return adjusting.by_shift(options.shift)
    if options.zone is not None:
        return adjusting.by_zone(options.zone)
    return adjusting.by_clock(options.camera_clock) if options.camera_clock is not None else None


def tell(found: "Adjusted", out: Output) -> None:
    """Print the result for a person."""
    from tui import format

    rows = [
        [out.text(path), _moment(before) or "not known", _moment(now) or "not known"]
        for path, before, now in found.shown[:NAMED]
    ]
    if rows:
        out.table([["NAME", "BEFORE", "NOW"], *rows])
    if found.count > len(rows):
        out.line(f"and {format.number(found.count - len(rows))} more")
    done = "taken back" if found.undone else "corrected"
    how = f"{'would be' if found.dry else 'was' if found.count == 1 else 'were'} {done} ({out.text(found.what)})"
    out.line(f"{counted(found.count, 'date')} {how}.")
    for why, count in found.left:
        out.line(f"{counted(count, 'date')} {'stays' if count == 1 else 'stay'}: {out.text(why)}.")


def _moment(text: str) -> str:
    """A date to the second, because a clock may be half a minute wrong."""
    return text[:19].removesuffix("Z").replace("T", " ") + (" UTC" if text.endswith("Z") else "")
