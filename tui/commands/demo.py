"""lading demo: the app with simulated cards, to try everything."""

import argparse
import os

from core.errors import UsageError
from tui.console.exits import Exit
from tui.console.output import Console

NAME = "demo"
HELP = "try everything on made-up cards in a temporary folder, which is removed at the end"


def add(parser: argparse.ArgumentParser) -> None:
    """Add no options."""


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Make the demo's cards, run the app, remove them. Raises UsageError, DemoError."""
    from tui import start

    if not start.possible(console):
        raise UsageError("The demo needs a terminal.", "Run it in one.")
    from tui.demo.stage import stage

    with stage(os.environ, console.err.line) as set_up:
        from tui.demo.app import DemoApp

        return start.show(DemoApp(set_up, utf8=console.out.utf8), console)
