"""lading sheet: writes a page with the pictures and films of any selection, for a browser."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "sheet"
HELP = "a contact sheet of a location, an import, a card or a search, as one HTML page"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Writes a page with all photos and films of a location, an import, a card, or of what the words find (as "
        "in `lading find`): by day and camera, films play their proxy. Its pictures are those of the archive on "
        "this machine, or, with --embed, in itself: it can be sent away."
    )
    parser.add_argument("what", nargs="+", metavar="LOCATION|IMPORT|CARD|WORD", help="what to show")
    parser.add_argument("--embed", action="store_true", help="all pictures and small films are in it")
    parser.add_argument("--output", metavar="FILE", help="write to a new file, not to standard output")
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.add_argument("--json", action="store_true", help="where the page was written, as one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Write the page, and open it."""
    from core import config
    from core.paths import display
    from core.protocol.archive_requests import GetSheet
    from tui import viewer
    from tui.commands.find import quoted
    from tui.console import import_selection
    from tui.console.one_shot import once
    from tui.console.text_file import writing

    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    what = options.what[0] if len(options.what) == 1 else " ".join(map(quoted, options.what))
    path = options.output or (_new_file() if options.open or options.json else None)
    with writing(path, console) as out:
        once(settings, lambda engine: engine.call(GetSheet(what=what, embed=options.embed), text=out))
    if path and options.json:
        from tui.console.json_answers import Written

        console.out.json(Written(path=display(os.path.abspath(path)), bytes=os.path.getsize(path)), indent=2)
    elif path:
        console.err.line(console.err.text(os.path.abspath(path)))
    if options.open and path:
        viewer.show(os.path.abspath(path), f"Open {os.path.abspath(path)} yourself.")
    return Exit.WELL


def _new_file() -> str:
    """A path in a new temporary folder of the system."""
    import tempfile

    return os.path.join(tempfile.mkdtemp(prefix="lading-"), "sheet.html")
