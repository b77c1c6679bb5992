"""lading cards: lists the cards with the newest verdict on each."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "cards"
HELP = "list all cards, drives and folders that were imported, with the newest verdict on each"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Lists each source that was imported, with the verdict of its newest import into each archive. It starts "
        "no engine, and looks at no card: what was taken since is not in the verdict."
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print the list."""
    from core import config
    from core.protocol.import_requests import ListCards
    from tui.console import card_list
    from tui.console.import_selection import any_yet
    from tui.console.one_shot import once

    settings = config.load({}, os.environ)
    found = once(settings, lambda engine: engine.call(ListCards()), looking=True) if any_yet(settings.home) else []
    if options.json:
        console.out.json(found, indent=2)
    elif not found:
        console.err.line("There is no import yet. Start one with: lading import SRC…")
    else:
        card_list.tell(found, console.out, settings.archive)
    return Exit.WELL
