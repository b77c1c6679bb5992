"""`lading` without a command: runs the app."""

import gc
import os
import sys
from typing import TYPE_CHECKING

from core.client import silence
from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from tui.app import LadingApp
    from tui.connection import Connection


def possible(console: Console) -> bool:
    """Whether there is a terminal to draw on and to read keys from."""
    keys = sys.__stdin__ is not None and sys.__stdin__.isatty()
    return keys and console.out.terminal and console.err.terminal


def run(console: Console) -> Exit:
    """Run the app until a person leaves it. Raises ConfigError."""
    from core import light_start

    # The app makes no garbage before its first screen; it looks for some from then on.
    gc.disable()
    light_start.import_asyncio()
    # isort: split
    from core import config
    from tui.app import LadingApp

    settings = config.load({}, os.environ)
    if settings.theme or settings.keys:
        # Imported on demand: it loads all screens.
        from tui import own_keys

        own_keys.check(settings, config.file_of(os.environ))

    def connect() -> "Connection":
        # Imported when the first screen is there.
        from core.client.client import Client

        return Client(settings)

    return show(LadingApp(settings, connect, utf8=console.out.utf8), console)


def show(app: "LadingApp", console: Console) -> Exit:
    """Run the app; if it is stuck, the process still exits when the terminal is gone."""
    from tui.exit_guard import Leaving

    leaving = Leaving(app.leave_soon)
    leaving.watch()
    # The app shows itself that the engine does not answer; a line on standard error would spoil its screen.
    silence.tell_by(_ignore)
    try:
        told = app.run()
    finally:
        silence.tell_no_more(_ignore)
        leaving.done()
    if told:
        console.out.line(told)
    return Exit.WELL if app.return_code == 0 else Exit.UNUSABLE


def _ignore(text: str) -> None:
    """Write nothing."""
