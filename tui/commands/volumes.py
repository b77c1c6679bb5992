"""lading volumes: lists what is mounted and could be a source or an archive."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "volumes"
HELP = "list what is mounted, with what is known of it: verdict, archive, what is new"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Lists the cards, disks and shares that could be a source or an archive, with the newest verdict on each, "
        "and the archives on it. It starts no engine, and reads no file of a card. An archive that is not known "
        "here is only seen at the top of a volume."
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print the list."""
    import time

    from core import config
    from tui.console import volume_list
    from tui.console.known_cards import known_cards
    from tui.console.mounted import mounted

    settings = config.load({}, os.environ)
    told = known_cards(settings)
    found = mounted(told.cards, told.archives, told.snapshot.arrivals, config.all_archives(settings))
    if options.json:
        console.out.json(found, indent=2)
    elif not found:
        console.err.line("Nothing is mounted that could be a source.")
    else:
        volume_list.tell(found, console.out, time.time(), settings.archive)
    return Exit.WELL
