"""lading restore: an original tree out of the archive again."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit, StoppedError
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.results import RestoreResult

NAME = "restore"
HELP = "bring an import, a card or a location back under its original names"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Copies archived files to DEST as they lay on the card: original names, folders and times. What is read "
        "is compared with both digests. Nothing is overwritten: equal content is left, other content kept beside, "
        "as NAME-2. Several cards get a folder each. Stopped, the same command goes on."
    )
    parser.add_argument("what", metavar="WHAT", help="the id of an import, a card or a location")
    parser.add_argument("target", metavar="DEST", help="a folder outside the archive; it is made if there is none")
    parser.add_argument("--by-date", action="store_true", help="as YYYY/YYYY-MM-DD/NAME, by the day of capture")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Restore, and say what became of it."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count
    from tui.console import records
    from tui.console.progress import Audited, Quiet
    from tui.console.running import perform
    from tui.console.window import Window

    settings = config.load({}, os.environ)
    records.needed(settings.home)
    engine = Client(settings)
    quiet = options.json or not console.out.terminal
    window = Window[tuple[Count, Count]](Quiet(console.err) if quiet else Audited(console.out))
    target = os.path.abspath(options.target)

    def progress(done: Count, total: Count) -> None:
        window.show((done, total))

    try:
        work = perform(engine, lambda: engine.restore(options.what, target, progress, by_date=options.by_date))
        found = asyncio.run(work)
    except StoppedError as error:
        raise StoppedError(error.cause, "The same command goes on from there.") from error
    finally:
        window.close()
    if options.json:
        console.out.json(found, indent=2)
    else:
        tell(found, target, console.out)
    return Exit.FAILED if found.failed_count else Exit.WELL


NAMED = 20
"""Files of each sort that are named to a person."""


def tell(found: "RestoreResult", target: str, out: Output) -> None:
    """The result for a person."""
    from tui import format

    word = out.styled("FAILED", "bad") if found.failed_count else out.styled("RESTORED", "good")
    amount = f"{format.counted(found.restored.files, 'file')} ({format.size(found.restored.bytes)})"
    there = f", {format.number(found.there.files)} lay there already" if found.there.files else ""
    out.line(f"{word}  {amount} to {out.text(target)} in {format.duration(found.seconds)}{there}")
    if found.folders:
        out.line(f"  a folder for each card: {', '.join(map(out.text, found.folders))}")
    for count, files, what in (
        (found.failed_count, found.failed, "not restored"),
        (found.renamed_count, found.renamed, "kept beside what had the name"),
        (found.absent_count, found.absent, "never archived"),
    ):
        if count:
            out.line(f"  {format.number(count)} {what}:")
        for path, why in files[:NAMED]:
            out.line(f"    {out.text(path)}: {out.text(why)}")
        if count > NAMED:
            out.line(f"    and {format.number(count - NAMED)} more")
