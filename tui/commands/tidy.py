"""lading tidy: removes junk files of operating systems from the bags of an archive."""

import argparse
import os
from typing import TYPE_CHECKING

from core.words import counted
from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.results import Tidied

NAME = "tidy"
HELP = "remove junk files of operating systems from an archive"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Removes what Finder, Explorer and servers leave in the folders of an archive, such as .DS_Store, ._NAME, "
        "Thumbs.db, desktop.ini and @eaDir; its bags are valid again then. Nothing else is removed: a folder that "
        "holds anything else, such as a recycle bin, is named and stays."
    )
    parser.add_argument("archive", metavar="ARCHIVE", nargs="?", help="the archive, if not the configured one")
    parser.add_argument("--dry-run", action="store_true", help="only list what would be removed")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Remove junk, and print the result."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.protocol.archive_requests import Tidy
    from tui.console.attached import perform

    console.keep_on()
    settings = config.load({"archive": options.archive}, os.environ)
    archive = config.needed_archive(settings, "tidy up", by="its folder")
    engine = Client(settings)
    request = Tidy(archive=os.fsencode(archive), dry=options.dry_run)
    found = asyncio.run(perform(engine, lambda: engine.call(request)))
    if options.json:
        console.out.json(found, indent=2)
    else:
        tell(found, console.out)
    return Exit.FAILED if found.kept_count else Exit.WELL


def tell(found: "Tidied", out: Output) -> None:
    """Print the result for a person."""
    from tui import format

    word = "Would be removed" if found.dry else "Removed"
    out.line(f"{word}: {counted(found.files, 'junk file')}.")
    _list(found.removed, found.removed_count, out)
    if found.kept_count:
        out.line(f"Left: {format.number(found.kept_count)}.")
        _list(found.kept, found.kept_count, out)


def _list(files: tuple[tuple[str, str], ...], count: int, out: Output) -> None:
    from tui import format

    for path, why in files:
        out.line(f"  {out.text(path)}: {out.text(why)}")
    if count > len(files):
        out.line(f"  and {format.number(count - len(files))} more")
