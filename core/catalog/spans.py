"""Days, months, years and ranges of them, as a person writes them."""

import re
from datetime import datetime

_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")


def span(text: str) -> tuple[str, str] | None:
    """From and until (excluded), as captured_local is written; empty: no bound. None for what is no date."""
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
    """The day, month or year of `text`, or the one after it. Raises ValueError."""
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


def nanoseconds(day: str, bound: int) -> int:
    """The first moment of a day, month or year here, in nanoseconds."""
    if not day:
        return bound
    year, month, date = (*map(int, day.split("-")), 1, 1)[:3]
    try:
        return max(-(2**63), min(2**63 - 1, int(datetime(year, month, date).timestamp()) * 10**9))
    except (ValueError, OverflowError):
        return bound
