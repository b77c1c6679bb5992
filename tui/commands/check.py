"""lading check: is every file of a source in the archive?"""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.results import CheckResult

NAME = "check"
HELP = "say whether every file of a source is archived, verified and still there"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Lists each SRC and says SAFE or KEEP, with the reasons. By the record that is done at once, and only a "
        "few files are compared; with --read all files of the source are read again, and the archived ones past "
        "the cache. Neither is changed. The exit status is 1 when a source must be kept, and when nothing was "
        "found in one."
    )
    parser.add_argument("sources", nargs="+", metavar="SRC", help="a card, a drive, a folder or a file")
    parser.add_argument("--archive", metavar="DIR", help="the archive, if not the configured one")
    parser.add_argument("--read", action="store_true", help="compare contents, not only the record")
    parser.add_argument(
        "--copies",
        type=int,
        metavar="N",
        help="SAFE takes so many verified copies, each on a device of its own; without it the archive and each "
        "mirror of the configuration",
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Check the sources, one after the other."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count, Verdict
    from core.protocol.archive_requests import Check
    from tui.console import checked
    from tui.console.attached import perform
    from tui.console.progress import AuditLine, Quiet
    from tui.console.render_thread import Window

    console.keep_on()
    settings = config.load({"archive": options.archive, "copies": options.copies}, os.environ)
    archive = config.needed_archive(settings, "check against")
    engine = Client(settings)
    quiet = options.json or not options.read or not console.out.terminal
    window = Window[tuple[Count, Count]](Quiet(console.err) if quiet else AuditLine(console.out))
    sources = [os.path.abspath(source) for source in options.sources]

    async def work() -> list["CheckResult"]:
        def progress(done: Count, total: Count) -> None:
            window.show((done, total))

        # A single source needs no such request.
        once = await engine.distinct(sources) if len(sources) > 1 else sources
        if len(once) < len(sources):
            console.err.line("A source that is another one, or lies in it, is checked with that.")
        place, copies = os.fsencode(archive), config.copies(settings)
        wanted = [
            Check(source=os.fsencode(source), archive=place, read=options.read, copies=copies) for source in once
        ]
        return [await engine.call(check, progress=progress) for check in wanted]

    try:
        found = asyncio.run(perform(engine, work))
    finally:
        window.close()
    if options.json:
        console.out.json(found, indent=2)
    else:
        for one in found:
            checked.tell(one, console.out)
    return Exit.FAILED if any(one.verdict is not Verdict.SAFE for one in found) else Exit.WELL
