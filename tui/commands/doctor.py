"""lading doctor: checks whether everything that an import needs is there."""

import argparse
import os

from tui.console.exits import Exit
from tui.console.output import Console

NAME = "doctor"
HELP = "look at the machine, the tools, the volumes and the archive"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = "Looks at the machine, the tools, the volumes and the archive. Changes nothing."
    parser.add_argument("archive", nargs="?", metavar="ARCHIVE", help="the archive, if not the configured one")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Check, and print the findings."""
    import asyncio

    from core import config
    from tui.console import checkup, doctor_checks

    settings = config.load({"archive": options.archive}, os.environ)
    found = asyncio.run(doctor_checks.examine(settings, settings.archive, os.environ))
    if options.json:
        console.out.json(found, indent=2)
    else:
        checkup.tell(found, console.out)
    return Exit.WELL if found.usable else Exit.UNUSABLE
