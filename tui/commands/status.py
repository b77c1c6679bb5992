"""lading status: what is happening now."""

import argparse
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.client.client import Client
    from core.config import Config
    from core.models import Snapshot
    from tui.console.window import Printer

NAME = "status"
HELP = "show what is happening now"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = "Shows the imports of the engine that runs; those that were interrupted go on."
    parser.add_argument("--watch", action="store_true", help="go on showing it; Ctrl-C leaves")
    parser.add_argument("--json", action="store_true", help="one JSON object, with --watch one a line")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Show."""
    from core import config
    from tui.console.once import once
    from tui.console.progress import render

    settings = config.load({}, os.environ)
    if options.watch:
        return _go_on(settings, _printer(options.json, console))
    newest = once(settings, lambda engine: engine.look())
    if options.json:
        console.out.json(newest)
    elif not newest.imports:
        console.out.line("Nothing is under way.")
    else:
        for line in render(newest, console.out):
            console.out.line(line)
    return Exit.WELL


def _go_on(settings: "Config", shows: "Printer[Snapshot]") -> Exit:
    import asyncio

    from core.client.client import Client
    from tui.console.exits import StoppedError
    from tui.console.running import perform

    engine = Client(settings)
    with suppress(StoppedError):
        asyncio.run(perform(engine, lambda: _watch(engine, shows)))
    return Exit.WELL


def _printer(json: bool, console: Console) -> "Printer[Snapshot]":
    from tui.console.progress import Lines, Snapshots

    return Snapshots(console.out, console.err) if json else Lines(console.out, "Ctrl-C leaves")


async def _watch(engine: "Client", shows: "Printer[Snapshot]") -> None:
    import asyncio

    from core.errors import EngineLostError
    from tui.console.window import Window

    window = Window(shows)
    try:
        async for newest in engine.snapshots():
            window.show(newest)
    finally:
        await asyncio.to_thread(window.close)
    raise EngineLostError("it was stopped.", "See: lading log")
