"""Times as ISO 8601 text with their offset from UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([+-])([01]\d|2[0-3]):?([0-5]\d)")


def zone_of(name: str) -> tzinfo:
    """The zone with an IANA name or an offset like +02:00. UTC when the name is not known on this machine."""
    if found := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def stamp(seconds: float, zone: tzinfo = UTC) -> str:
    """A Unix time to the second, as ISO 8601 with offset; empty outside the years 1 to 9999."""
    return _stamp(seconds // 1, zone)


def stamp_ns(nanoseconds: int, zone: tzinfo = UTC) -> str:
    """`stamp` of a file's time, which may be any integer."""
    return _stamp(nanoseconds // 1_000_000_000, zone)


@lru_cache(maxsize=1024)  # files come in bursts of one second
def _stamp(seconds: float, zone: tzinfo) -> str:
    try:
        return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).isoformat()
    except (OverflowError, ValueError):
        return ""
