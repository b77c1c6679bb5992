"""lading retry: background jobs that have failed for good are tried again."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "retry"
HELP = "try background jobs again that have failed"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = "Tries background jobs again that have failed, and those that they kept from being done."
    parser.add_argument("ids", nargs="*", type=int, metavar="ID", help="only these, as `lading jobs` lists them")
    parser.add_argument("--queue", default="", metavar="NAME", help="only those of one queue, such as thumbnail")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Retry."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui import format
    from tui.console import records
    from tui.console.running import perform

    settings = config.load({}, os.environ)
    records.needed(settings.home)
    engine = Client(settings)
    revived = asyncio.run(perform(engine, lambda: engine.retry(options.queue, options.ids or None)))
    if options.json:
        console.out.json({"revived": revived})
    else:
        console.out.line(f"{format.counted(revived, 'job')} to be tried again.")
    return Exit.WELL
