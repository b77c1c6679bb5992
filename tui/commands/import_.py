"""lading import: imports sources as verified copies into the archive."""

import argparse
import os
from typing import TYPE_CHECKING, get_args

from core import import_choices
from core.errors import UsageError
from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.config import Config
    from core.models import ImportRequest

NAME = "import"
HELP = "copy sources into the archive, verified, with a receipt each"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Copies every file below each SRC into the archive, reads the copies back and says SAFE or KEEP for each "
        "source. Sources are only read. Several sources are imported side by side. Ctrl-C pauses "
        "cleanly; without the terminal they go on."
    )
    parser.add_argument("sources", nargs="+", metavar="SRC", help="a card, a drive, a folder or a file")
    parser.add_argument(
        "--archive",
        action="append",
        dest="archives",
        metavar="DIR",
        help="where to; it is made if there is none. May be repeated: the source is read once, each archive gets "
        "all of it, and SAFE takes as many copies on devices of their own",
    )
    parser.add_argument("--location", metavar="NAME", help="the place, subject or shoot that this belongs to")
    parser.add_argument(
        "--verify",
        choices=get_args(import_choices.Verification),
        help="read copies back (default); also the source a second time, or all copies again at the end; or none",
    )
    parser.add_argument(
        "--known",
        choices=get_args(import_choices.KnownFiles),
        help="read files that were imported before once more (default), or believe the record",
    )
    parser.add_argument(
        "--duplicates",
        choices=get_args(import_choices.DuplicateScope),
        help="a duplicate is what the archive (default) or the location already holds",
    )
    parser.add_argument(
        "--exclude", action="append", metavar="PATTERN", help="leave out names that match; may be repeated"
    )
    parser.add_argument(
        "--accept",
        action="append",
        choices=get_args(import_choices.Acceptable),
        help="what does not keep a source from being SAFE, once it is recorded: symbolic links, with their "
        "targets (lading restore --links makes them again); pipes, sockets and devices; what --exclude leaves "
        "out; files without extended attributes that could not be kept",
    )
    parser.add_argument(
        "--preset", default="", metavar="PRESET", help="the answers of [presets.NAME] in config.toml"
    )
    parser.add_argument("--label", default="", metavar="L", help="what the card is called, for one source")
    parser.add_argument("--operator", metavar="O", help="who imports, for the receipt")
    parser.add_argument("--note", default="", metavar="N", help="a note for the receipt")
    parser.add_argument("--libraries", action="store_true", help="enter photo libraries without asking")
    parser.add_argument("--icloud", action="store_true", help="fetch files that lie only in iCloud without asking")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and do nothing")
    parser.add_argument("--detach", action="store_true", help="begin, say the ids, and leave")
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="one JSON object a line")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: the same as --json")
    parser.add_argument("--quiet", action="store_true", help="no progress: only the end and errors")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Import, or with --dry-run survey."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui.console.json_answers import Started

    given = ("archives", "location", "operator", "verify", "known", "duplicates", "exclude", "accept")
    settings = config.load({key: getattr(options, key) for key in given}, os.environ, preset=options.preset)
    requests = _requests(options, settings)
    engine = Client(settings)
    if options.dry_run:
        from tui.console import dry_run
        from tui.console.attached import perform

        console.keep_on()
        surveys = asyncio.run(perform(engine, lambda: engine.survey(requests)))
        if len(surveys) < len(requests):
            console.err.line("A source that is another one, or lies in it, is imported with that.")
        return dry_run.tell(surveys, options.format, console.out)
    from tui.console import prompts
    from tui.console.attached import carry_out, perform

    archives = requests[0].archive, *requests[0].also
    _preflight([*(one.source for one in requests), *archives], console)
    unasked = not ((options.libraries and options.icloud) or options.quiet or options.format == "json")
    if unasked and prompts.possible(console):
        surveys = asyncio.run(perform(engine, lambda: prompts.look(engine, requests)))
        requests = prompts.ask(surveys, requests, console)

    async def begin() -> list[str]:
        ids = await engine.start_imports(requests)
        if len(ids) < len(requests) * len(archives):
            console.err.line("A source that is another one, or lies in it, is imported with that.")
        return ids

    if options.detach:
        for id in asyncio.run(perform(engine, begin)):
            if options.format == "json":
                console.out.json(Started(id=id))
            else:
                console.out.line(id)
        return Exit.WELL
    return carry_out(engine, begin, options.format, options.quiet, console)


def _requests(options: argparse.Namespace, settings: "Config") -> list["ImportRequest"]:
    """A request for each source. Raises UsageError."""
    from core import config
    from core.models import ImportRequest
    from core.protocol.import_requests import SOURCES

    archive, *also = settings.archives or (_needed(settings.archive, "archive", "DIR"),)
    location = _needed(settings.location, "location", "NAME")
    pattern = options.preset and not options.location and settings.presets[options.preset].location
    most = SOURCES // (1 + len(also))
    if len(options.sources) > most:
        raise UsageError(
            f"{len(options.sources):,} sources are given, {most} can be imported side by side at most.",
            "Give the folder that they lie in, or fewer at once.",
        )
    if options.label and len(options.sources) > 1:
        raise UsageError("--label names one source.", "Import them one by one, or leave the label out.")
    return [
        ImportRequest(
            source=os.path.abspath(source),
            archive=archive,
            also=tuple(also),
            location=_location_by_pattern(pattern, source, options.label) if pattern else location,
            label=options.label or os.path.basename(os.path.abspath(source)),
            operator=settings.operator,
            note=options.note,
            verify=settings.verify,
            known=settings.known,
            duplicates=settings.duplicates,
            exclude=settings.exclude,
            accept=settings.accept,
            libraries=options.libraries,
            icloud=options.icloud,
            copies=config.copies(settings),
        )
        for source in options.sources
    ]


def _location_by_pattern(pattern: str, source: str, label: str) -> str:
    """The location for a source by a preset's pattern."""
    from datetime import date

    from core import presets
    from core.volumes.probe import probe

    path = os.path.abspath(source)
    camera = probe(os.fsencode(path)).camera if "{camera}" in pattern else None
    return presets.location(
        pattern, label=label or os.path.basename(path), camera=camera or "", today=date.today()
    )


def _preflight(paths: list[str], console: Console) -> None:
    """Print one line for each path that macOS keeps from this program."""
    import sys

    if sys.platform == "darwin":
        from core.volumes import macos_permissions

        for line in macos_permissions.blocked_lines(macos_permissions.refusals(paths), os.environ):
            console.err.line(console.err.styled(console.err.text(line), "warn"))


def _needed(value: str | None, key: str, placeholder: str) -> str:
    if value is None:
        raise UsageError(
            f"There is no {key} to import to.",
            f"Give --{key} {placeholder}, or set LADING_{key.upper()}, or {key} in the configuration file.",
        )
    return value
