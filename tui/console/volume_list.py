"""Printing the mounted volumes as a table."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core.volumes.volume import is_reliable_identity
from tui import format
from tui.console import arrivals, card_list
from tui.console.output import WIDE, Output
from tui.glyphs import Glyphs

if TYPE_CHECKING:
    from tui.console.json_answers import MountedVolume

SHORT = 16
"""Columns of a label in a narrow terminal."""

OTHERS_LISTED = 3
"""Imports that are listed of one volume, besides the newest one of all of it."""

LEAST_COLUMNS = 12
"""The fewest columns of a path there."""


def tell(found: "Sequence[MountedVolume]", out: Output, now: float, configured: str | None) -> None:
    """Print a row for each volume, and below what a row has no room for. `now`: seconds since the epoch;
    `configured`: the archive of the configuration."""
    short = 0 < out.room() < WIDE
    out.table(_short(found, out) if short else _whole(found, out), out.room())
    for one in found:
        for line in _more(one, now):
            out.line(f"{out.text(one.label)}: {out.text(line)}")
    cards = [card for one in found for card in one.cards]
    if broken := [card.archive for card in cards if card.damaged]:
        out.line(out.text(card_list.damaged(card_list.which_archive(broken, configured))))
    if safe := [card.archive for card in cards if card.verdict == "SAFE"]:
        out.line(out.text(card_list.still(card_list.which_archive(safe, configured))))


def _whole(found: "Sequence[MountedVolume]", out: Output) -> list[list[str]]:
    rows = [["VOLUME", "KIND", "SIZE", "FREE", "FILE SYSTEM", "VERDICT", "OF", "ARCHIVE", "PATH"]]
    for one in found:
        card = card_list.of_all(one.cards)
        rows.append(
            [
                out.text(one.label),
                _kind(one, out),
                _size(one.size),
                _size(one.free),
                out.text(one.filesystem) + (", read-only" if one.read_only else ""),
                card_list.verdict(card) if card else "-",
                format.moment(card.ended or card.started) if card else "-",
                ", ".join(f"{out.text(_below(one, held.path))} ({held.role})" for held in one.archives) or "-",
                out.text(one.path),
            ]
        )
    return rows


def _short(found: "Sequence[MountedVolume]", out: Output) -> list[list[str]]:
    """What tells volumes apart, and what is known of them; the path is last, and its end is kept."""
    rows = [["VOLUME", "KIND", "FREE", "KNOWN"]]
    for one in found:
        card = card_list.of_all(one.cards)
        known = [*(["archive"] if one.archives else []), *([card_list.verdict(card)] if card else [])]
        label = format.fit(out.text(one.label), SHORT, utf8=out.utf8)
        rows.append([label, _kind(one, out), _size(one.free), "; ".join(known) or "-"])
    columns = list(zip(*rows, strict=True))
    taken = sum(max(map(format.cells, column)) + 2 for column in columns)
    glyphs, room = Glyphs(utf8=out.utf8), max(LEAST_COLUMNS, out.room() - taken)
    rows[0].append("PATH")
    for one, row in zip(found, rows[1:], strict=True):
        row.append(glyphs.tail(out.text(one.path), room))
    return rows


def _kind(one: "MountedVolume", out: Output) -> str:
    return out.text(one.camera or one.kind)


def _size(count: int | None) -> str:
    return "-" if count is None else format.size(count)


def _below(one: "MountedVolume", path: str) -> str:
    return os.path.relpath(path, one.path)


def _more(one: "MountedVolume", now: float) -> Iterator[str]:
    if one.error:
        yield one.error
    if one.arrival is not None:
        yield arrivals.says(one.arrival, now, f"lading import {one.path}")
    shown = card_list.of_all(one.cards)
    if shown is not None and shown.reason:
        yield shown.reason
    if shown is not None and not is_reliable_identity(one.identity):
        yield "it has no serial number, so that may be said of another card in its place"
    others = [card for card in one.cards if card is not shown]
    for card in others[:OTHERS_LISTED]:
        when, reason = format.moment(card.ended or card.started), f": {card.reason}" if card.reason else ""
        yield f"{card.below or 'all of it'}: {card_list.verdict(card)} of {when}, in {card.archive}{reason}"
    if len(others) > OTHERS_LISTED:
        more = format.number(len(others) - OTHERS_LISTED)
        yield f"and {more} more imports of it or of its folders: lading cards"
