"""lading resume: resumes unfinished imports."""

import argparse
import os
from typing import TYPE_CHECKING, get_args

from core import import_choices
from core.errors import ArchiveError, LadingError, SourceError, UsageError
from tui.console.exits import Exit, exit_for
from tui.console.output import Console, complain

if TYPE_CHECKING:
    from core.client.client import Client

NAME = "resume"
HELP = "go on with imports that were paused or interrupted"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Goes on with an import that was paused or interrupted. Without an ID it is the only unfinished one."
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="the import or mirror, or the beginning of its id")
    parser.add_argument("--all", action="store_true", help="all unfinished imports")
    parser.add_argument(
        "--accept",
        action="append",
        choices=get_args(import_choices.Acceptable),
        help="as in lading import: this, too, does not keep its source from being SAFE, once it is recorded",
    )
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="one JSON object a line")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: the same as --json")
    parser.add_argument("--quiet", action="store_true", help="no progress: only the end and errors")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Resume and wait."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui.console import import_selection
    from tui.console.attached import carry_out, perform

    if options.id and options.all:
        raise UsageError("An ID and --all do not go together.", "Give one of them.")
    settings = config.load({}, os.environ)
    engine = Client(settings)

    if options.id and "-m" in options.id and asyncio.run(perform(engine, lambda: _mirror(engine, options.id))):
        console.out.line("The mirror goes on: lading status")
        return Exit.WELL

    refused: list[LadingError] = []

    async def begin() -> list[str]:
        resumed: list[str] = []
        for record in await import_selection.unfinished(engine, options.id, everything=options.all):
            try:
                await engine.resume_import(record.id, options.accept or ())
            except (ArchiveError, SourceError, UsageError) as error:
                # A volume that is away keeps its own import from going on, and no other.
                refused.append(error)
            else:
                resumed.append(record.id)
        if refused and not resumed:
            raise refused.pop()
        return resumed

    nothing = "Nothing is unfinished.", Exit.WELL
    try:
        status = carry_out(engine, begin, options.format, options.quiet, console, nothing)
    finally:
        for error in refused:
            complain(error, console)
    return status or (exit_for(refused[0]) if refused else Exit.WELL)


async def _mirror(engine: "Client", name: str) -> bool:
    from tui.console import import_selection

    if id := await import_selection.mirror(engine, name):
        await engine.resume_import(id)
    return bool(id)
