"""lading move: an import to another location."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "move"
HELP = "move an import to another location of its archive"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Moves what an import has brought to another location, which is made when there is none of that name. "
        "What other imports of the old location need stays there. Both bags are valid again afterwards."
    )
    parser.add_argument("id", metavar="IMPORT", help="the import, or the beginning of its id")
    parser.add_argument("location", metavar="LOCATION", help="where it belongs")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Move."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui import format
    from tui.console import records
    from tui.console.running import perform

    settings = config.load({}, os.environ)
    records.needed(settings.home)
    engine = Client(settings)
    moved = asyncio.run(perform(engine, lambda: engine.move_import(options.id, options.location)))
    told = [f"{format.counted(moved.files, 'file')} moved ({format.size(moved.bytes)})"]
    if moved.copied:
        told.append(f"{moved.copied} copied")
    if moved.kept:
        told.append(f"{moved.kept} stay where other imports need them")
    console.out.line(f"{moved.id} is in {console.out.text(moved.location)}: {', '.join(told)}.")
    for problem in moved.problems:
        console.err.line(console.err.text(problem))
    return Exit.FAILED if moved.problems else Exit.WELL
