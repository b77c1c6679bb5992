"""lading cancel: cancels an import."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.client.client import Client

NAME = "cancel"
HELP = "end an import as it is; what has arrived stays, with its receipt"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("id", metavar="ID", help="the import or mirror, or the beginning of its id")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Cancel, and wait for the receipt."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui.console import import_selection
    from tui.console.attached import perform
    from tui.console.json_answers import Ids

    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    engine = Client(settings)
    id = asyncio.run(perform(engine, lambda: _cancel(engine, options.id)))
    if options.json:
        console.out.json(Ids(ids=(id,) if id else ()))
    elif id:
        console.out.line(f"{id} is cancelled. What has arrived: lading receipt {id}")
    else:
        console.out.line("The mirror is cancelled. What was brought stays.")
    return Exit.WELL


async def _cancel(engine: "Client", name: str) -> str:
    """The id of the import that was cancelled; empty for a mirror."""
    from tui.console import import_selection

    if id := await import_selection.mirror(engine, name):
        await engine.cancel_import(id)
        return ""
    record = await engine.find(name)
    await engine.cancel_import(record.id)
    await engine.wait([record.id])
    return record.id
