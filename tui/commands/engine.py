"""lading engine: the process that does the work."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.config import Config
    from core.protocol import Failed, Welcome

NAME = "engine"
HELP = "look at, stop or run the process that does the work"

ACTIONS = {
    "status": "say whether it runs",
    "stop": "end it in order; imports go on when one is started again",
    "run": "be it, in the foreground, until Ctrl-C",
    "plist": "print a file for launchd(8), which then keeps it running",
}


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "The engine does the work. Every command that needs it starts it, and it leaves by itself when nothing is "
        "left to do. Actions: " + "; ".join(f"{name}: {what}" for name, what in ACTIONS.items()) + "."
    )
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("--idle", type=float, metavar="MINUTES", help="with run: leave when idle for so long")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Do one of ACTIONS."""
    from core import config

    settings = config.load({}, os.environ)
    if options.action == "plist":
        console.out.write(plist(settings.home))
        return Exit.WELL
    if options.action == "run":
        return _run(settings, None if options.idle is None else options.idle * 60, console)
    if options.action == "stop":
        import asyncio

        console.out.line(asyncio.run(_stop(settings)))
    else:
        console.out.line(_status(settings))
    return Exit.WELL


def _status(settings: "Config") -> str:
    import time

    from core.client import blocking
    from tui import format

    found = blocking.greeted(settings.home)
    if found is None:
        return "No engine runs."
    line, welcome = found
    line.close()
    work = "at work" if welcome.busy else "idle"
    if welcome.running:
        work = f"{format.counted(welcome.running, 'import')} running"
    others = f"{format.counted(welcome.clients - 1, 'terminal')} attached"
    age = format.duration(max(0.0, time.time() - welcome.since))
    return f"Engine {welcome.version}, process {welcome.pid}, for {age}: {work}, {others}."


async def _stop(settings: "Config") -> str:
    from core.client import attach
    from core.errors import EngineLostError
    from tui import format

    found = await attach.look(settings.home)
    if found is None:
        return "No engine runs."
    connection, welcome = found
    try:
        await attach.end(connection)
    except EngineLostError:
        await connection.close()
    if not welcome.running:
        return "Stopped."
    return f"Stopped. {format.counted(welcome.running, 'import')} will go on with the next command."


def _run(settings: "Config", idle: float | None, console: Console) -> Exit:
    from core.engine import process
    from core.protocol import Failed
    from tui import cli

    def ready(said: "Welcome | Failed") -> None:
        if isinstance(said, Failed):
            cli.complain(said.error(), console)
        elif said.pid == os.getpid():
            console.err.line(f"The engine runs, process {said.pid}. Ctrl-C stops it.")
        else:
            console.err.line(f"An engine runs already, process {said.pid}.")

    process.run(settings, ready, idle)
    return Exit.UNUSABLE


def plist(home: str) -> str:
    """A launchd.plist(5) that runs the engine of `home` whenever the user is logged in."""
    import plistlib

    from core.engine import log

    err = os.path.join(log.folder(home), log.STREAMS)
    wanted = {
        "Label": "lading.engine",
        "ProgramArguments": [program(), "engine", "run"],
        "EnvironmentVariables": {"LADING_HOME": home, "PATH": os.environ.get("PATH", os.defpath)},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ProcessType": "Interactive",  # any other kind is slowed down
        "Umask": 0o077,
        "StandardOutPath": err,
        "StandardErrorPath": err,
    }
    return plistlib.dumps(wanted).decode()


def program() -> str:
    """The path of this very command, for launchd."""
    import shutil
    import sys

    script = os.path.abspath(sys.argv[0])
    return script if os.access(script, os.X_OK) else shutil.which("lading") or "lading"
