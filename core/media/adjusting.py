"""Corrections of capture dates by a person: parsing them, and applying one to a date."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.errors import UsageError
from core.media.capture_time import offset_of
from core.media.local_time import FRACTION_INDEX, local_clock
from core.paths import display
from core.results import Correction

_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_SPAN = re.compile(r"([+-]?)((?:\d{1,6}[wdhms])+)", re.ASCII)
_CLOCKED = re.compile(r"([+-]?)(\d{1,4}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_TOLD = re.compile(r"(\d{4})[-:./](\d\d)[-:./](\d\d)[T ]+(\d\d):(\d\d)(?::(\d\d))?", re.ASCII)


class Dated(NamedTuple):
    """A capture date, with fields as in `core.media.metadata.Metadata`."""

    captured: float
    local: str
    offset: int | None
    zone: str


def by_shift(text: str) -> Correction:
    """Parse a shift such as `+1h`, `-1h30m`, `2d` or `-0:30`: later by that, or earlier. Raises UsageError."""
    told = text.strip().lower().replace("\u2212", "-")
    if found := _SPAN.fullmatch(told):
        parts = re.findall(r"(\d+)([wdhms])", found[2])
        seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    elif found := _CLOCKED.fullmatch(told):
        seconds = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4] or 0)
    else:
        raise UsageError(f"{display(text)} is no span of time.", "Write it like +1h, -1h30m, +2d or -0:30.")
    sign = -1 if found[1] == "-" else 1
    return Correction(
        kind="shift", seconds=float(sign * seconds), what=f"shift {told if found[1] else '+' + told}"
    )


def by_clock(text: str) -> Correction:
    """Parse `2024-01-01 00:00 = 2025-06-14 15:02`: what the camera's clock showed, and the true time. Raises
    UsageError."""
    said, _, was = (part.strip() for part in text.partition("="))
    if (camera := _moment(said)) is None or (true := _moment(was)) is None:
        raise UsageError(
            f"{display(text)} is no pair of times.",
            'Write what the camera said, and what it was: "2024-01-01 00:00 = 2025-06-14 15:02".',
        )
    return Correction(
        kind="clock", seconds=(true - camera).total_seconds(), what=f"camera clock {camera} = {true}"
    )


def by_zone(text: str) -> Correction:
    """Parse `Europe/Berlin` or `+02:00`: the time zone of the place. Raises UsageError."""
    zone_of(text)
    return Correction(kind="zone", zone=text, what=f"zone {text}")


def zone_of(text: str) -> tzinfo:
    """The time zone of this name in the IANA database, or with this offset. Raises UsageError."""
    offset = offset_of(text)
    if offset is not None:
        return timezone(timedelta(minutes=offset))
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(
            f"there is no zone {display(text) or 'without a name'}.", "Write it like Europe/Berlin or +02:00."
        ) from error


def correcting(correction: Correction) -> Callable[[Dated], Dated | None]:
    """A function that applies the correction to one date; it returns None where the date has no time of day, or
    the result is not a date. Raises UsageError."""
    zone = zone_of(correction.zone) if correction.kind == "zone" else None

    def corrected(before: Dated) -> Dated | None:
        if len(before.local) < FRACTION_INDEX:
            return None
        try:
            return _zoned(before, zone) if zone is not None else _shifted(before, correction.seconds)
        except (ValueError, OverflowError):
            return None

    return corrected


def _shifted(before: Dated, seconds: float) -> Dated:
    clock = datetime.fromisoformat(before.local[:FRACTION_INDEX]) + timedelta(seconds=seconds)
    in_utc = before.zone == "utc" and before.offset is None
    local = clock.isoformat() + before.local[FRACTION_INDEX:]
    return Dated(before.captured + seconds, local, before.offset, "utc" if in_utc else "adjusted")


def _zoned(before: Dated, zone: tzinfo) -> Dated:
    """The date on the clock of `zone`: a known moment is converted; a clock of unknown zone is taken to be in
    `zone`."""
    if before.offset is not None or before.zone == "utc":
        offset = _minutes(datetime.fromtimestamp(before.captured, zone))
        return Dated(
            before.captured,
            local_clock(before.captured, offset, before.local[FRACTION_INDEX:]),
            offset,
            "adjusted",
        )
    clock = datetime.fromisoformat(before.local[:FRACTION_INDEX])
    offset = _minutes(clock.replace(tzinfo=zone))
    # Without a zone, `captured` was computed as if the clock were in UTC.
    return Dated(before.captured - offset * 60, before.local, offset, "adjusted")


def _minutes(moment: datetime) -> int:
    return round((moment.utcoffset() or timedelta()) / timedelta(minutes=1))


def unset_clock_date(clock: datetime) -> Dated:
    """What an unset clock showed, as a date to be corrected: without a zone."""
    return Dated(clock.replace(tzinfo=UTC).timestamp(), clock.isoformat(), None, "")


def _moment(text: str) -> datetime | None:
    found = _TOLD.fullmatch(text)
    try:
        return datetime(*(int(part or 0) for part in found.groups())) if found else None  # type: ignore[arg-type]
    except ValueError:
        return None
