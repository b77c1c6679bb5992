"""The cards: one row for each import, with its bar, its files and what can be said of it."""

import time

from core.models import ImportView, InFlight, Snapshot, State, Verdict
from tui import format
from tui.session import ordered, session, settled, share
from tui.widgets.lines import Line, Piece, crop, line
from tui.widgets.pane import Room, Rows, SnapshotPane, empty


class Cards(SnapshotPane):
    """Imports: those of the session first."""

    NUMBER = 1

    @property
    def chosen(self) -> ImportView | None:
        """The import in the chosen row."""
        views = ordered(self.snapshot)
        return views[self.cursor] if self.cursor < len(views) else None

    def rows(self, snapshot: Snapshot, room: Room) -> Rows:
        """A row for each import; enlarged, with the sums and reasons below it."""
        views = ordered(snapshot)
        if not views:
            return Rows(title="CARDS", rows=empty("Put a card in and press n.", room.glyphs))
        together = {view.id for view in session(snapshot).views}
        labels = [room.glyphs.text(view.label) for view in views]
        widest = min(max(map(format.cells, labels)), 24 if room.width >= 100 else 15)
        found = []
        for number, view in enumerate(views):
            dimmed = view.id not in together
            row = card(view, snapshot, room, widest, chosen=number == room.cursor, dimmed=dimmed)
            found.append((row, *(_more(view, room) if room.enlarged else ())))
        count = len(session(snapshot).views)
        aside = f"{count}" + (f", {len(views) - count} earlier" if len(views) > count else "")
        return Rows(title="CARDS", aside=aside, rows=tuple(found))


def card(view: ImportView, snapshot: Snapshot, room: Room, widest: int, *, chosen: bool, dimmed: bool) -> Line:
    """One import on one line."""
    glyphs = room.glyphs
    done = share(settled(view, snapshot.in_flight), view.seen.bytes)
    state = style(view)
    width = 12 if room.width < 100 else 24
    bar = glyphs.bar(done, width) if view.listed else glyphs.fit("listing", width)
    percent = f"{int(done * 100):3}%" if view.listed else "    "
    files = f"{format.number(view.seen.files)} {'file ' if view.seen.files == 1 else 'files'}"
    mark: Piece = (">", "title") if chosen and room.focused else (" ", "")
    name: Piece = (glyphs.fit(glyphs.text(view.label), widest), "bold" if chosen and room.focused else "")
    head = line(mark, name, " ", (bar, "dim" if dimmed else state), f" {percent}  {files:>13}  ")
    told = glyphs.text(says(view, snapshot.in_flight, snapshot.time))
    return crop((*head, (told, "dim" if dimmed else state)), room.width, utf8=glyphs.utf8)


def style(view: ImportView) -> str:
    """The colour of an import's state."""
    if view.state is State.PAUSED:
        return "warn"
    if view.verdict is Verdict.KEEP:
        return "warn" if view.by_choice else "bad"
    if view.state is State.CANCELLED:
        return "warn"
    if view.failed.files:
        return "bad"
    return "good" if view.verdict is Verdict.SAFE else "busy"


def says(view: ImportView, in_flight: tuple[InFlight, ...], now: float) -> str:
    """An import in words, the most important first."""
    if view.state is State.PAUSED:
        return "PAUSED" + (f": {view.reason}" if view.reason else "")
    if view.state is State.CANCELLED:
        return f"CANCELLED, {format.number(view.archived.files)} archived: keep this card"
    if view.state is State.DONE:
        if view.verdict is Verdict.SAFE:
            return "SAFE: all archived" + (", read back" if view.level else "")
        return f"KEEP: {view.verdict_reason}" if view.verdict is Verdict.KEEP else "done"
    if view.failed.files:
        return f"{format.number(view.failed.files)} FAILED: keep this card"
    if not view.listed:
        return f"scanning{_rate(view)}"
    stages = {one.stage for one in in_flight if one.import_id == view.id}
    if not view.todo.files:
        return "checking the card once more"
    doing = "verifying" if stages and stages <= {"verify", "flush", "publish"} else "reading"
    end = ""
    if view.seconds_left is not None:
        end = f", done {time.strftime('%H:%M', time.localtime(now + view.seconds_left))}"
    return f"{doing}{_rate(view)}{end}"


def _rate(view: ImportView) -> str:
    return f" {format.rate(view.rate)}" if view.rate else ""


def _more(view: ImportView, room: Room) -> list[Line]:
    """Below an import's row in the enlarged pane: where it goes, its sums, warnings and advice."""
    glyphs = room.glyphs
    counts = {
        "archived": view.archived,
        "known": view.duplicate,
        "skipped": view.skipped,
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
    told += [(glyphs.text(warning), "warn") for warning in view.warnings]
    told += [(glyphs.text(view.advice), "warn")] if view.advice else []
    return [*(crop(line("   ", piece), room.width, utf8=glyphs.utf8) for piece in told), ()]
