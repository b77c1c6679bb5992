"""lading receipt: prints the receipt of one import."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.client.api import EngineCalls
    from core.config import Config

NAME = "receipt"
HELP = "print what became of every file of an import"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Prints what became of every file of an import. `html` is a report to look at, with a contact sheet: its "
        "pictures are those of the archive on this machine, or, with --embed, in itself: it can be sent away. "
        "`pdf` is the same for paper, with the pictures in it."
    )
    parser.add_argument("id", metavar="ID", help="the import, or the beginning of its id")
    parser.add_argument("--format", choices=("text", "json", "csv", "tsv", "html", "pdf"), default="text")
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="the same as --format json"
    )
    parser.add_argument("--embed", action="store_true", help="html: all pictures and small films are in it")
    parser.add_argument("--output", metavar="FILE", help="write to a new file, not to standard output")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print."""
    from core import config
    from core.errors import UsageError
    from core.protocol.import_requests import GetReport
    from tui.console import import_selection
    from tui.console.one_shot import once
    from tui.console.text_file import writing

    if options.embed and options.format != "html":
        raise UsageError("--embed goes with --format html only.")
    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    if options.format == "pdf":
        _pdf(settings, options, console)
        return Exit.WELL

    async def ask(engine: "EngineCalls", out: "Callable[[str], None]") -> None:
        if options.format == "html":
            await engine.call(GetReport(name=options.id, embed=options.embed), text=out)
        else:
            await engine.receipt(options.id, options.format, out)

    with writing(options.output, console) as out:
        once(settings, lambda engine: ask(engine, out), looking=options.format != "html")
    return Exit.WELL


def _pdf(settings: "Config", options: argparse.Namespace, console: Console) -> None:
    """Write the report as PDF. This process makes it from the catalog; the engine supplies the pictures."""
    from contextlib import closing

    from core.errors import UsageError
    from core.reports import pdf
    from core.server.offline import ReadOnlyDatabase
    from tui.console.one_shot import once
    from tui.console.text_file import new_file

    async def draw(engine: "EngineCalls") -> bytes:
        with closing(ReadOnlyDatabase(settings.home)) as catalog:
            return await pdf.report(catalog.read, options.id, engine.picture)

    if options.output:
        with new_file(options.output) as write:
            write(once(settings, draw))
    elif console.out.terminal:
        raise UsageError("a PDF is nothing for a terminal.", "Give a file: --output report.pdf")
    else:
        console.out.raw(once(settings, draw))
