"""The cards: those that wait; a row for each import, with its bar and what can be said of it; mirrors."""

import os
import time

from core.models import State, Verdict
from core.snapshot import Arrival, ImportView, InFlight, MirrorView, Snapshot
from core.words import counted
from tui import format
from tui.console import arrivals, mirrors
from tui.glyphs import Glyphs
from tui.totals import ordered, session, settled, share
from tui.widgets.keys import drawn
from tui.widgets.lines import Line, Piece, crop, line, width_of
from tui.widgets.pane import Room, Rows, SnapshotPane, empty

NARROW = 56
"""Columns below which a card has room for its name, how far it is, and what is said of it."""

BYTES = 110
"""The fewest columns that have room for the bytes of a card."""


class Cards(SnapshotPane):
    """Cards that wait; imports, those of the session first; mirrors."""

    NUMBER = 1

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(glyphs, id=id)

    def show(self, snapshot: Snapshot) -> None:
        """Show another snapshot. The cursor stays with its row; if no import runs, it goes to a new card, and if
        none has run, to an import that has begun."""
        idle, before = _idle(self.snapshot), self.names()
        self.snapshot = snapshot
        new = [row for row, name in enumerate(self.names()) if name not in before]
        cards = len(snapshot.arrivals)
        begun = [row for row in new if cards <= row < cards + len(snapshot.imports)]
        if _idle(snapshot) and new and new[0] < cards:
            self.go_to(new[0])
        elif idle and begun:
            self.go_to(begun[0])
        self.draw()

    def names(self) -> list[tuple[str, str]]:
        """The card, import or mirror of each row."""
        shown = self.snapshot
        return [
            *(("card", one.identity) for one in shown.arrivals),
            *(("import", view.id) for view in ordered(shown)),
            *(("mirror", one.id) for one in shown.mirrors),
        ]

    @property
    def chosen_card(self) -> Arrival | None:
        """The card in the chosen row, of which no import was begun yet."""
        return self.snapshot.arrivals[self.cursor] if self.cursor < len(self.snapshot.arrivals) else None

    @property
    def chosen(self) -> ImportView | None:
        """The import in the chosen row."""
        views, at = ordered(self.snapshot), self.cursor - len(self.snapshot.arrivals)
        return views[at] if 0 <= at < len(views) else None

    @property
    def chosen_mirror(self) -> MirrorView | None:
        """The mirror in the chosen row."""
        at = self.cursor - len(self.snapshot.arrivals) - len(self.snapshot.imports)
        return self.snapshot.mirrors[at] if 0 <= at < len(self.snapshot.mirrors) else None

    def rows(self, snapshot: Snapshot, room: Room) -> Rows:
        """A row for each import; in the enlarged pane with sums and reasons below it."""
        views, waiting = ordered(snapshot), snapshot.arrivals
        if not views and not snapshot.mirrors and not waiting:
            return Rows(title="CARDS", rows=empty(f"Put a card in and press {drawn(self.screen, 'new')}.", room))
        together = {view.id for view in session(snapshot).views}
        labels = [room.glyphs.text(one.label) for one in waiting]
        labels += [room.glyphs.text(view.label) for view in views]
        labels += [room.glyphs.text(one.label) for one in snapshot.mirrors]
        widest = min(max(map(format.cells, labels)), 24 if room.width >= 100 else 15)
        found: list[tuple[Line, ...]] = []
        for number, arrived in enumerate(waiting):
            chosen = number == room.cursor
            begin = f"{drawn(self.screen, 'zoom')} imports it" if chosen and room.focused else "not imported yet"
            found.append((arrival(arrived, snapshot.time, room, widest, begin, chosen=chosen),))
        for number, view in enumerate(views, len(waiting)):
            dimmed = view.id not in together
            row = card(view, snapshot, room, widest, chosen=number == room.cursor, dimmed=dimmed)
            # Of what did not fit into the row, the pane has room for all when it is enlarged.
            cut = "" if width_of(row) < room.width else says(view, snapshot.in_flight, snapshot.time)
            found.append((row, *(_more(view, cut, room) if room.enlarged else ())))
        for number, one in enumerate(snapshot.mirrors, len(waiting) + len(views)):
            row = mirror(one, room, widest, chosen=number == room.cursor)
            found.append((row, *(_more_of_mirror(one, room) if room.enlarged else ())))
        count = len(session(snapshot).views)
        aside = f"{count}" + (f", {len(views) - count} earlier" if len(views) > count else "")
        aside += f", {len(waiting)} waiting" if waiting else ""
        return Rows(title="CARDS", aside=aside, rows=tuple(found))


def _idle(snapshot: Snapshot) -> bool:
    return all(view.ended is not None for view in snapshot.imports)


def arrival(card: Arrival, now: float, room: Room, widest: int, begin: str, *, chosen: bool) -> Line:
    """A card of which no import was begun yet on one line; `begin`: what is said of one without a rule."""
    glyphs = room.glyphs
    mark: Piece = (">", "title") if chosen and room.focused else (" ", "")
    name: Piece = (glyphs.fit(glyphs.text(card.label), widest), "bold")
    told = arrivals.says(card, now, begin)
    if card.starts is not None:
        told += ", any key stops it"
    camera: Piece = (glyphs.fit(glyphs.text(card.camera), 12), "on")
    colour = "warn" if card.starts is not None or (card.note and not card.counted) else "title"
    return crop(line(mark, name, " ", camera, " ", (glyphs.text(told), colour)), room.width, utf8=glyphs.utf8)


def card(view: ImportView, snapshot: Snapshot, room: Room, widest: int, *, chosen: bool, dimmed: bool) -> Line:
    """One import on one line."""
    glyphs = room.glyphs
    done = share(settled(view, snapshot.in_flight), view.seen.bytes)
    state = style(view)
    width = 12 if room.width < 100 else 24
    bar = glyphs.bar(done, width) if view.listed else glyphs.fit("listing", width)
    percent = f"{int(done * 100):3}%" if view.listed else "    "
    files = f"{format.number(view.seen.files)} {'file ' if view.seen.files == 1 else 'files'}"
    if room.width >= BYTES:
        files += f" {format.size(view.seen.bytes):>8}"
    mark: Piece = (">", "title") if chosen and room.focused else (" ", "")
    name: Piece = (glyphs.fit(glyphs.text(view.label), widest), "bold" if chosen and room.focused else "")
    head = line(mark, name, " ", (bar, "dim" if dimmed else state), f" {percent}  {files:>{_files(room)}}  ")
    if room.width < NARROW:
        head = line(mark, name, f" {percent}  ")
    told = glyphs.text(says(view, snapshot.in_flight, snapshot.time))
    return crop((*head, (told, "dim" if dimmed else state)), room.width, utf8=glyphs.utf8)


def mirror(view: MirrorView, room: Room, widest: int, *, chosen: bool) -> Line:
    """One mirror on one line."""
    glyphs = room.glyphs
    width = 12 if room.width < 100 else 24
    done = view.share if view.total.files else 0.0
    bar = glyphs.bar(done, width) if view.total.files else glyphs.fit("listing", width)
    percent = f"{int(done * 100):3}%" if view.total.files else "    "
    mark: Piece = (">", "title") if chosen and room.focused else (" ", "")
    name: Piece = (glyphs.fit(glyphs.text(view.label), widest), "bold" if chosen and room.focused else "")
    colour = mirror_style(view)
    head = line(mark, name, " ", (bar, colour), f" {percent}  {'mirror':>{_files(room)}}  ")
    return crop((*head, (glyphs.text(mirrors.says(view)), colour)), room.width, utf8=glyphs.utf8)


def _files(room: Room) -> int:
    """Columns for the number of files, and for their bytes where there is room."""
    return 22 if room.width >= BYTES else 13


def mirror_style(view: MirrorView) -> str:
    """The colour of a mirror's state."""
    if view.lacking:
        return "bad"
    if view.state in (State.PAUSED, State.CANCELLED):
        return "warn"
    return "good" if view.state is State.DONE else "busy"


def style(view: ImportView) -> str:
    """The colour of an import's state."""
    if view.state is State.PAUSED:
        return "warn"
    if view.verdict is Verdict.KEEP:
        return "warn" if view.by_choice else "bad"
    if view.state is State.CANCELLED:
        return "warn"
    if view.failed.files or (view.state is State.DONE and view.verdict is Verdict.OPEN):
        return "bad"
    if view.unopenable.files:
        return "warn"
    return "good" if view.verdict is Verdict.SAFE else "busy"


def says(view: ImportView, in_flight: tuple[InFlight, ...], now: float) -> str:
    """An import's state in words, the most important first."""
    if view.state is State.PAUSED:
        return "PAUSED" + (f": {view.reason}" if view.reason else "")
    if view.state is State.CANCELLED:
        return f"CANCELLED, {format.number(view.archived.files)} archived: keep this card"
    if view.state is State.DONE:
        doubt = format.unopenable(view.unopenable)
        if view.verdict is Verdict.SAFE:
            return f"SAFE, {doubt}" if doubt else "SAFE: all archived" + (", read back" if view.level else "")
        told = f"; {doubt}" if doubt else ""
        return f"{view.verdict or format.EMPTY}: {view.verdict_reason}{told}"
    if view.failed.files:
        return f"{format.number(view.failed.files)} FAILED: keep this card"
    if not view.listed:
        return f"scanning{_rate(view)}"
    stages = {one.stage for one in in_flight if one.import_id == view.id}
    if not view.todo.files and not view.taken_from:
        return "checking the card once more"
    if view.taken_from:
        return _follows(view, now)
    doing = "verifying" if stages and stages <= {"verify", "flush", "publish"} else "reading"
    return f"{doing}{_rate(view)}{_end(view, now)}"


def _follows(view: ImportView, now: float) -> str:
    """The state, in words, of an import that copies its files from another archive."""
    free = "card free, " if view.source_free else ""
    other = os.path.basename(view.taken_from.rstrip("/")) or view.taken_from
    if not view.todo.files:
        return f"{free}waiting for {other}"
    return f"{free}from {other}{_rate(view)}{_end(view, now)}"


def _end(view: ImportView, now: float) -> str:
    if view.seconds_left is None:
        return ""
    return f", done {time.strftime('%H:%M', time.localtime(now + view.seconds_left))}"


def _rate(view: ImportView) -> str:
    return f" {format.rate(view.rate)}" if view.rate else ""


def _more(view: ImportView, cut: str, room: Room) -> list[Line]:
    """The lines below an import's row in the enlarged pane: what was cut in it, where it goes, its sums, warnings
    and advice."""
    glyphs = room.glyphs
    counts = {
        "archived": view.archived,
        "duplicate": view.duplicate,
        "skipped": view.skipped,
        "junk": view.junk,
        "failed": view.failed,
        "to do": view.todo,
    }
    sums = "  ".join(
        f"{what} {format.number(count.files)} ({format.size(count.bytes)})"
        for what, count in counts.items()
        if count.files or what in ("archived", "to do")
    )
    told: list[tuple[str, str]] = [
        (f"{glyphs.text(view.source)} to {glyphs.text(view.location)} in {glyphs.text(view.archive)}", "dim"),
        (sums, ""),
    ]
    told[:0] = [(part, style(view)) for part in glyphs.wrap(glyphs.text(cut), room.width - 3) if part]
    for warning in (*view.warnings, *([view.advice] if view.advice else [])):
        told += [(part, "warn") for part in glyphs.wrap(glyphs.text(warning), room.width - 3)]
    return [*(crop(line("   ", piece), room.width, utf8=glyphs.utf8) for piece in told), ()]


def _more_of_mirror(view: MirrorView, room: Room) -> list[Line]:
    """The lines below a mirror's row in the enlarged pane: its copies, the file being copied, why it is paused,
    advice."""
    glyphs = room.glyphs
    told: list[tuple[str, str]] = [
        (f"{glyphs.text(view.source)} to {glyphs.text(view.target)}", "dim"),
        (f"brought {counted(view.brought.files, 'file')} ({format.size(view.brought.bytes)})", ""),
    ]
    told += [(glyphs.text(view.path), "dim")] if view.path else []
    told += [(part, "warn") for part in glyphs.wrap(glyphs.text(view.reason), room.width - 3) if part]
    told += [(glyphs.text(view.advice), "warn")] if view.advice else []
    return [*(crop(line("   ", piece), room.width, utf8=glyphs.utf8) for piece in told), ()]
