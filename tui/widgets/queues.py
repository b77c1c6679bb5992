"""The stages that files pass and the job queues: places taken, jobs that wait, rates."""

from core.models import Value
from core.snapshot import LimitView, QueueView, Snapshot
from tui import format
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Room, Rows, SnapshotPane, empty

REASONS = {
    "copies come first": "for copies",
    "an import to end": "for import",
    "exiftool": "for exif",
    "metadata": "for exif",
}
"""Short forms of the engine's reasons."""

NAME, RATE = 14, 9
"""Columns of a name and of a rate."""

ROOMY = 58
"""The fewest columns that have room for both a rate and the reason for waiting."""


class QueueRow(Value, frozen=True, kw_only=True):
    """A stage or queue as it is displayed. `queue` is the queue's own name; empty for a stage."""

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
    """Stages first, then in the enlarged pane volumes, then the queues."""

    NUMBER = 3

    @property
    def chosen(self) -> QueueRow | None:
        """The stage or queue in the chosen row."""
        found = places(self.snapshot, volumes=self.enlarged)
        return found[self.cursor] if self.cursor < len(found) else None

    def names(self) -> list[str]:
        """The stage or queue of each row: of an enlarged pane, volumes are between them."""
        return [place.queue or place.name for place in places(self.snapshot, volumes=self.enlarged)]

    def rows(self, snapshot: Snapshot, room: Room) -> Rows:
        """A row for each place."""
        found = places(snapshot, volumes=room.enlarged)
        if not found:
            return Rows(title="QUEUES", rows=empty("Nothing has begun.", room))
        names = [format.cells(room.glyphs.text(place.name)) for place in found]
        widest = min(max(NAME, *names), max(NAME, room.width // 3))
        rows = tuple(
            (row(place, room, widest, chosen=number == room.cursor),) for number, place in enumerate(found)
        )
        heads = f"busy/slots{'waiting':>{_bar(room) - 3 + _waiting(room)}}"
        if room.width >= ROOMY:
            heads += f" {'rate':>{RATE}}  waits for"
        return Rows(title="QUEUES", aside=" " * (widest - NAME) + heads, rows=rows)


def places(snapshot: Snapshot, *, volumes: bool = False) -> list[QueueRow]:
    """Stages, volumes if asked for, and queues."""
    rates = {"hash": snapshot.rates.read, "copy": snapshot.rates.written, "verify": snapshot.rates.verified}
    stages = [_stage(one, rates.get(one.name)) for one in snapshot.limits if " " not in one.name]
    below = [_stage(one, None) for one in snapshot.limits if " " in one.name] if volumes else []
    return [*stages, *below, *map(_queue, snapshot.queues)]


def _stage(limit: LimitView, rate: float | None) -> QueueRow:
    what, _, volume = limit.name.partition(" ")
    return QueueRow(
        name=f"{what} {limit.label or volume}".rstrip(),
        busy=limit.busy,
        slots=limit.ceiling,
        waiting=limit.waiting,
        rate=format.rate(rate) if rate else "",
    )


def _queue(queue: QueueView) -> QueueRow:
    return QueueRow(
        name=queue.name,
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
    if not queue.waiting or queue.busy or not queue.reason:
        return ""
    follows = f"for {queue.reason}" if " " not in queue.reason else queue.reason
    return REASONS.get(queue.reason, follows)


def row(place: QueueRow, room: Room, widest: int, *, chosen: bool) -> Line:
    """One place on one line. Without room for both, a reason to wait replaces the rate."""
    glyphs = room.glyphs
    share = place.busy / place.slots if place.slots else 0.0
    mark = (">", "title") if chosen and room.focused else (" ", "")
    style = "warn" if place.paused else "busy"
    waits = (glyphs.text(place.waits), "warn" if place.paused else "dim")
    told: Line = (waits,)
    if place.rate or room.width >= ROOMY:
        told = line(f"{place.rate:>{RATE}}", *(("  ", waits) if room.width >= ROOMY else ()))
    dead = line("  ", (f"{format.number(place.dead)} dead", "bad")) if place.dead else ()
    pieces = line(
        mark,
        glyphs.fit(glyphs.text(place.name), widest),
        " ",
        (glyphs.bar(share, _bar(room)), style),
        f" {f'{place.busy}/{place.slots}':>5}",
        f" {format.number(place.waiting) if place.waiting else '-':>{_waiting(room)}} ",
    )
    return crop((*pieces, *told, *dead), room.width, utf8=glyphs.utf8)


def _bar(room: Room) -> int:
    return 6 if room.width < ROOMY else 8 if room.width < 70 else 20


def _waiting(room: Room) -> int:
    return 5 if room.width < ROOMY else 7
