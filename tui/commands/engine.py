"""lading engine: controls the process that does the work."""

import argparse
import os
from typing import TYPE_CHECKING

from core import VERSION
from core.words import counted
from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.config import Config
    from core.protocol import Failed, Welcome
    from tui.console.json_answers import EngineState

NAME = "engine"
HELP = "look at, stop or run the process that does the work"

ACTIONS = {
    "status": "say whether it runs",
    "stop": "end it in order; imports go on when one is started again",
    "run": "be it, in the foreground, until Ctrl-C",
    "plist": "print a file for launchd(8), which then keeps it running",
    "systemd": "print a unit for systemd(1), likewise: ~/.config/systemd/user/lading.service",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "The engine does the work. Every command that needs it starts it, and it leaves by itself when nothing is "
        "left to do. Actions: " + "; ".join(f"{name}: {what}" for name, what in ACTIONS.items()) + "."
    )
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--idle", type=float, metavar="MINUTES", help="with run: leave when idle for so long")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Run one of ACTIONS."""
    from core import config

    settings = config.load({}, os.environ)
    if options.action == "plist":
        console.out.write(plist(settings.home))
        for_launchd(settings.home, console)
        return Exit.WELL
    if options.action == "systemd":
        console.out.write(unit(settings.home))
        console.err.line("Then: systemctl --user enable --now lading; loginctl enable-linger")
        return Exit.WELL
    if options.action == "run":
        return _run(settings, None if options.idle is None else options.idle * 60, console)
    if options.action == "stop":
        import asyncio

        told = asyncio.run(_stop(settings))
        if options.json:
            console.out.json(_state(settings))
        else:
            console.out.line(told)
    elif options.json:
        console.out.json(_state(settings))
    else:
        console.out.line(_status(_state(settings)))
    return Exit.WELL


def _state(settings: "Config") -> "EngineState":
    from contextlib import closing

    from core.client import sync_client
    from core.client.api import Through
    from tui.console.import_selection import any_yet
    from tui.console.json_answers import EngineState

    found = sync_client.connect_any_version(settings.home)
    if found is None:
        from core.server.offline import Offline

        if not any_yet(settings.home):
            return EngineState(runs=False)
        with closing(Offline(settings.home)) as offline:
            return EngineState(runs=False, unfinished=len(sync_client.done(offline.imports(unfinished=True))))
    line, welcome = found
    with closing(line):
        unfinished = sync_client.done(Through(line).imports(unfinished=True)) if welcome.version == VERSION else []
    return EngineState(
        runs=True,
        version=welcome.version,
        pid=welcome.pid,
        since=welcome.since,
        busy=welcome.busy,
        running=welcome.running,
        terminals=welcome.clients - 1,
        unfinished=len(unfinished),
    )


def _status(state: "EngineState") -> str:
    import time

    from tui import format

    if not state.runs:
        left = f" {counted(state.unfinished, 'import')} can go on: lading resume --all"
        return "No engine runs." + (left if state.unfinished else "")
    work = "at work" if state.busy else "idle"
    if state.running:
        work = f"{counted(state.running, 'import')} running"
    others = f"{counted(state.terminals, 'terminal')} attached"
    age = format.duration(max(0.0, time.time() - (state.since or 0.0)))
    return f"Engine {state.version}, process {state.pid}, for {age}: {work}, {others}."


async def _stop(settings: "Config") -> str:
    from core.client import launcher
    from core.errors import EngineLostError

    found = await launcher.look(settings.home)
    if found is None:
        return "No engine runs."
    connection, welcome = found
    try:
        await launcher.end(connection)
    except EngineLostError:
        await connection.close()
    if not welcome.running:
        return "Stopped."
    imports = f"Stopped in the middle of {counted(welcome.running, 'import')}."
    if settings.resume_at_start:
        return f"{imports} Commands that only look start nothing; go on with: lading resume --all"
    return f"{imports} Nothing goes on by itself (resume_at_start = false); go on with: lading resume --all"


def _run(settings: "Config", idle: float | None, console: Console) -> Exit:
    from core.protocol import Failed
    from core.server import daemonize
    from tui.console.output import complain

    def ready(said: "Welcome | Failed") -> None:
        if isinstance(said, Failed):
            complain(said.error(), console)
        elif said.pid == os.getpid():
            console.err.line(f"The engine runs, process {said.pid}. Ctrl-C stops it.")
        else:
            console.err.line(f"An engine runs already, process {said.pid}.")

    daemonize.run(settings, ready, idle)
    return Exit.UNUSABLE


def plist(home: str) -> str:
    """A launchd.plist(5) that runs the engine of `home` whenever the user is logged in."""
    import plistlib

    from core import log

    err = os.path.join(log.folder(home), log.STREAMS)
    wanted = {
        "Label": "lading.engine",
        "ProgramArguments": [program(), "engine", "run"],
        "EnvironmentVariables": {"LADING_HOME": home, "PATH": os.environ.get("PATH", os.defpath)},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ProcessType": "Interactive",  # "none" of the limits by which other types are throttled (launchd.plist(5))
        # Without it, files that a job reads are not fetched from iCloud, even where that is requested
        # (launchd.plist(5)).
        "MaterializeDatalessFiles": True,
        "StandardOutPath": err,
        "StandardErrorPath": err,
    }
    return plistlib.dumps(wanted).decode()


def unit(home: str) -> str:
    """A systemd.service(5) of a user that runs the engine of `home`; unfinished imports are resumed when it
    starts."""

    return f"""\
[Unit]
Description=Lading, the engine of {home.replace("%", "%%")}

[Service]
{systemd_command(home, [program(), "engine", "run"])}
Restart=on-failure
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy=default.target
"""


def systemd_command(home: str, command: list[str]) -> str:
    """The lines of a systemd.service(5) that run a command with the state folder `home`."""

    def quoted(text: str) -> str:
        # systemd.syntax(7): quotes and backslashes are escaped, % begins a specifier (systemd.unit(5)).
        told = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
        return f'"{told}"'

    # $ in a command line is a variable (systemd.service(5)).
    words = " ".join(quoted(word).replace("$", "$$") for word in command)
    variables = ("LADING_HOME=" + home, "PATH=" + os.environ.get("PATH", os.defpath))
    return "\n".join((f"ExecStart={words}", *(f"Environment={quoted(one)}" for one in variables)))


def for_launchd(home: str, console: Console) -> None:
    """Make the folder that a job logs to, which launchd(8) may not do, and print which program needs which
    permission."""
    from core import log
    from core.volumes import macos_permissions

    log.make(home)
    console.err.line(f"Before launchd runs it: {macos_permissions.launchd_advice()}")


def program() -> str:
    """The path of this command, for launchd."""
    import shutil
    import sys

    script = os.path.abspath(sys.argv[0])
    return script if os.access(script, os.X_OK) else shutil.which("lading") or "lading"
