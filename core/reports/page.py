"""Rendering the pages, piece by piece: templates in `templates/`, filled from the catalog while they are streamed.

Names and all text from files pass `display` and then Jinja2's escaping, so that they are text in every view. The
Content-Security-Policy lets a page load pictures and films, its own style, and nothing else.
"""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from core import VERSION
from core.catalog import file_sets
from core.catalog.file_sets import FileSet
from core.database import Read
from core.models import Outcome
from core.paths import display
from core.receipts import checksum_lists
from core.receipts.files import ReceiptRow, pages
from core.receipts.formats import checked_pages
from core.receipts.text import OUTCOME_WORDS
from core.receipts.timestamps import stamp_ns
from core.reports.contents import clock, contents, duration_words, length, overview, size
from core.reports.links import KnownAddresses, Links
from core.reports.select import Chosen
from core.reports.tiles import Tile, tiles

if TYPE_CHECKING:
    from jinja2 import Environment, Template

TEMPLATES = Path(__file__).parent / "templates"

LEAST_PIECE = 64 << 10
"""The fewest characters of a piece, except for the last."""

PLAYERS = 200
"""The most films that play within a page of which they are no part. A player takes 60 KiB of a browser's memory
(Chromium 156), also before it plays; films of a page with more of them are links, and play alone."""

ROWS_RENDERED = 200
"""Rows of the list of files that are rendered at a time."""


async def report(read: Read, name: str, links: Links) -> AsyncIterator[str]:
    """The report of the import `name`. What was yielded before an error must be discarded.

    Raises UsageError, DatabaseError, and what `links` raise.
    """
    told = await contents(read, name)
    head, import_id = told.head, told.heading.import_id
    filled = _template("report.html").generate_async(
        told=told,
        head=head,
        title=told.title,
        listed=checksum_lists.named_count,
        failed=pages(read, import_id, told.heading.root, told.heading.last, (Outcome.FAILED,)),
        files=_rows(checked_pages(read, told.heading), lambda ns: stamp_ns(ns, told.zone)),
        **await _shared(read, file_sets.of_import(import_id), links),
    )
    async for piece in _pieces(filled):
        yield piece


async def sheet(read: Read, chosen: Chosen, links: Links, *, beside: str = "") -> AsyncIterator[str]:
    """The sheet of a set of files; `beside`: a line of plain text below its title.

    Raises DatabaseError, and what `links` raise.
    """
    shared = await _shared(read, chosen.files, links)
    filled = _template("sheet.html").generate_async(title=chosen.title, what=chosen.what, beside=beside, **shared)
    async for piece in _pieces(filled):
        yield piece


async def _pieces(filled: AsyncIterator[str]) -> AsyncIterator[str]:
    parts, length = list[str](), 0
    async for part in filled:
        parts.append(part)
        length += len(part)
        if length >= LEAST_PIECE:
            yield "".join(parts)
            parts, length = [], 0
            # Other tasks get a turn.
            await asyncio.sleep(0)
    yield "".join(parts)


async def _shared(read: Read, files: FileSet, links: Links) -> dict[str, Any]:
    """The values that the templates of both pages need."""
    over = await overview(read, files)
    players = over.films <= PLAYERS or not isinstance(links, KnownAddresses)
    return {
        "tiles": _tiles(read, files, links, players=players),
        "over": over,
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "style": style(),
        "style_hash": base64.b64encode(hashlib.sha256(style().encode()).digest()).decode(),
        "version": VERSION,
    }


async def _tiles(read: Read, files: FileSet, links: Links, *, players: bool) -> AsyncIterator[Markup]:
    """Tiles as HTML: a whole page of them at a time where their addresses are known, else in the pieces in which
    files are read."""
    last: tuple[str, str] | None = None
    async for page in tiles(read, files):
        sections: list[tuple[tuple[str, str], bool, list[Tile]]] = []
        for over, group in groupby(page, _heading):
            sections.append((over, over != last, list(group)))
            last = over
        if isinstance(links, KnownAddresses):
            template = _template("tiles.html", at_once=True)
            yield _safe(template.render(sections=sections, address=links.pieces, players=players))
            continue
        values = {"sections": sections, "address": links.pieces, "players": players}
        async for piece in _template("tiles.html").generate_async(values):
            yield _safe(piece)


async def _rows(found: AsyncIterator[list[ReceiptRow]], moment: Callable[[int], str]) -> AsyncIterator[Markup]:
    template = _template("rows.html", at_once=True)
    async for page in found:
        for at in range(0, len(page), ROWS_RENDERED):
            yield _safe(template.render(rows=page[at : at + ROWS_RENDERED], words=OUTCOME_WORDS, moment=moment))


def _heading(tile: Tile) -> tuple[str, str]:
    return tile.day or "no date", tile.camera or "camera not known"


# Templates


@cache
def style() -> str:
    """The style of all pages, unchanged, because a browser compares it with its digest."""
    return _safe((TEMPLATES / "style.css").read_text(encoding="utf-8"))


@cache
def _environment(*, at_once: bool) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        enable_async=not at_once,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "size": size,
        "length": length,
        "spoken": duration_words,
        "number": lambda count: f"{count:,}",
    }
    made.filters |= {"clock": clock, "shown": display}
    return made


def _safe(text: str) -> Markup:
    """Mark the output of our own templates as safe, because everything in it is escaped already."""
    return Markup(text)  # noqa: S704


def _template(name: str, *, at_once: bool = False) -> "Template":
    """A template; with `at_once` it renders synchronously, which is five times as fast."""
    return _environment(at_once=at_once).get_template(name)
