"""The report of an import as PDF: the content of the HTML page, laid out for paper.

The command or app that asks for it makes it in its own process, in memory: a few kilobytes for each picture, a few
hundred bytes for each file.
"""

import sys
import time
from collections.abc import Awaitable, Callable, Iterable

from core import VERSION
from core.catalog import file_sets
from core.catalog.file_sets import FileSet
from core.database import Read
from core.models import Count, Outcome
from core.paths import display
from core.receipts import checksum_lists
from core.receipts.files import pages
from core.receipts.formats import checked_pages
from core.receipts.text import OUTCOME_WORDS
from core.receipts.timestamps import stamp_ns
from core.reports import fonts
from core.reports.contents import Contents, Overview, clock, contents, duration_words, length, overview, size
from core.reports.paper import DIM, TONES, Paper
from core.reports.tiles import Tile, tiles
from core.words import counted

Picture = Callable[[str], Awaitable[bytes]]
"""Returns the smallest thumbnail of the item with a SHA-256, a JPEG file; empty where there is none."""

PICTURES_PER_ROW = 4
"""Pictures per row."""

SPACE = 4.0
"""Millimetres between pictures."""

CAPTION = 11.5
"""Millimetres of the three lines below a picture."""

ROW = 4.0
"""Millimetres of a row in the list of files; a digest is on the same page as its name."""


async def report(
    read: Read, name: str, picture: Picture, places: Iterable[str] = fonts.folders(sys.platform)
) -> bytes:
    """The report of the import `name` as a PDF file, with fonts from the folders `places`.

    Raises UsageError, DatabaseError, and what `picture` raises.
    """
    told = await contents(read, name)
    files = file_sets.of_import(told.heading.import_id)
    paper = Paper(told.title, f"Lading {VERSION}", places)
    _write_verdict(paper, told)
    await _write_trouble(paper, read, told)
    _write_numbers(paper, told)
    _write_overview(paper, await overview(read, files))
    await _write_sheet(paper, read, files, picture)
    await _write_files(paper, read, told)
    _write_end(paper)
    return bytes(paper.pdf.output())


def _write_verdict(paper: Paper, told: Contents) -> None:
    paper.text(f"Bill of lading {told.head.id}", colour=DIM)
    paper.text(told.title, 20, bold=True)
    paper.pdf.ln(2)
    word, colon, reason = told.verdict.partition(":")
    paper.text(word, 16, bold=True, colour=TONES[told.tone])
    if colon:
        paper.text(reason.strip(), 11)
    if told.meaning:
        paper.text(told.meaning, 11)
    paper.heading("What that rests on")
    for sentence in told.proven:
        paper.text(f"- {sentence}")


async def _write_trouble(paper: Paper, read: Read, told: Contents) -> None:
    found = told.heading
    if count := told.head.totals.failed.files:
        paper.heading(f"Failed: {count:,}")
        async for page in pages(read, found.import_id, found.root, found.last, (Outcome.FAILED,)):
            for row in page:
                paper.row([display(row.path), display(f"{row.reason} {row.detail}")], (0.5, 0.5))
    if told.unopenable:
        paper.heading(f"Cannot be opened: {len(told.unopenable):,}")
        paper.text("Archived as they are; they may have been damaged before.", colour=DIM)
        for path, why in told.unopenable:
            paper.row([path, why], (0.5, 0.5))
    if told.differing:
        paper.heading(f"Differ from what was imported before: {len(told.differing):,}")
        paper.text("Size and time are the same, the content is not. Both are kept.", colour=DIM)
        for path, when, payload in told.differing:
            paper.row([path, f"imported {when}: {payload}"], (0.5, 0.5))
    if told.not_as_listed:
        paper.heading(f"Not as a checksum list says: {checksum_lists.named_count(told.not_as_listed)}")
        paper.text("Archived as they are: the file or the list has changed.", colour=DIM)
        for path, how in told.not_as_listed:
            paper.row([path, how], (0.5, 0.5))
    if told.not_there:
        paper.heading(f"Listed, but not on the source: {checksum_lists.named_count(told.not_there)}")
        for path, of in told.not_there:
            paper.row([path, f"in {of}"], (0.5, 0.5))
    if told.lists:
        paper.heading("Checksum lists on the source")
        for sentence in told.lists:
            paper.text(f"- {sentence}")


def _write_numbers(paper: Paper, told: Contents) -> None:
    paper.heading("Import")
    for name, lines in told.facts:
        for number, line in enumerate(lines):
            paper.row(["" if number else name, line], (0.22, 0.78), dim=(0,))
    for title, counts in (("Entries", told.outcomes), ("Kind", told.kinds)):
        if counts:
            paper.pdf.ln(2)
            _write_counts(paper, title, counts)


def _write_counts(paper: Paper, title: str, counted: list[tuple[str, Count]]) -> None:
    widths = (0.22, 0.12, 0.14)
    paper.row([title, "Files", "Size"], widths, right=(1, 2), dim=(0, 1, 2))
    for word, count in counted:
        paper.row([word, f"{count.files:,}", size(count.bytes)], widths, right=(1, 2))


def _write_overview(paper: Paper, over: Overview) -> None:
    if not over.cameras:
        return
    paper.heading("Cameras")
    widths = (0.5, 0.12, 0.14, 0.14)
    paper.row(["Camera", "Shots", "Size", "Length"], widths, right=(1, 2, 3), dim=(0, 1, 2, 3))
    for name, count, bytes_, seconds in over.cameras:
        told = [name, f"{count:,}", size(bytes_), duration_words(seconds) if seconds else ""]
        paper.row(told, widths, right=(1, 2, 3))
    paper.heading("Timeline")
    row = (0.2, 0.12, 0.25, 0.43)
    paper.row(["Day", "Shots", "Hours", "0 to 24 h"], row, right=(1, 3), dim=(0, 1, 2, 3))
    for day in over.days:
        if day.bars:
            paper.room(8)
            paper.pdf.ln(3)
        span = f"{day.first} to {day.last}" if day.first else ""
        paper.row([display(day.name), f"{day.count:,}", span], row[:3], right=(1,), dim=(2,))
        if day.bars:
            paper.bars([(hour, height) for hour, height, _ in day.bars], 24, 6)


async def _write_sheet(paper: Paper, read: Read, files: FileSet, picture: Picture) -> None:
    last: tuple[str, str] | None = None
    at = 0
    async for page in tiles(read, files):
        for tile in page:
            over = (tile.day or "no date", tile.camera or "camera not known")
            if over != last:
                _end_row(paper, at)
                row = _tile_size(paper)[1] + CAPTION
                if last is None:
                    paper.heading("Contact sheet", 14, row + 15)
                paper.heading(f"{over[0]}  {over[1]}", 10, row)
                last, at = over, 0
            await _write_tile(paper, tile, at % PICTURES_PER_ROW, picture)
            at += 1
            if at % PICTURES_PER_ROW == 0:
                _end_row(paper, PICTURES_PER_ROW)
    _end_row(paper, at)


def _tile_size(paper: Paper) -> tuple[float, float]:
    width = (paper.width - SPACE * (PICTURES_PER_ROW - 1)) / PICTURES_PER_ROW
    return width, width * 2 / 3


async def _write_tile(paper: Paper, tile: Tile, column: int, picture: Picture) -> None:
    width, height = _tile_size(paper)
    if column == 0:
        paper.room(height + CAPTION)
    left, top = paper.pdf.l_margin + column * (width + SPACE), paper.pdf.get_y()
    data = await picture(tile.sha256) if tile.picture else b""
    paper.picture(data, (left, top, width, height), tile.note or tile.kind)
    moment = clock(tile.at) + (" (file's time)" if tile.at and not tile.taken else "")
    facts = [moment, *([length(tile.duration)] if tile.duration else [])]
    facts += [f"{tile.frames:,} frames"] if tile.frames > 1 else []
    lines = [(tile.name, True), (" · ".join([*facts, *tile.marks]), False), (tile.lens, False)]
    paper.caption(lines, left, top + height + 0.5, width)
    paper.pdf.set_xy(paper.pdf.l_margin, top)


def _end_row(paper: Paper, count: int) -> None:
    if count == PICTURES_PER_ROW or count % PICTURES_PER_ROW:
        paper.pdf.set_xy(paper.pdf.l_margin, paper.pdf.get_y() + _tile_size(paper)[1] + CAPTION + SPACE / 2)


async def _write_files(paper: Paper, read: Read, told: Contents) -> None:
    paper.heading(f"Every file, with its SHA-256: {told.head.totals.seen.files:,}")
    widths = (0.5, 0.14, 0.25, 0.11)
    async for page in checked_pages(read, told.heading):
        for row in page:
            what = OUTCOME_WORDS[row.outcome]
            told_of = f"{what}: {row.reason} {row.detail}" if row.reason else what
            paper.room(2 * ROW)
            cells = [display(row.path), display(told_of), stamp_ns(row.mtime_ns, told.zone), f"{row.size:,}"]
            paper.row(cells, widths, right=(3,), size=7)
            if row.sha256:
                paper.row([row.sha256], (1.0,), size=6, dim=(0,))


def _write_end(paper: Paper) -> None:
    paper.pdf.ln(4)
    if count := paper.fonts.unshown:
        paper.text(
            f"{counted(count, 'character is', 'characters are')} written as \\uXXXX, the number of each in "
            "Unicode: no font of the machine that made this has them.",
            colour=DIM,
        )
    paper.text(f"Made by Lading {VERSION}, {time.strftime('%Y-%m-%d %H:%M')}.", colour=DIM)
