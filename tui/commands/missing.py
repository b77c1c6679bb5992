"""lading missing: lists the files of a source that are not in the archive."""

import argparse
import os
from typing import TYPE_CHECKING

from core.words import counted
from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.results import CheckResult

NAME = "missing"
HELP = "list what of a source is not yet in the archive, by content"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Reads every file of each SRC and lists those whose content the archive does not hold, whatever its name "
        "may be there; also what cannot be read or listed. Neither side is changed. The exit status is 1 when "
        "something is missing, and when nothing was found."
    )
    parser.add_argument("sources", nargs="+", metavar="SRC", help="a card, a drive, a folder or a file")
    parser.add_argument("--archive", metavar="DIR", help="the archive, if not the configured one")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--null", action="store_true", help="paths as they are, each ended by NUL, for xargs -0")
    form.add_argument(
        "--json", action="store_true", help="one JSON object a line: path, and the reason when it cannot be read"
    )


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Compare the sources, one after the other."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count, Verdict
    from core.paths import decode
    from core.protocol.archive_requests import Missing
    from tui import format
    from tui.console.attached import perform
    from tui.console.json_answers import Lacking
    from tui.console.progress import AuditLine, Quiet
    from tui.console.render_thread import Window

    console.err.keep_on()
    settings = config.load({"archive": options.archive}, os.environ)
    archive = config.needed_archive(settings, "compare with")
    engine = Client(settings)
    # The bar is only shown on a terminal to which the list of paths is not printed.
    bar = console.err.terminal and not console.out.terminal
    window = Window[tuple[Count, Count]](AuditLine(console.err) if bar else Quiet(console.err))
    sources = [os.path.abspath(source) for source in options.sources]
    told = 0

    def progress(done: Count, total: Count) -> None:
        window.show((done, total))

    def found(path: bytes, why: str) -> None:
        nonlocal told
        told += 1
        if options.null:
            console.out.raw(path + b"\0")
        elif options.json:
            console.out.json(Lacking(path=os.fsdecode(path), reason=why or None))
        else:
            console.out.line(console.out.text(path) + (f"  ({console.out.text(why)})" if why else ""))

    def hear(text: str) -> None:
        for line in text.splitlines():
            path, _, why = line.partition("\t")
            found(decode(path), why)

    async def work() -> list["CheckResult"]:
        once = await engine.distinct(sources) if len(sources) > 1 else sources
        wanted = [Missing(source=os.fsencode(source), archive=os.fsencode(archive)) for source in once]
        return [await engine.call(missing, progress=progress, text=hear) for missing in wanted]

    try:
        results = asyncio.run(perform(engine, work))
    except BrokenPipeError:
        # The reader has closed the pipe before the end of the list, so something is missing.
        return Exit.FAILED
    finally:
        window.close()
    for empty in (one for one in results if one.verdict is Verdict.OPEN):
        console.err.line(f"{console.err.text(empty.source)}: {console.err.text(empty.note)}.")
    lacking = sum(one.files_count for one in results)
    there = sum(one.safe.files for one in results)
    others = f"; not files, and so not listed: {format.number(lacking - told)}" if lacking > told else ""
    console.err.line(f"{counted(told, 'file')} missing, {format.number(there)} in the archive{others}.")
    return Exit.WELL if all(one.verdict is Verdict.SAFE for one in results) else Exit.FAILED
