"""lading find: searches for files in the archive."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import WIDE, Console, Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.client.api import EngineCalls
    from core.listings import FileView

NAME = "find"
HELP = "find archived files by name, date, camera, card, location, kind, import or digest"


def _when(file: "FileView") -> str:
    """The date by which a file is sorted: that of capture, or else when it was changed, as text of one form."""
    import time

    return file.captured or time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(file.mtime))


def _named(file: "FileView") -> tuple[str, str]:
    return os.path.basename(file.path).casefold(), file.path


ORDERS: dict[str, "Callable[[FileView], str | int | tuple[str, str]]"] = {
    "date": _when,
    "size": lambda file: file.size,
    "name": _named,
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Lists the files that fit all WORDs. A word is looked for in original path, camera, location, label and "
        "import; *, ? and […] make it a pattern of the whole name. A date is 2025, 2025-12, 2025-12-06 or a "
        "range, 2025-12-01..2025-12-06. camera:, card:, location:, import:, kind:, ext:, date: and hash: say "
        "where to look; a hash may be the beginning of either digest. 'size>2GB' and 'size<500kB' go by size; a "
        "shell needs the quotes. outcome: finds what was not archived, too: archived, duplicate, skipped, junk, "
        "failed or todo. +4 behind an import: so many more had the same content."
    )
    parser.add_argument("words", nargs="+", metavar="WORD", help="what to look for")
    parser.add_argument(
        "--sort",
        choices=ORDERS,
        metavar="ORDER",
        help="date: the newest first; size: the largest first; name: by file name; otherwise as they were "
        "imported, the newest first",
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Search and list."""
    from core import config
    from tui.console.import_selection import any_yet
    from tui.console.one_shot import once

    settings = config.load({}, os.environ)
    text = " ".join(quoted(word) for word in options.words)
    found, more = list["FileView"](), False
    if any_yet(settings.home):
        found, more = once(settings, lambda engine: _all(engine, text), looking=True)
    if options.sort:
        found.sort(key=ORDERS[options.sort], reverse=options.sort != "name")
    if options.json:
        console.out.json(found, indent=2)
    else:
        _list(found, console.out)
        if any(not file.captured for file in found):
            console.err.line(f"{NOT_CAPTURED_MARK} when the file was changed: its date of capture is not known.")
    if not found:
        console.err.line("Nothing fits.")
    if more:
        from tui import format

        console.err.line(f"There are more than these {format.number(len(found))}: give another word.")
    return Exit.WELL


def quoted(word: str) -> str:
    """Quote a word of the command line as one word of a search."""
    return '"' + word.replace('"', "") + '"' if any(map(str.isspace, word)) and ":" not in word else _value(word)


def _value(word: str) -> str:
    name, colon, value = word.partition(":")
    return f'{name}{colon}"{value}"' if any(map(str.isspace, value)) and '"' not in value else word


async def _all(engine: "EngineCalls", text: str) -> tuple[list["FileView"], bool]:
    page = await engine.files(text=text)
    found, total, more = list(page.files), page.total, page.more
    while page.files and len(found) < total:
        page = await engine.files(text=text, offset=len(found))
        found += page.files
    return found, more


NOT_CAPTURED_MARK = "*"
"""Stands behind a date that is not one of capture."""


def _date(file: "FileView", *, zone: bool = False) -> str:
    from tui import format

    when = format.capture_date(file.captured)
    return (when if zone else when[:16]) or format.moment(file.mtime) + NOT_CAPTURED_MARK


def _short(found: list["FileView"], out: Output) -> None:
    """Print a short list: first what distinguishes files (end of the name, day, import). It must fit into 80
    columns."""
    from tui import format
    from tui.console.progress import ID_TAIL
    from tui.glyphs import Glyphs

    glyphs = Glyphs(utf8=out.utf8)
    rows = [["NAME", "DATE", "SIZE", "IMPORT", "LOCATION", "CAMERA"]]
    for file in found:
        name = out.text(f"{file.path} ({file.sequence})" if file.sequence else file.path)
        damaged = " DAMAGED" if file.damage else ""
        rows.append(
            [
                glyphs.tail(name, NAME_COLUMNS) + damaged,
                _date(file),
                format.size(file.size),
                format.brought_by(out.text(file.import_id)[-ID_TAIL:], file.imports),
                out.text(file.location),
                out.text(file.camera),
            ]
        )
    if found:
        out.table(rows, out.room())


NAME_COLUMNS = 26
"""Columns that are left for a name beside the rest."""


def _list(found: list["FileView"], out: Output) -> None:
    from tui import format
    from tui.console.details import named
    from tui.glyphs import Glyphs

    room = out.room()
    if 0 < room < WIDE:
        _short(found, out)
        return
    glyphs = Glyphs(utf8=out.utf8)
    copied = any(file.copies for file in found)
    # What can be long comes last.
    rows = [["DATE", "SIZE", "CAMERA", "LOCATION", "IMPORT", *["ALSO IN"] * copied, "NAME", "ARCHIVED AS"]]
    for file in found:
        payload = f"{file.archive}/{file.payload}" if file.payload else file.outcome.word.replace("todo", "to do")
        name = out.text(f"{file.path} ({file.sequence})" if file.sequence else file.path)
        texts = (
            _date(file, zone=True),
            format.size(file.size),
            file.camera,
            file.location,
            format.brought_by(file.import_id, file.imports),
            *[", ".join(map(named, file.copies)) or "-"] * copied,
        )
        rows.append([*map(out.text, texts), glyphs.tail(name, room // 4) if room else name, out.text(payload)])
    if found:
        out.table(rows, room)
