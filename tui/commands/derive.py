"""lading derive: queues jobs for what an archive's items lack."""

import argparse
import os

from core.words import counted
from tui.console.exits import Exit
from tui.console.output import Console

NAME = "derive"
HELP = "queue the metadata, thumbnails and proxies that an archive lacks"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Queues what items of an archive lack: metadata, probes, thumbnails, proxies, pairs, figures and bags. "
        "For an archive that was brought in without exiftool or ffmpeg, or whose database was built anew. What "
        "has failed for good stays so: see `lading retry`."
    )
    parser.add_argument("--archive", metavar="DIR", help="the archive, if not the configured one")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Queue the jobs."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.protocol.archive_requests import AddMissingJobs
    from tui.console.attached import perform
    from tui.console.json_answers import Added

    settings = config.load({"archive": options.archive}, os.environ)
    archive = config.needed_archive(settings, "look at")
    engine = Client(settings)
    request = AddMissingJobs(archive=os.fsencode(archive))
    added = asyncio.run(perform(engine, lambda: engine.call(request)))
    if options.json:
        console.out.json(Added(jobs=added))
    elif added:
        console.out.line(f"{counted(added, 'job')} added. See: lading queues")
    else:
        console.out.line("Nothing is missing.")
    return Exit.WELL
