"""lading receipt: the bill of lading of one import."""

import argparse
import os
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui.exits import Exit
from tui.output import Console

if TYPE_CHECKING:
    from core.receipts import Form

NAME = "receipt"
HELP = "print what became of every file of an import"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("id", metavar="ID", help="the import, or the beginning of its id")
    parser.add_argument("--format", choices=("text", "json", "csv", "tsv"), default="text")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print."""
    import asyncio

    from core import config

    asyncio.run(_write(config.load({}, os.environ).home, options.id, options.format, console))
    return Exit.WELL


async def _write(home: str, name: str, form: "Form", console: Console) -> None:
    from core import receipts
    from tui.records import reading

    async with reading(home) as read:
        if read is None:
            raise UsageError("There is no import yet.", "Start one with: lading import SRC…")
        await receipts.write(read, name, form, console.out.write)
