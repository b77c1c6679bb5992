"""lading import: sources in, a verified copy in the archive."""

import argparse
import os

from core.errors import UsageError
from tui.console.exits import Exit
from tui.console.output import Console

NAME = "import"
HELP = "copy sources into the archive, verified, with a receipt each"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Copies every file below each SRC into the archive, reads the copies back and says SAFE or KEEP for each "
        "source. Sources are only read. Several sources are imported side by side. Ctrl-C pauses "
        "cleanly; without the terminal they go on."
    )
    parser.add_argument("sources", nargs="+", metavar="SRC", help="a card, a drive, a folder or a file")
    parser.add_argument("--archive", metavar="DIR", help="where to; it is made if there is none")
    parser.add_argument("--location", metavar="NAME", help="the place, subject or shoot that this belongs to")
    parser.add_argument(
        "--verify",
        choices=("readback", "source", "none"),
        help="read copies back (default); also read the source a second time; or neither",
    )
    parser.add_argument(
        "--known",
        choices=("read", "record"),
        help="read files that were imported before once more (default), or believe the record",
    )
    parser.add_argument(
        "--duplicates",
        choices=("archive", "location"),
        help="a duplicate is what the archive (default) or the location already holds",
    )
    parser.add_argument(
        "--exclude", action="append", metavar="PATTERN", help="leave out names that match; may be repeated"
    )
    parser.add_argument("--label", default="", metavar="L", help="what the card is called, for one source")
    parser.add_argument("--operator", metavar="O", help="who imports, for the receipt")
    parser.add_argument("--note", default="", metavar="N", help="a note for the receipt")
    parser.add_argument("--libraries", action="store_true", help="enter photo libraries without asking")
    parser.add_argument("--icloud", action="store_true", help="fetch files that lie only in iCloud without asking")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and do nothing")
    parser.add_argument("--detach", action="store_true", help="begin, say the ids, and leave")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one object a line")
    parser.add_argument("--quiet", action="store_true", help="no progress: only the end and errors")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Import, or with --dry-run survey."""
    import asyncio

    from core import config
    from core.client.client import Client
    from core.models import ImportRequest

    given = ("archive", "location", "operator", "verify", "known", "duplicates", "exclude")
    settings = config.load({key: getattr(options, key) for key in given}, os.environ)
    archive = _needed(settings.archive, "archive", "DIR")
    location = _needed(settings.location, "location", "NAME")
    if options.label and len(options.sources) > 1:
        raise UsageError("--label names one source.", "Import them one by one, or leave the label out.")
    requests = [
        ImportRequest(
            source=os.path.abspath(source),
            archive=archive,
            location=location,
            label=options.label,
            operator=settings.operator,
            note=options.note,
            verify=settings.verify,
            known=settings.known,
            duplicates=settings.duplicates,
            exclude=settings.exclude,
            libraries=options.libraries,
            icloud=options.icloud,
        )
        for source in options.sources
    ]
    engine = Client(settings)
    if options.dry_run:
        from tui.console import preview
        from tui.console.running import perform

        surveys = asyncio.run(perform(engine, lambda: engine.survey(requests)))
        return preview.tell(surveys, options.format, console.out)
    from tui.console import asking
    from tui.console.running import carry_out, perform

    _preflight([*(one.source for one in requests), archive], console)
    unasked = not ((options.libraries and options.icloud) or options.quiet or options.format == "json")
    if unasked and asking.possible(console):
        surveys = asyncio.run(perform(engine, lambda: asking.look(engine, requests)))
        requests = asking.ask(surveys, requests, console)

    async def begin() -> list[str]:
        ids = await engine.start_imports(requests)
        if len(ids) < len(requests):
            console.err.line("A source that lies in another one is imported with that.")
        return ids

    if options.detach:
        for id in asyncio.run(perform(engine, begin)):
            if options.format == "json":
                console.out.json({"event": "started", "id": id})
            else:
                console.out.line(id)
        return Exit.WELL
    return carry_out(engine, begin, options.format, options.quiet, console)


def _preflight(paths: list[str], console: Console) -> None:
    """One line for each path that macOS keeps from this program."""
    import sys

    if sys.platform == "darwin":
        from core.volumes import privacy

        for line in privacy.blocks(privacy.refusals(paths), os.environ):
            console.err.line(console.err.styled(console.err.text(line), "warn"))


def _needed(value: str | None, key: str, placeholder: str) -> str:
    if value is None:
        raise UsageError(
            f"There is no {key} to import to.",
            f"Give --{key} {placeholder}, or set LADING_{key.upper()}, or {key} in the configuration file.",
        )
    return value
