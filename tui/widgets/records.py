"""All imports, the newest first, one line each: figures and verdict."""

from collections.abc import Mapping, Sequence

from core.listings import ImportRecord
from core.models import State, Verdict
from core.snapshot import ImportView, Snapshot
from tui import format
from tui.totals import settled, share
from tui.widgets.keys import drawn
from tui.widgets.lines import LEAST_NAME, Line, crop, line, width_of
from tui.widgets.pane import Lazy, Pane, Room, Rows, empty


class Records(Pane):
    """The engine's records of imports; running ones with the values of the snapshot."""

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self.records: Sequence[ImportRecord] = ()
        self.snapshot: Snapshot | None = None
        self.known = False
        self.trouble = ""

    @property
    def chosen(self) -> ImportRecord | None:
        """The record in the chosen row."""
        return self.records[self.cursor] if self.cursor < len(self.records) else None

    @property
    def reading(self) -> bool:
        """Whether nothing is known yet."""
        return not (self.records or self.known or self.trouble)

    def content(self, room: Room) -> Rows:
        """A row for each import."""
        if not self.records:
            told = self.trouble or (
                f"Nothing was imported yet: {drawn(self.screen, 'new')}." if self.known else self.unread
            )
            return Rows(title="IMPORTS", rows=empty(told, room))
        views = {view.id: view for view in self.snapshot.imports} if self.snapshot else {}

        widths = _widths(self.records, views)

        def make(number: int) -> Line:
            record = self.records[number]
            chosen = number == room.cursor
            return row(record, views.get(record.id), self.snapshot, room, widths, chosen=chosen)

        return Rows(title=f"IMPORTS, {format.number(len(self.records))}", rows=Lazy(len(self.records), make))


def verdict(state: str, word: Verdict, failed: int) -> tuple[str, str]:
    """State and verdict in one word, with its colour."""
    if state == State.DONE:
        return (str(word) or format.EMPTY, "good" if word is Verdict.SAFE else "bad")
    if state == State.RUNNING:
        return ("RUNNING", "bad" if failed else "busy")
    return (state.upper(), "warn")


def _widths(records: Sequence[ImportRecord], views: Mapping[str, ImportView]) -> tuple[int, int]:
    """The columns that the largest numbers of new files and of duplicates take."""
    shown = list(views.values())
    new = max(max(one.archived for one in records), *(one.archived.files for one in shown), 0)
    duplicate = max(max(one.duplicate for one in records), *(one.duplicate.files for one in shown), 0)
    return len(format.number(new)), len(format.number(duplicate))


def row(
    record: ImportRecord,
    view: ImportView | None,
    snapshot: Snapshot | None,
    room: Room,
    widths: tuple[int, int],
    *,
    chosen: bool,
) -> Line:
    """One import on one line. `widths`: columns for the numbers of new files and of duplicates."""
    glyphs = room.glyphs
    state = str(view.state) if view else record.state
    failed = view.failed.files if view else record.failed
    archived = view.archived.files if view else record.archived
    duplicate = view.duplicate.files if view else record.duplicate
    word, style = verdict(state, view.verdict if view else record.verdict, failed)
    if view is not None and snapshot is not None and state in (State.RUNNING, State.PAUSED) and view.listed:
        word += f" {int(share(settled(view, snapshot.in_flight), view.seen.bytes) * 100)}%"
    mark = (">", "title") if chosen and room.focused else (" ", "")
    name = glyphs.text(record.label or record.source.rstrip("/").rpartition("/")[2] or record.source)
    wide = room.width >= 100
    twice = "dup." if not wide else "duplicate " if duplicate == 1 else "duplicates"
    new = f"{archived:>{widths[0]},} new"
    broken = (view.unopenable if view else record.unopenable).files
    ahead = line(
        mark,
        (format.moment(record.started)[0 if wide else 5 :], "dim"),
        " ",
        (glyphs.fit(word, 12), style),
        " ",
        (f"{glyphs.fit(name, 23 if wide else 13)} ", "bold" if chosen and room.focused else ""),
    )
    behind = line(
        (f" {format.number(failed)} failed", "bad") if failed else "",
        (f" {format.number(record.damaged)} damaged", "bad") if record.damaged else "",
        (f" {format.number(broken)} cannot be opened", "warn") if broken else "",
    )
    location = glyphs.text(record.location)
    # Counts are left out before the location and what went wrong are cut, and never cut themselves.
    for counts in (f"{new}, {duplicate:>{widths[1]},} {twice}  ", f"{new}  ", ""):
        left = room.width - width_of(ahead) - format.cells(counts) - width_of(behind)
        if left >= min(LEAST_NAME, format.cells(location)):
            break
    if width_of(behind):
        # What follows stands in a column, and at the right edge where there is no room for more.
        location = glyphs.fit(location, max(LEAST_NAME, min(24 if room.width >= 120 else 12, left)))
    return crop((*ahead, (counts, ""), (location, "dim"), *behind), room.width, utf8=glyphs.utf8)
