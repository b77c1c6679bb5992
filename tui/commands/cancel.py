"""lading cancel: an import ends as it is."""

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
    """The options of the command."""
    parser.add_argument("id", metavar="ID", help="the import, or the beginning of its id")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Cancel, and wait for the receipt."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui.console import records
    from tui.console.running import perform

    settings = config.load({}, os.environ)
    records.needed(settings.home)
    engine = Client(settings)
    id = asyncio.run(perform(engine, lambda: _cancel(engine, options.id)))
    console.out.line(f"{id} is cancelled. What has arrived: lading receipt {id}")
    return Exit.WELL


async def _cancel(engine: "Client", name: str) -> str:
    record = await engine.find(name)
    await engine.cancel_import(record.id)
    await engine.wait([record.id])
    return record.id
