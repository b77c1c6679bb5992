"""The local time of what is dated in UTC only: by its position, or by the time in the name that its device gave
it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from core.media.capture_time import Capture

FOUND_BY = {
    "recorded": "as it is recorded",
    "position": "by its GPS position",
    "neighbours": "by what the same device took about then",
    "name": "by the time in its name",
    "adjusted": "as a person corrected it",
}
"""Words for how a zone is known, by `captured_zone`."""

NAME_TOLERANCE = 15
"""Seconds between the time in a name and a film's start or end in its header: devices write either one."""

FRACTION_INDEX = len("2024-05-06T07:08:09")
"""The index of the fraction of the second in `Capture.local`."""

# 20240101_003000, 2024-01-01 00.30.00, "2024-01-01 at 00.30.00", 20240101003000: the order of ISO 8601.
_NAMED = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)(?:[-_. T]| at )?(\d\d)([-_.:]?)(\d\d)\6(\d\d)", re.ASCII
)

# Minutes by which clocks on Earth are ahead of UTC (IANA Time Zone Database 2026a): whole hours, and a few others.
_PARTS = (-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825)
_OFFSETS = (*range(-12 * 60, 14 * 60 + 1, 60), *_PARTS)


def at_place(taken: Capture, lat: float, lon: float) -> Capture:
    """Convert a UTC date to the clock of the place where it was taken; unchanged where the position has no time
    zone."""
    offset = _offset_at(lat, lon, taken.seconds)
    if offset is None:
        return taken
    local = local_clock(taken.seconds, offset, taken.local[FRACTION_INDEX:])
    return msgspec.structs.replace(taken, local=local, offset=offset, zone="position")


def offset_by_name(name: str, seconds: float, duration: float | None) -> int | None:
    """Minutes that the clock in a file's name is ahead of UTC. `seconds` since 1970 is the start or the end of a
    film of `duration` seconds. None for a name without a time, or with an ambiguous one."""
    told = {
        offset
        for clock in _clocks(name)
        for offset in _OFFSETS
        for lasted in (0.0, duration or 0.0)
        if abs(seconds - lasted + offset * 60 - clock) <= NAME_TOLERANCE
    }
    # Names may hold UTC (Google's PXL_, simulot/immich-go#397), which says nothing of the place.
    return told.pop() if len(told) == 1 and 0 not in told else None


def zone_text(zone: str, offset: int | None) -> str:
    """A time zone and how it is known, as text for a person: `UTC+09:00, by its GPS position`; empty if it is not
    known.

    zone, offset: captured_zone and offset of `core.media.metadata.Metadata`.
    """
    if offset is None:
        return FOUND_BY["adjusted"] if zone == "adjusted" else ""
    hours, minutes = divmod(abs(offset), 60)
    told = f"UTC{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    return f"{told}, {FOUND_BY[zone]}" if zone in FOUND_BY else told


def local_clock(seconds: float, offset: int, fraction: str = "") -> str:
    """A moment on a clock that is `offset` minutes ahead of UTC, in the form of `Capture.local`; `fraction`: that
    of the second, with its point, or empty. Raises OverflowError."""
    moment = datetime(1970, 1, 1) + timedelta(seconds=int(seconds // 1), minutes=offset)
    return moment.isoformat() + fraction


def _clocks(name: str) -> Iterator[float]:
    for found in _NAMED.finditer(name):
        year, month, day, hour, minute, second = (int(found[place]) for place in (1, 3, 4, 5, 7, 8))
        try:
            yield datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
        except ValueError:
            continue


def _offset_at(lat: float, lon: float, seconds: float) -> int | None:
    # Imported on demand: few processes ever meet such a film, and the borders take 40 MB of memory.
    from tzfpy import get_tz

    try:
        ahead = datetime.fromtimestamp(seconds, ZoneInfo(get_tz(lon, lat))).utcoffset()
    except (KeyError, ValueError, OverflowError, OSError):
        return None
    return None if ahead is None else round(ahead / timedelta(minutes=1))
