"""lading mhl: the ASC MHL hash list of one import."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "mhl"
HELP = "export the ASC MHL hash list of an import"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Prints the ASC MHL 2.0 manifest of an import: every archived file under its original path, with its "
        "XXH3-128. With a folder, the import's restored tree, an ASC MHL history is begun in it."
    )
    parser.add_argument("id", metavar="ID", help="the import, or the beginning of its id")
    parser.add_argument("folder", metavar="DEST", nargs="?", help="the tree that gets the history")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Export."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui import format
    from tui.console import records
    from tui.console.running import perform

    settings = config.load({}, os.environ)
    records.needed(settings.home)
    engine = Client(settings)
    folder = os.path.abspath(options.folder) if options.folder else ""
    done = asyncio.run(perform(engine, lambda: engine.hash_list(options.id, folder, console.out.write)))
    if done.path:
        console.out.line(f"{console.out.text(done.path)}: {format.counted(done.files, 'file')}.")
    if done.left_out:
        console.err.line(
            f"Not in it: {format.counted(done.left_out, 'file')}, not read or with names that XML cannot hold."
        )
    return Exit.FAILED if done.left_out else Exit.WELL
