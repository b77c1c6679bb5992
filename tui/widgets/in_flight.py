"""The files that workers and queues are working on now."""

from core.models import Value
from core.snapshot import InFlight as Flight
from core.snapshot import Snapshot
from tui import format
from tui.totals import share
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Room, Rows, SnapshotPane, empty

WAITS = "waits"
"""The stage of a file that waits for a place at a limit."""

STAGE = 7
"""The fewest columns for a stage."""


CARD = 14
"""Columns of a card's name."""


class FlightRow(Value, frozen=True, kw_only=True):
    """One row: the file or subject, the stage, and the progress (None: not known). `card`: the label of its
    import, where files of several are read. `flight`: set for a copy."""

    path: str
    stage: str
    size: int = 0
    done: float | None = None
    more: int = 0
    card: str = ""
    flight: Flight | None = None


class InFlight(SnapshotPane):
    """A row for each worker's file, and for each long-running call of a queue."""

    NUMBER = 4

    def names(self) -> list[tuple[str, str]]:
        """The file of each row."""
        return [(one.flight.import_id if one.flight else "", one.path) for one in under_way(self.snapshot)]

    def rows(self, snapshot: Snapshot, room: Room) -> Rows:
        """File, stage and bar."""
        works = under_way(snapshot)
        if not works:
            return Rows(title="IN FLIGHT", rows=empty("Nothing.", room))
        widest = max(STAGE, *(len(one.stage) for one in works))
        found = tuple((row(one, room, widest, chosen=number == room.cursor),) for number, one in enumerate(works))
        return Rows(title=f"IN FLIGHT, {format.number(len(works))}", rows=found)

    @property
    def chosen(self) -> Flight | None:
        """The file in the chosen row, if it is being archived."""
        works = under_way(self.snapshot)
        return works[self.cursor].flight if self.cursor < len(works) else None


def under_way(snapshot: Snapshot) -> list[FlightRow]:
    """Copies, then calls of queues, then copies that wait for a place."""
    labels = {view.id: view.label for view in snapshot.imports}
    several = len({one.import_id for one in snapshot.in_flight}) > 1
    copies = [
        FlightRow(
            path=one.path,
            stage=one.stage or WAITS,
            size=one.size,
            done=share(one.position, one.size) if one.stage and one.size else None,
            more=one.more,
            card=labels.get(one.import_id, "") if several else "",
            flight=one,
        )
        for one in snapshot.in_flight
    ]
    background = [
        FlightRow(path=call.subject, stage=queue.name, done=call.progress or None)
        for queue in snapshot.queues
        for call in queue.at_work
    ]
    return [
        *(one for one in copies if one.stage != WAITS),
        *background,
        *(one for one in copies if one.stage == WAITS),
    ]


def row(one: FlightRow, room: Room, widest: int, *, chosen: bool) -> Line:
    """One of these on one line, with its stage in `widest` columns."""
    glyphs = room.glyphs
    width = 7 if room.width < 70 else 24
    style = "dim" if one.stage == WAITS else ""
    bar = f"{glyphs.bar(one.done, width)} {int(one.done * 100):3}%" if one.done is not None else ""
    if not bar and one.more:
        bar = f"+{format.number(one.more)} more"
    size = ""
    if room.width >= 60:
        size = f" {format.size(one.size):>8}" if one.size else " " * 9
    tail = f" {one.stage:<{widest}}{size} "
    path = glyphs.text(one.path)
    name = path if room.enlarged else path.rpartition("/")[2]
    left = room.width - 1 - len(tail) - width - 5
    if one.card and room.width >= 60:
        card = glyphs.fit(glyphs.text(one.card), CARD)
        name = f"{card.ljust(CARD)} {name}"
    mark = (">", "title") if chosen and room.focused else (" ", "")
    pieces = line(mark, (glyphs.fit(name, left), style), (tail, style), (bar, "busy" if one.done else "dim"))
    return crop(pieces, room.width, utf8=glyphs.utf8)
