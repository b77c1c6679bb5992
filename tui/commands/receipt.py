"""lading receipt: the bill of lading of one import."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "receipt"
HELP = "print what became of every file of an import"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("id", metavar="ID", help="the import, or the beginning of its id")
    parser.add_argument("--format", choices=("text", "json", "csv", "tsv"), default="text")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print."""
    from core import config
    from tui.console import records
    from tui.console.once import once

    settings = config.load({}, os.environ)
    records.needed(settings.home)
    once(settings, lambda engine: engine.receipt(options.id, options.format, console.out.write))
    return Exit.WELL
