"""What every worker has in its hands now."""

from core.models import InFlight as Flight
from core.models import Snapshot
from tui import format
from tui.session import share
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Room, Rows, SnapshotPane, empty


class InFlight(SnapshotPane):
    """A row for each worker's file."""

    NUMBER = 4

    def rows(self, snapshot: Snapshot, room: Room) -> Rows:
        """File, stage and bar."""
        flights = snapshot.in_flight
        if not flights:
            return Rows(title="IN FLIGHT", rows=empty("Nothing.", room.glyphs))
        found = tuple((flight(one, room, chosen=number == room.cursor),) for number, one in enumerate(flights))
        return Rows(title=f"IN FLIGHT, {format.number(len(flights))}", rows=found)

    @property
    def chosen(self) -> Flight | None:
        """The file in the chosen row."""
        flights = self.snapshot.in_flight
        return flights[self.cursor] if self.cursor < len(flights) else None


def flight(one: Flight, room: Room, *, chosen: bool) -> Line:
    """One file on one line."""
    glyphs = room.glyphs
    width = 7 if room.width < 70 else 24
    done = share(one.position, one.size)
    bar = f"{glyphs.bar(done, width)} {int(done * 100):3}%" if one.size else " " * (width + 5)
    size = f" {format.size(one.size):>8}" if room.width >= 60 and one.size else " " * 9 if room.width >= 60 else ""
    tail = f" {one.stage:<7}{size} "
    path = glyphs.text(one.path)
    name = path if room.enlarged else path.rpartition("/")[2]
    room_left = room.width - 1 - len(tail) - width - 5
    mark = (">", "title") if chosen and room.focused else (" ", "")
    return crop(line(mark, glyphs.fit(name, room_left), tail, (bar, "busy")), room.width, utf8=glyphs.utf8)
