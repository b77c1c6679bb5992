"""The throughput: a graph of the last minutes, the rates, and what limits them."""

import os
from collections.abc import Sequence

from core.snapshot import Rates, Snapshot
from tui.bottleneck import READ_LIMIT, Bottleneck, bottleneck
from tui.glyphs import Glyphs
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Room, Rows, SnapshotPane

TABLE = 37
"""Columns of the table beside the graph."""

TITLE_COLUMNS = 3

BACK_HINT_COLUMNS = 10
"""Columns of the hint for going back in the title of an enlarged pane."""

WIDE = 45
"""The fewest columns that have room for advice."""

SAMPLES_KEPT = 120
"""Samples that an engine keeps."""

FASTER_ADVICE = {
    "card reader": "a faster card reader would help",
    "network": "the way to the archive is full",
    "archive disk": "the archive's disk takes no more",
    "processor": "hashing takes all cores",
    "paused": "nothing is read until it is resumed",
}


class Throughput(SnapshotPane):
    """A graph of bytes per second."""

    NUMBER = 2
    CHOOSES = False

    def rows(self, snapshot: Snapshot, room: Room) -> Rows:
        """The graph and the table beside it."""
        rates, glyphs = snapshot.rates, room.glyphs
        # The hint for going back is beside the table's headings.
        width = max(1, room.width - TABLE - 2 - (BACK_HINT_COLUMNS if room.enlarged else 0))
        height = max(4, room.height)
        each = -(-SAMPLES_KEPT // width)
        width = min(width, -(-SAMPLES_KEPT // each))
        columns = buckets(busiest(rates), rates.period, snapshot.time, each)[-width:]
        # Reading back is short and fast: it would make all other columns look flat.
        arriving = buckets(busiest(rates, ("read", "written")), rates.period, snapshot.time, each)[-width:]
        top = max(arriving, default=0.0) or max(columns, default=0.0)
        drawn = glyphs.graph([*[0.0] * (width - len(columns)), *columns], height, top)
        table = _table(rates, bottleneck(snapshot), snapshot, room.width - width - 2, glyphs)
        table = [*table, *[()] * (height - len(table))][:height]
        lines = [
            crop((*line(" ", (graph, "busy"), " "), *beside), room.width, utf8=glyphs.utf8)
            for graph, beside in zip(drawn, table, strict=True)
        ]
        title = glyphs.fit(
            f"THROUGHPUT, {SAMPLES_KEPT * rates.period / 60:.0f} minutes", width - TITLE_COLUMNS + 3
        )
        heads = f"{'MB/s':<10}{'now':>8}{'mean':>8}{'peak':>8}"
        return Rows(title=f"{title}{heads}", rows=tuple((one,) for one in lines))


RATES = ("read", "written", "verified")


def busiest(rates: Rates, names: Sequence[str] = RATES) -> tuple[float, ...]:
    """The highest of these rates at each moment."""
    histories: list[tuple[float, ...]] = [getattr(rates, f"{name}_history") for name in names]
    size = max(map(len, histories))
    padded = [(0.0,) * (size - len(history)) + tuple(history) for history in histories]
    return tuple(max(moment) for moment in zip(*padded, strict=True))


def buckets(history: tuple[float, ...], period: float, now: float, each: int) -> list[float]:
    """Means over `each` samples. They begin at whole multiples of that time, so that a column does not change
    after it was drawn."""
    newest = round(now / period)
    found: dict[int, list[float]] = {}
    for number, value in enumerate(history):
        found.setdefault((newest - len(history) + 1 + number) // each, []).append(value)
    return [sum(values) / len(values) for values in found.values()]


def _table(rates: Rates, limit: Bottleneck, snapshot: Snapshot, width: int, glyphs: Glyphs) -> list[Line]:
    rows = []
    for what in RATES:
        history = getattr(rates, f"{what}_history")
        at_work = [value for value in history if value > 0]
        mean = sum(at_work) / len(at_work) if at_work else 0.0
        figures = (getattr(rates, what), mean, max(history, default=0.0))
        rows.append(line(f" {what:<10}", *(f"{_mega(value):>8}" for value in figures)))
    rows.append(_limit(limit, snapshot))
    if limit.name and width >= WIDE:
        rows.append(line(" ", (_advice(limit, snapshot, glyphs), "dim")))
    return rows


def _advice(limit: Bottleneck, snapshot: Snapshot, glyphs: Glyphs) -> str:
    if limit.name != READ_LIMIT:
        return FASTER_ADVICE[limit.name]
    place = glyphs.text(os.path.basename(snapshot.read_limit_from))
    return f"as {place} says, for each card" if place else "as the settings say, for each card"


def _limit(limit: Bottleneck, snapshot: Snapshot) -> Line:
    if not limit.name:
        return ()
    others = [load for load in limit.loads if load.name != limit.name]
    beside = f"; {others[0].name} {others[0].share * 100:.0f}%" if others else ""
    readers = sum(1 for one in snapshot.limits if one.name.startswith("read ") and one.busy)
    if limit.name == READ_LIMIT:
        return line(" ", ("LIMIT:", "title"), f" read_limit = {snapshot.read_limit // 1_000_000} MB/s")
    name = f"{limit.name}s" if limit.name == "card reader" and readers > 1 else limit.name
    return line(" ", ("LIMIT:", "title"), f" {name}{beside}")


def _mega(value: float) -> str:
    """Millions, with three digits below a thousand."""
    mega = value / 1e6
    return f"{mega:.0f}" if mega >= 9.95 or not mega else f"{mega:.1f}" if mega >= 0.05 else "<0.1"
