"""Hand-made snapshots."""

from typing import Any

from core.models import Count, State, Verdict
from core.snapshot import ErrorGroup, ImportView, InFlight, Rates, Snapshot

HOSTILE = "a\x1b[2Jb\x07\x9bc\u202e\n"
"""A name that would clear the screen, ring, turn the line around and start a new one."""


def count(files: int, size: int = 0) -> Count:
    """So many files of so many bytes."""
    return Count(files=files, bytes=size)


def view(**changed: Any) -> ImportView:
    """An import half-way through a card."""
    values: dict[str, Any] = {
        "id": "20251206-140700-ab12",
        "label": "B002",
        "source": "/Volumes/B002",
        "archive": "/archive",
        "location": "Mill Creek",
        "state": State.RUNNING,
        "listed": True,
        "seen": count(2672, 172_000_000_000),
        "archived": count(1532, 100_000_000_000),
        "duplicate": count(866, 23_000_000_000),
        "skipped": count(4, 1_000_000_000),
        "todo": count(270, 48_000_000_000),
        "read": 123_000_000_000,
        "rate": 410_000_000.0,
        "seconds_left": 194.0,
        "level": "medium",
        "started": 1000.0,
    }
    return ImportView(**(values | changed))


def done(**changed: Any) -> ImportView:
    """An import that has ended well."""
    values: dict[str, Any] = {
        "state": State.DONE,
        "seen": count(1209, 45_000_000_000),
        "archived": count(1204, 41_200_000_000),
        "duplicate": count(3, 3_000_000_000),
        "skipped": count(2, 800_000_000),
        "todo": count(0),
        "read": 44_200_000_000,
        "verdict": Verdict.SAFE,
        "ended": 1194.0,
    }
    return view(**(values | changed))


def snapshot(
    *views: ImportView,
    time: float = 1100.0,
    errors: tuple[ErrorGroup, ...] = (),
    flight: tuple[InFlight, ...] = (),
) -> Snapshot:
    """A moment with these imports."""
    rates = Rates(read=482e6, written=480e6, verified=471e6)
    return Snapshot(time=time, version="1", imports=views, rates=rates, errors=errors, in_flight=flight)
