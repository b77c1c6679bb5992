"""lading status: prints what happens now."""

import argparse
import os
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.client.client import Client
    from core.config import Config
    from core.snapshot import Snapshot
    from tui.console.render_thread import Printer

NAME = "status"
HELP = "show what is happening now"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Shows the imports and mirrors of the engine that runs, else the imports that are unfinished. It starts "
        "no engine, and nothing goes on because of it."
    )
    parser.add_argument("--watch", action="store_true", help="go on showing it; Ctrl-C leaves")
    parser.add_argument("--json", action="store_true", help="one JSON object, with --watch one a line")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print the status."""
    from core import VERSION, config
    from core.client import sync_client
    from core.protocol import Welcome

    settings = config.load({}, os.environ)
    engine = sync_client.connect_or_welcome(settings.home)
    if engine is None or isinstance(engine, Welcome):
        newest = _from_catalog(settings)
    elif options.watch:
        engine.close()
        return _go_on(settings, _printer(options.json, console))
    else:
        with closing(engine):
            newest = sync_client.done(engine.look())
    if options.json:
        console.out.json(newest)
    elif not (newest.imports or newest.mirrors):
        console.out.line("Nothing is under way.")
    else:
        from tui.console.mirrors import everything

        for line in everything(newest, console.out):
            console.out.line(line)
        if engine is None:
            console.out.line("No engine runs. Go on with: lading resume --all")
    if isinstance(engine, Welcome):
        told = f"process {engine.pid} is version {engine.version}, this is {VERSION}."
        console.err.line(f"An engine of another version runs: {told} How far it is only that version can say.")
    return Exit.WELL


def _from_catalog(settings: "Config") -> "Snapshot":
    """What the catalog says, if there is one."""
    import time

    from core import VERSION
    from core.snapshot import Snapshot
    from tui.console.import_selection import any_yet
    from tui.console.one_shot import once

    if any_yet(settings.home):
        return once(settings, lambda engine: engine.look(), looking=True)
    return Snapshot(time=time.time(), version=VERSION)


def _go_on(settings: "Config", shows: "Printer[Snapshot]") -> Exit:
    import asyncio

    from core.client.client import Client
    from tui.console.attached import perform
    from tui.console.exits import StoppedError

    engine = Client(settings)
    with suppress(StoppedError):
        asyncio.run(perform(engine, lambda: _watch(engine, shows)))
    return Exit.WELL


def _printer(json: bool, console: Console) -> "Printer[Snapshot]":
    from tui.console.mirrors import Everything, InTurn
    from tui.console.progress import Snapshots

    if json:
        return Snapshots(console.out, console.err)
    return Everything(console.out, "Ctrl-C leaves") if console.out.terminal else InTurn(console.out, console.err)


async def _watch(engine: "Client", shows: "Printer[Snapshot]") -> None:
    import asyncio

    from core.errors import EngineLostError
    from tui.console.render_thread import Window

    window = Window(shows)
    try:
        async for newest in engine.snapshots():
            if window.fault is not None:
                # There is nobody left to show it to.
                raise window.fault
            window.show(newest)
    finally:
        await asyncio.to_thread(window.close)
    raise EngineLostError("it was stopped.", "See: lading log")
