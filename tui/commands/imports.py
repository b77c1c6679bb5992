"""lading imports: what was imported."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.protocol import Record

NAME = "imports"
HELP = "list all imports with their state and verdict"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """List."""
    from core import config
    from tui.console.once import once
    from tui.console.records import any_yet

    settings = config.load({}, os.environ)
    found = once(settings, lambda engine: engine.imports()) if any_yet(settings.home) else []
    if options.json:
        console.out.json(found, indent=2)
    elif not found:
        console.err.line("There is no import yet. Start one with: lading import SRC…")
    else:
        _list(found, console.out)
    return Exit.WELL


def _list(found: list["Record"], out: Output) -> None:
    from tui import format

    heads = ["ID", "STARTED", "STATE", "VERDICT", "ARCHIVED", "KNOWN", "SKIPPED", "FAILED", "TO DO"]
    rows = [[*heads, "LOCATION", "SOURCE"]]
    for record in found:
        counts = (record.archived, record.duplicate, record.skipped, record.failed, record.todo)
        source = f"{record.label} ({record.source})" if record.label else record.source
        rows.append(
            [
                out.text(record.id),
                format.moment(record.started),
                str(record.state),
                str(record.verdict) or "-",
                *map(format.number, counts),
                out.text(record.location),
                out.text(source),
            ]
        )
    out.table(rows)
