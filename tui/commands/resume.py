"""lading resume: unfinished imports go on."""

import argparse
import os

from core.errors import UsageError
from tui.console.exits import Exit
from tui.console.output import Console

NAME = "resume"
HELP = "go on with imports that were paused or interrupted"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Goes on with an import that was paused or interrupted. Without an ID it is the only unfinished one."
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="the import, or the beginning of its id")
    parser.add_argument("--all", action="store_true", help="all unfinished imports")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one object a line")
    parser.add_argument("--quiet", action="store_true", help="no progress: only the end and errors")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Resume and wait."""
    from core import config
    from core.client.client import Client
    from tui.console import records
    from tui.console.running import carry_out

    if options.id and options.all:
        raise UsageError("An ID and --all do not go together.", "Give one of them.")
    settings = config.load({}, os.environ)
    engine = Client(settings)

    async def begin() -> list[str]:
        found = await records.unfinished(engine, options.id, everything=options.all)
        for record in found:
            await engine.resume_import(record.id)
        return [record.id for record in found]

    return carry_out(engine, begin, options.format, options.quiet, console)
