"""The three lines at the top: what goes where, the progress, and the outcomes of all entries."""

import time
from collections.abc import Sequence

from core.models import State, Value, Verdict, Waits
from core.snapshot import ImportView, Snapshot
from core.words import counted
from tui import format
from tui.glyphs import Glyphs
from tui.totals import SessionTotals, session, share
from tui.widgets.keys import drawn
from tui.widgets.lines import Line, Lines, Piece, beside, crop, line, width_of

LEAST_COLUMNS = 8
"""The fewest columns of an archive's path; with fewer it is left out."""


class Heading(Value, frozen=True, kw_only=True):
    """The state in a word, its colour, and details."""

    word: str
    style: str
    more: str = ""


class Header(Lines):
    """Shows a snapshot's sums, and what is wrong with the engine."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.snapshot: Snapshot | None = None
        self.trouble = ""

    def show(self, snapshot: Snapshot | None, trouble: str = "") -> None:
        """Show another snapshot; `trouble`: what is wrong with the engine."""
        self.snapshot, self.trouble = snapshot, trouble
        self.draw()

    def draw(self) -> None:
        """Draw the lines."""
        if self.size.width:
            self.put(lines(self.snapshot, self.trouble, self.size.width, self.glyphs, drawn(self.screen, "new")))

    def on_resize(self) -> None:
        """Redraw for the new width."""
        self.draw()


def lines(snapshot: Snapshot | None, trouble: str, width: int, glyphs: Glyphs, new: str) -> list[Line]:
    """The header's lines; `new`: the key that starts a new import."""
    if snapshot is None:
        told = trouble or "Looking for the engine"
        word = line((" Lading", "title"), "  ", (glyphs.text(told), "bad" if trouble else "dim"))
        return [crop(word, width, utf8=glyphs.utf8), (), ()]
    sums = session(snapshot)
    head = heading(sums, trouble)
    now = time.strftime("%H:%M", time.localtime(snapshot.time))
    word = line((now, "dim"), "  ", (format.fit(glyphs.text(head.word), width - 20, utf8=glyphs.utf8), head.style))
    # The end of a reason says more than the path at its beginning.
    more = glyphs.tail(glyphs.text(head.more), max(LEAST_COLUMNS, width * 2 // 3 - width_of(word)))
    state = line(*word, more, " ")
    where = _where(sums, width - width_of(state) - 11, glyphs)
    top = beside(line((" Lading", "title"), "  ", where), state, width, utf8=glyphs.utf8)
    if not sums.views:
        hint = line((" Nothing is being imported. ", "dim"), (new, "title"), (" starts a new import.", "dim"))
        return [top, crop(hint, width, utf8=glyphs.utf8), ()]
    return [
        top,
        _progress(sums, snapshot.time, head, width, glyphs),
        crop(_sum(sums, width), width, utf8=glyphs.utf8),
    ]


def heading(sums: SessionTotals, trouble: str = "") -> Heading:
    """The state of all imports together."""
    cards = len(sums.views)
    of = f", {sums.safe} of {counted(cards, 'card')} safe" if cards else ""
    if trouble:
        return Heading(word=trouble, style="bad")
    if not cards:
        return Heading(word="READY", style="good")
    if not sums.active:
        return _ended(sums, of)
    if all(view.state is State.PAUSED for view in sums.active):
        reason = next((view.reason for view in sums.active if view.reason), "")
        return Heading(word="PAUSED", style="warn", more=f" {reason}" if reason else of)
    paused = sum(1 for view in sums.active if view.state is State.PAUSED)
    stands = f", {paused} PAUSED" if paused else ""
    away = [view.label for view in sums.active if view.state is State.PAUSED and view.waits is Waits.SOURCE]
    if away:
        # That a card was pulled out is what a person has to know first.
        of = f": {away[0]} is away" if len(away) == 1 else f": {len(away)} cards are away"
    if sums.failed.files:
        return Heading(word=f"RUNNING, {format.number(sums.failed.files)} FAILED{stands}", style="bad", more=of)
    word = "RUNNING" if sums.listed else "SCANNING"
    return Heading(word=word + stands, style="warn" if paused else "busy", more=of)


def _ended(sums: SessionTotals, of: str) -> Heading:
    keep = sum(1 for view in sums.views if view.verdict is Verdict.KEEP)
    cancelled = sum(1 for view in sums.views if view.state is State.CANCELLED)
    if sums.safe == len(sums.views):
        word = "SAFE" if sums.safe == 1 else f"ALL {sums.safe} SAFE"
        return Heading(word=word, style="good", more=", read back" if _read_back(sums.views) else "")
    if not keep and all(view.state is State.DONE and view.verdict is not Verdict.SAFE for view in sums.views):
        return Heading(word=format.EMPTY, style="bad", more=of)
    if cancelled and not keep:
        return Heading(word="CANCELLED", style="warn", more=of)
    return Heading(word="KEEP", style="bad", more=f" {counted(len(sums.views) - sums.safe, 'card')}{of}")


def _read_back(views: tuple[ImportView, ...]) -> bool:
    return all(view.level for view in views)


def _where(sums: SessionTotals, width: int, glyphs: Glyphs) -> str:
    """The location and the archive; if its path does not fit into `width` columns, only the end of it."""
    places = list(dict.fromkeys(view.location for view in sums.views))
    archives = list(dict.fromkeys(view.archive for view in sums.views))
    if not places:
        return ""
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    left = glyphs.text(f"{places[0]}{more} to ")
    right = glyphs.text(archives[0]) + (" and more" if len(archives) > 1 else "")
    room = width - format.cells(left)
    return left + glyphs.tail(right, room) if room >= LEAST_COLUMNS else glyphs.text(f"{places[0]}{more}")


def _progress(sums: SessionTotals, now: float, head: Heading, width: int, glyphs: Glyphs) -> Line:
    done = share(sums.done, sums.seen.bytes)
    figures = [format.sizes(sums.done, sums.seen.bytes) + ("" if sums.listed else " so far")]
    if any(view.state is State.RUNNING for view in sums.views):
        if sums.rate and width >= 100:
            figures.append(format.rate(sums.rate))
        if sums.listed and sums.seconds_left is not None:
            end = time.strftime("%H:%M", time.localtime(now + sums.seconds_left))
            figures.append(f"{format.duration(sums.seconds_left)} left, done {end}")
        elif not sums.listed:
            figures.append("listing")
    elif not sums.active and (ended := [view.ended for view in sums.views if view.ended]):
        began = min(view.started for view in sums.views)
        figures.append(f"in {format.duration(max(ended) - began)}")
    percent = f" {int(done * 100):3}%" if sums.listed else "     "
    text = f"{percent}  {'  '.join(figures)}"
    room = max(8, width - format.cells(text) - 2)
    return crop(
        line(" ", (glyphs.bar(done, room), "busy" if sums.active else head.style), text), width, utf8=glyphs.utf8
    )


def _sum(sums: SessionTotals, width: int) -> Line:
    """Where all entries are."""
    parts = [
        (sums.archived.files, "archived", "good"),
        (sums.duplicate.files, "duplicate", "good"),
        (sums.skipped.files, "skipped", ""),
        (sums.failed.files, "failed", "bad"),
        (sums.todo.files, "to do", "busy"),
        (sums.junk.files, "junk", ""),
    ]
    return sum_line(sums.seen.files, parts, width)


def sum_line(seen: int, parts: Sequence[tuple[int, str, str]], width: int) -> Line:
    """`seen` as the sum of `parts`: count, word and colour of each. Junk is named if there is any. What is zero is
    left out if the sum has no room in `width` columns otherwise."""
    parts = [part for part in parts if part[0] or part[1] != "junk"]

    def together(parts: Sequence[tuple[int, str, str]]) -> Line:
        pieces: list[Piece] = [(f" seen {format.number(seen)} = ", "")]
        for number, (count, what, style) in enumerate(parts):
            pieces += [(" + ", "")] if number else []
            pieces.append((f"{what} {format.number(count)}", style if count else "dim"))
        return line(*pieces)

    whole = together(parts)
    return whole if width_of(whole) <= width else together([part for part in parts if part[0]] or parts)
