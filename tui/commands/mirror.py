"""lading mirror: brings a copy of an archive up to date with another one."""

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.client.client import Client
    from core.protocol.archive_requests import StartMirror
    from core.results import MirrorResult, OffsiteResult
    from core.snapshot import Snapshot
    from tui.console.render_thread import Printer

NAME = "mirror"
HELP = "bring a copy of an archive all that another copy has"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Brings the copy TO all that FROM has and it lacks: files, journals, receipts, bags, thumbnails. Each "
        "file is compared with its digests on the way, flushed and read back. An empty folder TO becomes a copy. "
        "Nothing is deleted, and no file replaced; the same command goes on where one was stopped, and costs "
        "little when nothing is new. `mirror = [...]` in the configuration does it after each import. "
        "One of the two may be a remote of the program rclone: rclone:NAME:PATH."
    )
    parser.add_argument("source", metavar="FROM", help="the archive, or a copy of it")
    parser.add_argument("target", metavar="TO", help="another copy of it, or a folder that is to become one")
    parser.add_argument("--both", action="store_true", help="also the other way: for two that were filled apart")
    parser.add_argument("--detach", action="store_true", help="begin, print the mirror's id, and leave")
    parser.add_argument(
        "--plist", action="store_true", help="print a file for launchd(8) that does this every night"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Mirror, and wait for the end."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.paths import is_remote
    from core.results import OffsiteResult
    from tui.console import mirrors, offsite
    from tui.console.attached import perform
    from tui.console.progress import Quiet

    console.keep_on()
    settings = config.load({}, os.environ)
    source, target = (
        path if is_remote(path) else os.path.abspath(path) for path in (options.source, options.target)
    )
    if source == target:
        raise UsageError("FROM and TO are one folder.", "Give the folder of another copy.")
    if options.plist:
        from tui.commands.engine import for_launchd

        console.out.write(plist(settings.home, source, target, both=options.both))
        for_launchd(settings.home, console)
        return Exit.WELL
    engine = Client(settings)
    if options.detach:
        id = asyncio.run(perform(engine, lambda: engine.call(_start(source, target, options.both))))
        console.out.line(id)
        return Exit.WELL
    quiet = options.json or not console.out.terminal
    shows = Quiet(console.err) if quiet else mirrors.MirrorLines(console.out)
    results, paused = asyncio.run(_attend(engine, source, target, options.both, shows))
    if paused:
        console.err.line("Paused. The same command goes on where it stopped.")
        return Exit.PAUSED
    if isinstance(results, OffsiteResult):
        if options.json:
            console.out.json(results, indent=2)
        else:
            offsite.tell(results, console, up=is_remote(target))
        return Exit.FAILED if results.lacking_count else Exit.WELL
    if options.json:
        console.out.json(results, indent=2)
    else:
        mirrors.tell(results, console.out)
    return Exit.FAILED if any(map(mirrors.wanting, results)) else Exit.WELL


async def _attend(
    engine: "Client", source: str, target: str, both: bool, shows: "Printer[Snapshot]"
) -> tuple["list[MirrorResult] | OffsiteResult", bool]:
    """The results of the mirror, and whether it was paused instead of ending."""
    from core.models import State
    from core.paths import is_remote
    from core.protocol.archive_requests import GetOffsiteResult, MirrorResults
    from tui.console.attached import attend

    results: list[MirrorResult] | OffsiteResult = []

    async def begin() -> list[str]:
        return [await engine.call(_start(source, target, both))]

    async def end(ids: Sequence[str]) -> None:
        nonlocal results
        if is_remote(source) or is_remote(target):
            results = await engine.call(GetOffsiteResult(id=ids[0]))
        else:
            results = await engine.call(MirrorResults(id=ids[0]))

    snapshot = await attend(engine, begin, shows, end)
    stopped = any(view.state in (State.PAUSED, State.CANCELLED) for view in snapshot.mirrors)
    return results, stopped


def _start(source: str, target: str, both: bool) -> "StartMirror":
    from core.paths import is_remote
    from core.protocol.archive_requests import StartMirror
    from tui.console import offsite

    environ = offsite.environ() if is_remote(source) or is_remote(target) else None
    return StartMirror(source=os.fsencode(source), target=os.fsencode(target), both=both, environ=environ)


def plist(home: str, source: str, target: str, *, both: bool) -> str:
    """A launchd.plist(5) that mirrors every night at 4:00, or when the Mac next wakes, and whenever a volume is
    mounted."""
    import hashlib
    import plistlib

    from core import log
    from tui.commands.engine import program

    out = os.path.join(log.folder(home), "mirror.log")
    mark = hashlib.sha256(os.fsencode(f"{source}\0{target}")).hexdigest()[:8]
    return plistlib.dumps(
        {
            "Label": f"lading.mirror.{mark}",
            "ProgramArguments": [program(), "mirror", source, target, *(["--both"] if both else [])],
            "EnvironmentVariables": {
                "LADING_HOME": home,
                "PATH": os.environ.get("PATH", os.defpath),
                **{name: value for name in ("RCLONE_CONFIG",) if (value := os.environ.get(name))},
            },
            "StartCalendarInterval": {"Hour": 4, "Minute": 0},
            "StartOnMount": True,
            # As for an audit (tui.commands.audit), the engine that it starts serves imports, too.
            "ProcessType": "Interactive",
            "MaterializeDatalessFiles": True,
            "StandardOutPath": out,
            "StandardErrorPath": out,
        }
    ).decode()
