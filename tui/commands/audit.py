"""lading audit: the archive read again, against the catalog."""

import argparse
import os
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui.console.exits import Exit, StoppedError
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.models import AuditResult

NAME = "audit"
HELP = "read every archived file again and compare"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Reads every file of the archive again, past the cache, and compares it with both digests. What was read "
        "longest ago comes first, so an audit that was stopped goes on where it was."
    )
    parser.add_argument("--archive", metavar="DIR", help="the archive, if not the configured one")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Read and compare."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count
    from tui.console.progress import Audited, Quiet
    from tui.console.running import perform
    from tui.console.window import Window

    settings = config.load({"archive": options.archive}, os.environ)
    archive = settings.archive
    if archive is None:
        raise UsageError("There is no archive to audit.", "Give --archive DIR, or set LADING_ARCHIVE.")
    engine = Client(settings)
    quiet = options.json or not console.out.terminal
    window = Window[tuple[Count, Count]](Quiet(console.err) if quiet else Audited(console.out))
    work = perform(engine, lambda: engine.audit(archive, lambda done, total: window.show((done, total))))
    try:
        found = asyncio.run(work)
    except StoppedError as error:
        raise StoppedError(error.cause, "The next audit goes on from there.") from error
    finally:
        window.close()
    if options.json:
        console.out.json(found, indent=2)
    else:
        tell(found, console.out)
    if found.damaged_count:
        return Exit.FAILED
    return Exit.WELL if found.complete else Exit.PAUSED


def tell(found: "AuditResult", out: Output) -> None:
    """The result for a person."""
    from core.receipts.document import LEVELS
    from tui import format

    word = out.styled("DAMAGED", "bad") if found.damaged_count else out.styled("WELL", "good")
    speed = format.rate(found.checked.bytes / found.seconds) if found.seconds else ""
    amount = f"{format.counted(found.checked.files, 'file')} ({format.size(found.checked.bytes)})"
    levels = [LEVELS.get(level, level) for level in found.level.split(", ")] if found.well.files else ["read"]
    level = levels[0] if len(levels) == 1 else ", ".join(f"partly {level}" for level in levels)
    out.line(f"{word}  {amount} {level} in {format.duration(found.seconds)}{', ' + speed if speed else ''}")
    for path, why in found.damaged:
        out.line(f"  {out.text(path)}: {out.text(why)}")
    if found.damaged_count > len(found.damaged):
        out.line(f"  and {format.number(found.damaged_count - len(found.damaged))} more")
    if not found.complete:
        out.line("Not all was read; the next audit goes on from there.")
