"""The stages that files pass and the queues of background work: places taken, what waits, how fast."""

from core.models import LimitView, QueueView, Snapshot, Value
from tui import format
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Room, Rows, SnapshotPane, empty

NAMES = {"video_proxy": "proxy", "location_stats": "stats", "live_photo": "live photo"}

REASONS = {"copies": "for copy"}


class Place(Value, frozen=True, kw_only=True):
    """A stage or queue as it is shown. `queue` is its name there when it is a queue."""

    name: str
    busy: int
    slots: int
    waiting: int
    rate: str = ""
    waits: str = ""
    queue: str = ""
    paused: bool = False
    dead: int = 0


class Queues(SnapshotPane):
    """Stages first, then volumes in the enlarged pane, then the queues of background work."""

    NUMBER = 3

    @property
    def chosen(self) -> Place | None:
        """What is in the chosen row."""
        found = places(self.snapshot, volumes=self.enlarged)
        return found[self.cursor] if self.cursor < len(found) else None

    def rows(self, snapshot: Snapshot, room: Room) -> Rows:
        """A row for each place."""
        found = places(snapshot, volumes=room.enlarged)
        if not found:
            return Rows(title="QUEUES", rows=empty("Nothing has begun.", room.glyphs))
        widest = max(len(place.name) for place in found)
        rows = tuple(
            (row(place, room, widest, chosen=number == room.cursor),) for number, place in enumerate(found)
        )
        heads = "busy/slots" if room.width < 50 else "busy/slots  waiting     rate  waits for"
        return Rows(title="QUEUES", aside=heads, rows=rows)


def places(snapshot: Snapshot, *, volumes: bool = False) -> list[Place]:
    """Stages, volumes when asked for, and queues."""
    rates = {"hash": snapshot.rates.read, "copy": snapshot.rates.written, "verify": snapshot.rates.verified}
    stages = [_stage(one, rates.get(one.name)) for one in snapshot.limits if " " not in one.name]
    below = [_stage(one, None) for one in snapshot.limits if " " in one.name] if volumes else []
    return [*stages, *below, *map(_queue, snapshot.queues)]


def _stage(limit: LimitView, rate: float | None) -> Place:
    return Place(
        name=limit.name,
        busy=limit.busy,
        slots=limit.ceiling,
        waiting=limit.waiting,
        rate=format.rate(rate) if rate else "",
    )


def _queue(queue: QueueView) -> Place:
    return Place(
        name=NAMES.get(queue.name, queue.name),
        busy=queue.busy,
        slots=queue.slots,
        waiting=queue.waiting,
        rate=f"{queue.rate:.0f}/s" if queue.rate >= 0.5 else f"{queue.rate * 60:.0f}/min" if queue.rate else "",
        waits=_waits(queue),
        queue=queue.name,
        paused=queue.paused,
        dead=queue.dead,
    )


def _waits(queue: QueueView) -> str:
    if queue.paused:
        return "paused"
    return REASONS.get(queue.reason, queue.reason) if queue.waiting and not queue.busy else ""


def row(place: Place, room: Room, widest: int, *, chosen: bool) -> Line:
    """One place on one line."""
    glyphs = room.glyphs
    share = place.busy / place.slots if place.slots else 0.0
    width = 10 if room.width < 70 else 20
    style = "warn" if place.paused else "busy"
    mark = (">", "title") if chosen and room.focused else (" ", "")
    counts = f"{place.busy}/{place.slots}"
    waiting = f"{format.number(place.waiting)}" if place.waiting else "-"
    told = f"{place.rate:>9}" if place.rate else place.waits
    if room.enlarged and place.rate and place.waits:
        told = f"{place.rate:>9}  {place.waits}"
    dead = line("  ", (f"{format.number(place.dead)} dead", "bad")) if place.dead else ()
    pieces = line(
        mark,
        glyphs.fit(glyphs.text(place.name), widest),
        " ",
        (glyphs.bar(share, width), style),
        f" {counts:>5} {waiting:>6}  ",
        (glyphs.text(told), "warn" if place.paused else "" if place.rate else "dim"),
    )
    return crop((*pieces, *dead), room.width, utf8=glyphs.utf8)
