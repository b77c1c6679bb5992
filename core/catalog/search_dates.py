"""Dates in a search text, as conditions on the day on which a file was taken or changed."""

# ruff: noqa: S608 - what is put together are conditions of our own; what a person typed is always a value

import math
import re
from datetime import UTC, datetime, timedelta

from core.catalog.search_plan import ALSO, METADATA, CriterionPart

_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")

EARLIEST, LATEST = 14, 12
"""Hours by which a day begins before the UTC day (zone +14), and ends after it (zone -12), somewhere on Earth."""
FURTHEST = max(EARLIEST, LATEST)

_UTC = "m.captured_zone = 'utc' AND m.offset IS NULL"
_INFERRED = "m.captured_zone IN ('position', 'neighbours', 'name')"


def span(text: str) -> tuple[str, str] | None:
    """(from, until) of a day, month, year or range, as prefixes of captured_local; until is excluded; empty: no
    bound. None for what is no date."""
    first, dots, last = text.partition("..")
    if not (first or last) or (dots and not all(_DAY.fullmatch(one) for one in (first, last) if one)):
        return None
    try:
        begin = _moment(first, 0) if first else ""
        end = _moment(last if dots else first, 1) if last or not dots else ""
    except ValueError:
        return None
    return begin, end


def _moment(text: str, later: int) -> str:
    """The prefix of captured_local for the day, month or year in `text`, or with `later` 1 for the next one.
    Raises ValueError."""
    match = _DAY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day = (int(number or 0) for number in match.groups())
    datetime(year, month or 1, day or 1)
    if day:
        return f"{datetime.fromordinal(datetime(year, month, day).toordinal() + later):%Y-%m-%d}"
    if month:
        year, month = year + (month - 1 + later) // 12, (month - 1 + later) % 12 + 1
        return f"{year:04}-{month:02}"
    return f"{year + later:04}"


def dated(begin: str, end: str) -> list[CriterionPart]:
    """Parts that match files of the days from `begin` until `end`, as `span` gives them."""
    low, high = begin or "0", end or ":"  # the first characters before and after the digits
    captured = "m.captured_local >= ? AND m.captured_local < ?"
    led = f"SELECT f.id FROM metadata m CROSS JOIN file f ON f.item_id = m.item_id WHERE {captured} {ALSO}"
    # Days before and after that are near enough to have been that day in UTC, or somewhere on Earth.
    beside = [
        *([(_later(begin, -FURTHEST), low)] if begin else []),
        *([(high, _later(end, FURTHEST))] if end else []),
    ]
    also = f"({_UTC} AND m.captured_local < ? OR {_INFERRED} AND m.captured >= ? AND m.captured < ?)"
    that_day = (_later(end, LATEST) if end else high, _seconds(begin, -math.inf), _seconds(end, math.inf))
    since, until = _ns(begin, -(2**63)), _ns(end, 2**63 - 1)
    changed = "f.mtime_ns >= ? AND f.mtime_ns < ?"
    return [
        CriterionPart(captured, (low, high), f"{led} ORDER BY m.captured_local DESC LIMIT -1", (low, high)),
        *(
            CriterionPart(
                f"({captured} AND {also})",
                (*bounds, *that_day),
                f"SELECT f.id FROM metadata m CROSS JOIN file f ON f.item_id = m.item_id WHERE {captured} "
                f"AND {also} {ALSO} ORDER BY m.captured_local DESC LIMIT -1",
                (*bounds, *that_day),
            )
            for bounds in beside
        ),
        CriterionPart(
            f"(m.captured_local IS NULL AND {changed})",
            (since, until),
            f"SELECT f.id FROM file f {METADATA} WHERE {changed} AND m.captured_local IS NULL {ALSO} "
            "ORDER BY f.mtime_ns DESC LIMIT -1",
            (since, until),
        ),
    ]


def _later(day: str, hours: int) -> str:
    """`hours` after the start of a day, month or year, in the form of captured_local."""
    try:
        return (datetime(*_first(day)) + timedelta(hours=hours)).isoformat()
    except (ValueError, OverflowError):
        return day


def _seconds(day: str, bound: float) -> float:
    """The start of a day, month or year in UTC, as Unix time."""
    try:
        return datetime(*_first(day), tzinfo=UTC).timestamp() if day else bound
    except ValueError:  # the year 10000
        return bound


def _first(day: str) -> tuple[int, int, int]:
    year, month, date = (*map(int, day.split("-")), 1, 1)[:3]
    return year, month, date


def _ns(day: str, bound: int) -> int:
    """The start of a day, month or year in the local zone, in nanoseconds since 1970."""
    if not day:
        return bound
    try:
        return max(-(2**63), min(2**63 - 1, int(datetime(*_first(day)).timestamp()) * 10**9))
    except (ValueError, OverflowError):
        return bound
