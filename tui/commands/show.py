"""lading show: prints everything known of a file."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.client.api import EngineCalls
    from core.config import Config
    from core.details import ItemView

NAME = "show"
PICTURED = 4
"""The most items of one name that are shown with pictures."""

WIDEST, HIGHEST = 60, 20
"""The most columns and rows of a picture."""

MANY_COLORS = 256

INSTEAD = "Use its path in the archive, or: lading serve."

HELP = "show all that is known of an archived file"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Shows what is known of an archived file: names, imports, metadata, what belongs to it, where it lies. "
        "In a terminal also its picture. With --json also all that exiftool and ffprobe said."
    )
    parser.add_argument(
        "what",
        metavar="HASH|PATH",
        help="a digest or its first digits; a path in the archive or on the card",
    )
    parser.add_argument("--open", action="store_true", help="open a copy of a photo, film or sound in its program")
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Print the items."""
    from core import config
    from core.paths import display
    from core.protocol.archive_requests import ShowItems
    from tui.console import details, import_selection
    from tui.console.one_shot import once

    settings = config.load({}, os.environ)
    import_selection.needed(settings.home)
    path = os.fsencode(os.path.realpath(options.what))
    request = ShowItems(wanted=display(options.what), path=path, raw=options.json)
    found = once(settings, lambda engine: engine.call(request), looking=True)
    pictures = {} if options.json else _pictures(settings, found, console.out)
    if options.json:
        console.out.json(found, indent=2)
    else:
        for number, item in enumerate(found):
            if number:
                console.out.line()
            if picture := pictures.get(item.sha256):
                console.out.write(picture)
            details.tell(item, console.out)
    if options.open:
        _open(settings, found, console)
    return Exit.WELL


def _open(settings: "Config", found: "list[ItemView]", console: Console) -> None:
    """Open a copy of the only item in the system's viewer. Raises LadingError."""
    import sys

    from core.errors import UsageError
    from core.words import counted
    from tui import viewer
    from tui.console.one_shot import once

    if len(found) != 1:
        meant = counted(len(found), "file")
        raise UsageError(f"one file can be opened, and it means {meant}.", "Name one by its digest.")
    (item,) = found
    name = item.originals[0].path if item.originals else item.path
    viewer.program(sys.platform, os.environ, INSTEAD)
    path = once(settings, lambda engine: engine.copy_to_view(item.sha256, name))
    console.err.line(console.err.text(path))
    viewer.show(path, INSTEAD)


def _pictures(settings: "Config", found: "list[ItemView]", out: Output) -> dict[str, str]:
    """Pictures of items, by SHA-256, as text for the terminal: in pixels if it says that it shows them, else in
    half blocks. Empty if the terminal cannot show pictures or no engine runs; pictures that cannot be read are
    left out."""
    from core.client import sync_client
    from core.errors import LadingError
    from tui import graphics, half_blocks, pixels
    from tui.console.one_shot import once

    if not (out.terminal and out.utf8 and out.colors == MANY_COLORS and sync_client.engine_runs(settings.home)):
        return {}
    columns, rows = out.size()
    room = min(columns, WIDEST), min(rows // 2, HIGHEST)
    made: dict[str, str] = {}
    how: graphics.Graphics | None = None
    for item in found[:PICTURED]:
        try:
            data = once(settings, lambda engine, item=item: _picture(engine, item))  # type: ignore[misc]
        except LadingError:
            continue
        # The terminal is asked only if there is a picture to show.
        how = how or (graphics.ask(*_terminal(), os.environ) if data else None)
        if how is not None and how.way:
            made[item.sha256] = pixels.escape_sequences(data, how, *room)
        else:
            made[item.sha256] = half_blocks.escaped(half_blocks.cells(data, *room))
    return made


async def _picture(engine: "EngineCalls", item: "ItemView") -> bytes:
    """Six frames of a film, a thumbnail of anything else."""
    strip = await engine.film_strip(item.sha256) if item.kind == "videos" else b""
    return strip or await engine.picture(item.sha256)


def _terminal() -> tuple[int, int]:
    """The descriptors that keys come from and pictures go to."""
    import sys

    keys = sys.__stdin__.fileno() if sys.__stdin__ is not None else -1
    return keys, sys.__stdout__.fileno() if sys.__stdout__ is not None else -1
