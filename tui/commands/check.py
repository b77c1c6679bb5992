"""lading check: is every file of a source in the archive?"""

import argparse
import os
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.results import CheckResult

NAME = "check"
HELP = "say whether every file of a source is archived, verified and still there"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Lists each SRC and says SAFE or KEEP, with the reasons. By the record that is done at once; with --read "
        "the source's files are read again, and the archived ones past the cache. Neither is changed. The exit "
        "status is 1 when a source must be kept."
    )
    parser.add_argument("sources", nargs="+", metavar="SRC", help="a card, a drive, a folder or a file")
    parser.add_argument("--archive", metavar="DIR", help="the archive, if not the configured one")
    parser.add_argument("--read", action="store_true", help="compare contents, not only the record")
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Check them, one after the other."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count, Verdict
    from tui.console.progress import Audited, Quiet
    from tui.console.running import perform
    from tui.console.window import Window

    settings = config.load({"archive": options.archive}, os.environ)
    archive = settings.archive
    if archive is None:
        raise UsageError("There is no archive to check against.", "Give --archive DIR, or set LADING_ARCHIVE.")
    engine = Client(settings)
    quiet = options.json or not options.read or not console.out.terminal
    window = Window[tuple[Count, Count]](Quiet(console.err) if quiet else Audited(console.out))
    sources = [os.path.abspath(source) for source in options.sources]

    async def work() -> list["CheckResult"]:
        def progress(done: Count, total: Count) -> None:
            window.show((done, total))

        return [await engine.check(source, archive, progress, read=options.read) for source in sources]

    try:
        found = asyncio.run(perform(engine, work))
    finally:
        window.close()
    if options.json:
        console.out.json(found, indent=2)
    else:
        for one in found:
            tell(one, console.out)
    return Exit.FAILED if any(one.verdict is not Verdict.SAFE for one in found) else Exit.WELL


NAMED = 20
"""Files that are named to a person."""


def tell(found: "CheckResult", out: Output) -> None:
    """One source's verdict."""
    from core.models import Verdict
    from tui import format

    safe = found.verdict is Verdict.SAFE
    word = out.styled(str(found.verdict), "good" if safe else "bad")
    how = "by content" if found.read else "by the record"
    amount = f"{format.counted(found.safe.files, 'file')} ({format.size(found.safe.bytes)})"
    out.line(f"{word}  {out.text(found.source)}: {amount} archived and there, {how}")
    for reason, count in found.reasons:
        out.line(f"  {format.number(count)} {reason}")
    for path, why in found.files[:NAMED]:
        out.line(f"    {out.text(path)}: {out.text(why)}")
    if (more := sum(count for _, count in found.reasons) - NAMED) > 0:
        out.line(f"    and {format.number(more)} more")
