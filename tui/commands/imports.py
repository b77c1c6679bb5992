"""lading imports: lists the imports."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.card_list import DAMAGED
from tui.console.exits import Exit
from tui.console.output import Console, Output

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
        _list(found, console.out)
    return Exit.WELL


def _short(found: list["ImportRecord"], out: Output) -> None:
    """Print a short list: first what distinguishes imports, then the counts that are not zero; it must fit into 80
    columns."""
    import time

    from core.paths import told_apart
    from tui import format
    from tui.console.progress import ID_TAIL

    counts = {
        "FAILED": "failed",
        "TO DO": "todo",
        "ARCHIVED": "archived",
        "DUPLICATE": "duplicate",
        "SKIPPED": "skipped",
    }
    heads = [head for head, name in counts.items() if any(getattr(record, name) for record in found)]
    rows = [["ID", "STARTED", "STATE", "CARD", "LOCATION", *heads]]
    archives: dict[str, set[str]] = {}
    for record in found:
        archives.setdefault(record.together, set()).add(record.archive)
    for record in found:
        state = str(record.verdict) if record.verdict and record.state == "done" else str(record.state)
        state = ", ".join(filter(None, (state, format.damaged_since(record.damaged))))
        card = record.label or os.path.basename(record.source.rstrip("/")) or record.source
        if record.together:
            card += f" > {told_apart(archives[record.together])[record.archive]}"
        rows.append(
            [
                out.text(record.id)[-ID_TAIL:],
                time.strftime("%m-%d %H:%M", time.localtime(record.started)),
                state,
                out.text(card),
                out.text(record.location),
                *(format.number(getattr(record, counts[head])) for head in heads),
            ]
        )
    out.table(rows)


def _list(found: list["ImportRecord"], out: Output) -> None:
    from tui import format
    from tui.console import details

    if out.terminal:
        _short(found, out)
        if any(record.damaged for record in found):
            out.line(DAMAGED)
        return
    heads = ["ID", "STARTED", "STATE", "VERDICT", "ARCHIVED", "DUPLICATE", "SKIPPED", "JUNK", "FAILED", "TO DO"]
    rows = [[*heads, "LOCATION", "SOURCE"]]
    for record in found:
        counts = (record.archived, record.duplicate, record.skipped, record.junk, record.failed, record.todo)
        source = f"{record.label} ({record.source})" if record.label else record.source
        source += f" > {record.archive}" if record.together else ""
        rows.append(
            [
                out.text(record.id),
                format.moment(record.started),
                str(record.state),
                _verdict(record),
                *map(format.number, counts),
                out.text(record.location),
                out.text(source),
            ]
        )
    out.table(rows)
    for record in found:
        said = (record.verdict_reason if record.verdict == "KEEP" else "", format.unopenable(record.unopenable))
        for copy in record.copies:
            out.line(f"{out.text(record.id)}: also {out.text(details.copied(*copy))}")
        if told := "; ".join(filter(None, said)):
            out.line(f"{out.text(record.id)}: {out.text(told)}")
    if any(record.damaged for record in found):
        out.line(DAMAGED)


def _verdict(record: "ImportRecord") -> str:
    """The verdict of then, with what is damaged since."""
    from tui import format

    word = str(record.verdict) or (format.EMPTY if record.verdict_reason else "-")
    return ", ".join(filter(None, (word, format.damaged_since(record.damaged))))
