"""lading imports: lists the imports."""

import argparse
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui.console import card_list
from tui.console.exits import Exit
from tui.console.output import WIDE, Console, Output

if TYPE_CHECKING:
    from core.listings import ImportRecord

NAME = "imports"
HELP = "list all imports with their state and verdict"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print the list."""
    from core import config
    from tui.console.import_selection import any_yet
    from tui.console.one_shot import once

    settings = config.load({}, os.environ)
    found = once(settings, lambda engine: engine.imports(), looking=True) if any_yet(settings.home) else []
    # The newest first, as in the app.
    found = found[::-1]
    if options.json:
        console.out.json(found, indent=2)
    elif not found:
        console.err.line("There is no import yet. Start one with: lading import SRC…")
    else:
        _list(found, console.out, settings.archive)
    return Exit.WELL


NARROW = 80
"""Columns that a short list must fit into."""

NAME_COLUMNS = 16
"""Columns for a card, and for a location, in a terminal of NARROW columns."""

LEAST_NAME = 8
"""The fewest columns for each of these, however long the state and the counts are."""

GAP = 2
"""Columns between two columns of a table."""

LOCATION_COLUMNS = 24
"""Columns for a location in a wide terminal."""


def _short(found: list["ImportRecord"], out: Output) -> None:
    """Print a short list: first what distinguishes imports and what went wrong, then the other counts that are not
    zero. It must fit into NARROW columns."""
    from core.paths import distinguishing_ends
    from tui import format
    from tui.glyphs import Glyphs

    wrong = {"FAILED": "failed", "TO DO": "todo"}
    right = {"ARCHIVED": "archived", "DUPLICATE": "duplicate", "SKIPPED": "skipped"}
    wrong, right = (
        {head: name for head, name in counts.items() if any(getattr(record, name) for record in found)}
        for counts in (wrong, right)
    )
    glyphs = Glyphs(utf8=out.utf8)
    first = [["ID", "STARTED", "STATE", *wrong], *(_first(record, wrong.values(), out) for record in found)]
    taken = sum(max(map(format.cells, column)) + GAP for column in zip(*first, strict=True))
    # A wider terminal shows more of the names; neither is pushed off by what stands before it.
    width = NAME_COLUMNS + max(0, out.room() - NARROW) // 2
    width = max(LEAST_NAME, min(width, (out.room() - taken - GAP) // 2))
    rows = [[*first[0], "CARD", "LOCATION", *right]]
    archives: dict[str, set[str]] = {}
    for record in found:
        archives.setdefault(record.together, set()).add(record.archive)
    for record, begin in zip(found, first[1:], strict=True):
        card = record.label or os.path.basename(record.source.rstrip("/")) or record.source
        if record.together:
            # Imports of one card differ in the archive, which is the end.
            card += f" > {distinguishing_ends(archives[record.together])[record.archive]}"
            card = glyphs.tail(out.text(card), width)
        rows.append(
            [
                *begin,
                format.fit(out.text(card), width, utf8=out.utf8),
                format.fit(out.text(record.location), width, utf8=out.utf8),
                *(format.number(getattr(record, name)) for name in right.values()),
            ]
        )
    out.table(rows, out.room())


def _first(record: "ImportRecord", wrong: Iterable[str], out: Output) -> list[str]:
    """What stands before the names in a short list; `wrong`: the counts of what went wrong."""
    from tui import format
    from tui.console.progress import ID_TAIL

    state = str(record.verdict) if record.verdict and record.state == "done" else str(record.state)
    return [
        out.text(record.id)[-ID_TAIL:],
        _started(record.started),
        format.damaged_since(record.damaged, state, brief=True),
        *(format.number(getattr(record, name)) for name in wrong),
    ]


def _started(seconds: float) -> str:
    """`12-06 14:07`; of another year `2024-12-06`, which is as long."""
    import time

    when = time.localtime(seconds)
    return time.strftime("%m-%d %H:%M" if when.tm_year == time.localtime().tm_year else "%Y-%m-%d", when)


def _list(found: list["ImportRecord"], out: Output, configured: str | None) -> None:
    """Print the list; `configured`: the archive of the configuration."""
    if 0 < out.room() < WIDE:
        _short(found, out)
    else:
        _long(found, out)
    if broken := [record.archive for record in found if record.damaged]:
        out.line(out.text(card_list.damaged(card_list.which_archive(broken, configured))))


def _long(found: list["ImportRecord"], out: Output) -> None:
    from tui import format
    from tui.console import details

    heads = ["ID", "STARTED", "STATE", "VERDICT", "ARCHIVED", "DUPLICATE", "SKIPPED", "JUNK", "FAILED", "TO DO"]
    rows = [[*heads, "LOCATION", "SOURCE"]]
    for record in found:
        counts = (record.archived, record.duplicate, record.skipped, record.junk, record.failed, record.todo)
        source = f"{record.label} ({record.source})" if record.label else record.source
        source += f" > {record.archive}" if record.together else ""
        location = out.text(record.location)
        rows.append(
            [
                out.text(record.id),
                format.moment(record.started),
                str(record.state),
                _verdict(record),
                *map(format.number, counts),
                format.fit(location, LOCATION_COLUMNS, utf8=out.utf8) if out.room() else location,
                out.text(source),
            ]
        )
    out.table(rows, out.room())
    for record in found:
        said = (record.verdict_reason if record.verdict == "KEEP" else "", format.unopenable(record.unopenable))
        for copy in record.copies:
            out.line(f"{out.text(record.id)}: also {out.text(details.copied(*copy))}")
        if told := "; ".join(filter(None, said)):
            out.line(f"{out.text(record.id)}: {out.text(told)}")


def _verdict(record: "ImportRecord") -> str:
    """The verdict of then, with what is damaged since."""
    from tui import format

    word = str(record.verdict) or (format.EMPTY if record.verdict_reason else "-")
    return format.damaged_since(record.damaged, word)
