"""lading move: moves an import to another location."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "move"
HELP = "move an import to another location of its archive"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Moves what an import has brought to another location, which is made when there is none of that name. "
        "What other imports of the old location need stays there. Both bags are valid again afterwards."
    )
    parser.add_argument("id", metavar="IMPORT", help="the import, or the beginning of its id")
    parser.add_argument("location", metavar="LOCATION", help="where it belongs")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Move."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count
    from core.protocol.import_requests import MoveImport
    from tui.console import import_selection, moves
    from tui.console.attached import perform
    from tui.console.progress import MoveLine, Quiet
    from tui.console.render_thread import Window

    console.keep_on()
    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    engine = Client(settings)
    request = MoveImport(name=options.id, location=options.location)
    quiet = options.json or not console.out.terminal
    window = Window[tuple[Count, Count]](Quiet(console.err) if quiet else MoveLine(console.out))

    def progress(done: Count, total: Count) -> None:
        window.show((done, total))

    try:
        moved = asyncio.run(perform(engine, lambda: engine.call(request, progress=progress)))
    finally:
        window.close()
    if options.json:
        console.out.json(moved, indent=2)
        return Exit.FAILED if moved.problems else Exit.WELL
    moves.tell(moved, console.out)
    for problem in moved.problems:
        console.err.line(console.err.text(problem))
    return Exit.FAILED if moved.problems else Exit.WELL
