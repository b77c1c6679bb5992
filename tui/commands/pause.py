"""lading pause: pauses an import."""

import argparse
import os
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.client.client import Client

NAME = "pause"
HELP = "pause an import; nothing is read or written until it is resumed"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("id", nargs="?", metavar="ID", help="the import or mirror, or the beginning of its id")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--all", action="store_true", help="all imports that run")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Pause."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui.console import import_selection
    from tui.console.attached import perform
    from tui.console.json_answers import Ids

    if bool(options.id) == options.all:
        raise UsageError("Say which import is to pause.", "Give one ID, or --all.")
    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    engine = Client(settings)
    paused = asyncio.run(perform(engine, lambda: _pause(engine, options.id)))
    if options.json:
        console.out.json(Ids(ids=tuple(paused)))
        return Exit.WELL
    for id in paused:
        console.out.line(f"{id} is paused. Go on with: lading resume {id}")
    if not paused:
        console.err.line("No import runs.")
    return Exit.WELL


async def _pause(engine: "Client", name: str | None) -> list[str]:
    from tui.console import import_selection

    if id := await import_selection.mirror(engine, name):
        await engine.pause_import(id)
        return [id]
    if name is not None:
        found = [await engine.find(name)]
    else:
        found = [record for record in await engine.imports(unfinished=True) if record.state == "running"]
    paused: list[str] = []
    for record in found:
        try:
            await engine.pause_import(record.id)
        except UsageError:
            if name is not None:
                raise
            # It has ended meanwhile; the others are to pause all the same.
        else:
            paused.append(record.id)
    return paused
