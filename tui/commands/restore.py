"""lading restore: copies an original tree out of the archive."""

import argparse
import os

from tui.console.exits import Exit, StoppedError
from tui.console.output import Console

NAME = "restore"
HELP = "bring an import, a card or a location back under its original names"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Copies archived files to DEST as they lay on the card: original names, folders and times. What is read "
        "is compared with both digests. Nothing is overwritten: equal content is left, other content kept beside, "
        "as NAME-2. Several cards get a folder each. Stopped, the same command goes on. By date or under other "
        "names, sidecars, proxies and parts of a take stay with their owner, and card structures that are only "
        "whole as a tree (AVCHD, XDCAM, P2, R3D …) keep their places and names. With --find only the files that "
        "fit the words of WHAT, as of `lading find`: lading restore --find 'IMG_0012 card:EOS' DEST"
    )
    parser.add_argument("what", metavar="WHAT", help="the id of an import, a card or a location; or words to find")
    parser.add_argument("target", metavar="DEST", help="a folder outside the archive; it is made if there is none")
    parser.add_argument("--find", action="store_true", help="only the files that fit WHAT, each content once")
    parser.add_argument(
        "--links", action="store_true", help="make symbolic links again that point to what they pointed to"
    )
    parser.add_argument("--by-date", action="store_true", help="as YYYY/YYYY-MM-DD/NAME, by the day of capture")
    parser.add_argument(
        "--name",
        metavar="PATTERN",
        default="",
        help="other names, of {date}, {time}, {camera} and {stem}, such as '{date} {camera} {stem}'",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say where each file would go")
    parser.add_argument(
        "--portable",
        action="store_true",
        help="write what exFAT, NTFS and FAT cannot hold in a name as %%XX, such as %%3A for a colon",
    )
    parser.add_argument(
        "--archive",
        metavar="DIR",
        help="from this copy of the archive, a folder or rclone:NAME:PATH, not the one in use",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Restore, and print the result."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import Count
    from core.protocol.archive_requests import Restore
    from tui.console import import_selection, offsite, restored
    from tui.console.attached import perform
    from tui.console.progress import AuditLine, Quiet
    from tui.console.render_thread import Window

    console.keep_on()
    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    engine = Client(settings)
    quiet = options.json or not console.out.terminal
    window = Window[tuple[Count, Count]](Quiet(console.err) if quiet else AuditLine(console.out))
    target = os.path.abspath(options.target)
    request = Restore(
        name=options.what,
        target=os.fsencode(target),
        by_date=options.by_date,
        portable=options.portable,
        naming=options.name,
        dry=options.dry_run,
        archive=os.fsencode(_place(options.archive)) if options.archive else b"",
        find=options.find,
        links=options.links,
        environ=offsite.environ(),
    )

    def progress(done: Count, total: Count) -> None:
        window.show((done, total))

    try:
        found = asyncio.run(perform(engine, lambda: engine.call(request, progress=progress)))
    except StoppedError as error:
        raise StoppedError(error.cause, "The same command goes on from there.") from error
    finally:
        window.close()
    if options.json:
        console.out.json(found, indent=2)
    else:
        restored.tell(found, target, console.out)
    return Exit.FAILED if found.failed_count else Exit.WELL


def _place(path: str) -> str:
    from core.paths import is_remote

    return path if is_remote(path) else os.path.abspath(path)
