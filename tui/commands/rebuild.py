"""lading rebuild: rebuilds the catalog from the archive alone."""

import argparse
import os
from typing import TYPE_CHECKING

from core.words import counted
from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.results import Rebuilt

NAME = "rebuild"
HELP = "make the catalog anew from what the archive itself holds"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Reads the journals, receipts and manifests in the archive, and the files that none of them tells of, "
        "into the catalog: after a lost database, or on another machine. Of several copies of the archive this "
        "one is in use from then on. A lost archive.toml is written anew. Nothing else in the archive is changed, "
        "nothing in the catalog removed; interrupted, it goes on the next time. Of a remote, rclone:NAME:PATH, "
        "only the records are brought; `lading restore` then brings the files that are asked for."
    )
    parser.add_argument(
        "archive", metavar="ARCHIVE", nargs="?", help="the archive, if not the configured one; or rclone:NAME:PATH"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Rebuild."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count
    from core.paths import is_remote
    from core.protocol.archive_requests import Rebuild
    from tui.console import offsite
    from tui.console.attached import perform
    from tui.console.progress import Quiet, TakenIn
    from tui.console.render_thread import Window

    console.keep_on()
    settings = config.load({"archive": options.archive}, os.environ)
    archive = config.needed_archive(settings, "read", by="its folder")
    engine = Client(settings)
    quiet = options.json or not console.out.terminal
    window = Window[tuple[Count, Count]](Quiet(console.err) if quiet else TakenIn(console.out))
    request = Rebuild(archive=os.fsencode(archive), environ=offsite.environ() if is_remote(archive) else None)

    def progress(new: Count, total: Count) -> None:
        window.show((new, total))

    try:
        found = asyncio.run(perform(engine, lambda: engine.call(request, progress=progress)))
    finally:
        window.close()
    if options.json:
        console.out.json(found, indent=2)
    else:
        tell(found, console.out)
    return Exit.FAILED if found.damaged or found.problems else Exit.WELL


def tell(found: "Rebuilt", out: Output) -> None:
    """Print the result for a person."""
    from tui import format

    if found.id:
        out.line(f"The archive's id was lost, and is there again: {out.text(found.id)}.")
    if found.instead_of:
        out.line(f"This copy of the archive is the one in use now, no more that at {out.text(found.instead_of)}.")
        out.line("What is known of damage stays with the copy it was found in. Have this one read: lading audit")
    parts = (
        counted(found.locations, "location"),
        counted(found.imports, "import") + (f" ({found.unfinished} unfinished)" if found.unfinished else ""),
        f"{counted(found.items, 'item')} ({format.size(found.bytes)})",
    )
    out.line(f"In the catalog: {', '.join(parts)}.")
    if found.unrecorded_count:
        out.line(f"Taken in without a record of where from: {counted(found.unrecorded_count, 'file')}.")
        _list(found.unrecorded, found.unrecorded_count, out)
    if found.damaged:
        out.line(f"Recorded, but gone or damaged: {counted(found.damaged, 'file')}. See: lading audit")
    if found.problems:
        out.line("Of no use were:")
        _list(found.problems, len(found.problems), out)
    if found.remote:
        remote = out.text(found.remote)
        out.line(f"Nothing was read of the files at {remote}: names can be searched,")
        out.line("but no dates of capture, cameras or places are known, and there are no thumbnails.")
        out.line("Next: lading restore WHAT DEST, or bring all of it, and have it read:")
        out.line(f"lading mirror {remote} DIR; lading rebuild DIR")
    if found.jobs:
        out.line(f"{counted(found.jobs, 'job')} in the background; what was made before is found again.")


def _list(lines: tuple[str, ...], count: int, out: Output) -> None:
    for line in lines:
        out.line(f"  {out.text(line)}")
    if count > len(lines):
        out.line(f"  and {count - len(lines)} more")
