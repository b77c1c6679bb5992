"""lading show: all that is known of a file."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.shown import ItemView

NAME = "show"
HELP = "show all that is known of an archived file"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Shows what is known of an archived file: names, imports, metadata, what belongs to it, where it lies. "
        "With --json also all that exiftool and ffprobe said."
    )
    parser.add_argument(
        "what",
        metavar="HASH|PATH",
        help="a digest or its first digits; a path in the archive or on the card",
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Show."""
    from core import config
    from core.paths import display
    from tui.console import records, sheet
    from tui.console.once import once

    settings = config.load({}, os.environ)
    records.needed(settings.home)
    path = os.fsencode(os.path.realpath(options.what))
    wanted = display(options.what)
    found = once(settings, lambda engine: engine.show(wanted, path, raw=options.json))
    if options.json:
        console.out.json([_whole(item) for item in found], indent=2)
    else:
        for number, item in enumerate(found):
            if number:
                console.out.line()
            sheet.tell(item, console.out)
    return Exit.WELL


def _whole(item: "ItemView") -> dict[str, object]:
    """With what the tools said as JSON of its own."""
    import json

    import msgspec

    told: dict[str, object] = msgspec.to_builtins(item)
    for tool in ("exiftool", "ffprobe"):
        said = getattr(item, tool)
        told[tool] = json.loads(said) if said else None
    return told
