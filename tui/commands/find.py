"""lading find: files in the archive, by what is known of them."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.client.calls import Calls
    from core.models import FileView

NAME = "find"
HELP = "find archived files by name, date, camera, card, location, kind, import or digest"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Lists the files that fit all WORDs. A word is looked for in original path, camera, location, label and "
        "import; *, ? and […] make it a pattern of the whole name. A date is 2025, 2025-12, 2025-12-06 or a "
        "range, 2025-12-01..2025-12-06. camera:, card:, location:, import:, kind:, date: and hash: say where to "
        "look; a hash may be the beginning of either digest."
    )
    parser.add_argument("words", nargs="+", metavar="WORD", help="what to look for")
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Search and list."""
    from core import config
    from tui.console.once import once
    from tui.console.records import any_yet

    settings = config.load({}, os.environ)
    text = " ".join(_quoted(word) for word in options.words)
    found, more = list["FileView"](), False
    if any_yet(settings.home):
        found, more = once(settings, lambda engine: _all(engine, text))
    if options.json:
        console.out.json(found, indent=2)
    else:
        _list(found, console.out)
    if not found:
        console.err.line("Nothing fits.")
    if more:
        from tui import format

        console.err.line(f"There are more than these {format.number(len(found))}: give another word.")
    return Exit.WELL


def _quoted(word: str) -> str:
    """One word of the command line as one of a query."""
    return '"' + word.replace('"', "") + '"' if any(map(str.isspace, word)) and ":" not in word else _value(word)


def _value(word: str) -> str:
    name, colon, value = word.partition(":")
    return f'{name}{colon}"{value}"' if any(map(str.isspace, value)) and '"' not in value else word


async def _all(engine: "Calls", text: str) -> tuple[list["FileView"], bool]:
    page = await engine.files(text=text)
    found, total, more = list(page.files), page.total, page.more
    while page.files and len(found) < total:
        page = await engine.files(text=text, offset=len(found))
        found += page.files
    return found, more


def _list(found: list["FileView"], out: Output) -> None:
    from tui import format

    rows = [["NAME", "SIZE", "DATE", "CAMERA", "LOCATION", "IMPORT", "ARCHIVED AS"]]
    for file in found:
        when = file.captured[:16].replace("T", " ") or format.moment(file.mtime)
        payload = f"{file.archive}/{file.payload}" if file.payload else file.outcome.name.lower()
        texts = (file.path, format.size(file.size), when, file.camera, file.location, file.import_id, payload)
        rows.append([out.text(text) for text in texts])
    if found:
        out.table(rows)
