"""When a picture was taken: the best of its dates, and whether its time zone is known."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Literal, NamedTuple

from core.media.date_tags import DATE_TAGS, QUICKTIME, DateTag
from core.media.tags import Tags
from core.models import Value

Zone = Literal["recorded", "utc", "position", ""]


class Capture(Value, frozen=True, kw_only=True):
    """One moment.

    seconds: since 1970 UTC; when `zone` is "", those of the local clock as if it were UTC: at most 14 hours off.
    local: the clock at the place, `2024-05-06T07:08:09.25`; in UTC when `zone` is "utc" and `offset` None. Only
    `2024-05-06`, `2024-05` or `2024` when no more is known; `seconds` is the start of it then.
    offset: minutes east of UTC; None when not known.
    tag: where it was found, with its group: `ExifIFD:DateTimeOriginal`.
    zone: "recorded" in the file; "utc" by the format's rule; "position" when a UTC time was converted to the clock
    of the place (core.media.local_time); "" for a camera's clock of unknown zone.
    """

    seconds: float
    local: str
    offset: int | None
    tag: str
    zone: Zone


# QuickTime counts from 1904 in UTC (QuickTime File Format, "Movie Header Atoms"; exiftool's QuickTimeUTC). These
# makers count in the camera's local time: Piwigo/piwigo-videojs#98 and pulsejet/memories#1256 show Nikon and
# GoPro, files of an EOS 600D show Canon. All others are assumed to follow the specification.
_LOCAL_CLOCK = ("canon", "nikon", "gopro")
_MINUTES = ("Canon", "Nikon", "GoPro")  # these write their TimeZone as minutes

_HALF = r"[AaPp]\.?\s?[Mm]\.?|上午|下午|午前|午後|오전|오후"
_DATE = re.compile(
    r"(?P<year>\d{4})"
    r"(?:[:/._ -] ?(?P<month>\d{1,2}| {0,2})(?:[:/._ -] ?(?P<day>\d{1,2}| {0,2})"
    # exiftool puts no space behind a day of BWF unless hyphens stand in it; times may have other signs there, too
    # (EBU Tech 3285, OriginationDate and OriginationTime).
    rf"(?:(?:[ T] *|[_:](?=\d)|(?<=\d\d)(?=\d\d))(?:(?P<early>{_HALF})? ?"
    r"(?P<hour>\d{1,2})(?P<sign>[:._ -]) ?(?P<minute>\d{1,2})"
    # exiftool 12.57 tells the fraction of a Matroska date before 2001 as what lacks to the next second.
    r"(?:(?P=sign) ?(?P<second>\d{1,2})(?:[.,](?P<fraction>\d+)|-0\.(?P<lacks>\d+)(?=Z))?)?"
    rf"(?: ?(?P<late>{_HALF})(?![A-Za-z]))?"
    # Letters such as CST are ignored, because they stand for several zones.
    # DPX has a colon before the zone (SMPTE 268M).
    r"|[ :]+):?\s*(?P<zone>Z|(?:UTC|GMT)?[+\u2212-][\d:]+|UTC|GMT|[A-Z]{3,5})?(?:\s*DST)?)?)?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)[ T_-]?(\d\d)(\d\d)(\d\d)(?!\d)")
"""ISO 8601 in its basic form."""
_WORDS = tuple(
    re.compile(r"(?:[a-z]{3,9},? )?" + order)
    for order in (
        r"(?P<month>[a-z]{3}) {1,2}(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d)(?P<before> [a-z]{3,5}| [+-]\d{4})?"
        r" (?P<year>\d{4})(?P<zone> [a-z]{3,5}| [+-]\d{4})?",
        r"(?P<day>\d{1,2})(?P<sign>[ -])(?P<month>[a-z]{3})(?P=sign)(?P<year>\d{4}) (?P<time>\d\d:\d\d:\d\d)"
        r"(?P<before>)(?P<zone> [a-z]{3,5}| [+-]\d{4})?",
    )
)
"""Dates of the program date, of C's ctime and of mail (RFC 5322), in small letters, as AVI, FLV and PNG files have
them."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OFFSET = re.compile(r"([+\u2212-])(\d{1,2})(?::?(\d\d))?")

SMALLEST_OFFSET, LARGEST_OFFSET = -12 * 60, 14 * 60
"""Minutes that clocks on Earth are ahead of UTC."""

FIRST_YEAR = 1826
"""The year of the oldest surviving photograph; a scan may carry its date."""

EPOCHS = (datetime(1904, 1, 1), datetime(1970, 1, 1))
"""Where unset clocks and formats begin to count."""

FULL = (datetime(2040, 2, 6, 6, 28, 15), datetime(2106, 2, 7, 6, 28, 15), datetime(2070, 1, 1))
"""Dates that stand for an unknown one: full counters of 32 bits, since 1904 and since 1970, and the date that
FFmpeg writes into DV without one, whose year 70 exiftool takes for 2070."""

GPS_EPOCH = datetime(1980, 1, 6)
"""Where a GPS receiver without a fix begins to count (IS-GPS-200, 3.3.4)."""

MATROSKA_EPOCH = datetime(2001, 1, 1)
"""The date of a Matroska file whose DateUTC is 0."""

UNSET_DAYS = 30
"""Days after one of `EPOCHS` within which a date counts as that of an unset clock."""

_UTC = ("Z", "UTC", "GMT")

_OTHER_SIGN = str.maketrans("+-", "-+")

_WHOLE = len("2024-05-06T07:08")


def capture(tags: Tags) -> Capture | None:
    """The first valid date, in the order of `DATE_TAGS`; None when there is none.

    A day, month or year alone is replaced by a later date with a time that falls into it.
    """
    first = None
    for found in _captures(tags):
        if len(found.local) >= _WHOLE and (first is None or found.local.startswith(first.local)):
            return found
        first = first or found
    return first


def clock_not_set(tags: Tags) -> str | None:
    """The tag, with its group, of the first date from an unset clock; None when there is none."""
    return next((f"{group}:{row.name}" for row, group, parsed in _dates(tags) if _unset(tags, row, parsed)), None)


def unset_clock(tags: Tags) -> datetime | None:
    """What the first unset clock showed; None when there is none."""
    return next((parsed.clock for row, _, parsed in _dates(tags) if _unset(tags, row, parsed)), None)


class _Parsed(NamedTuple):
    clock: datetime
    fraction: str
    zone: str
    precision: int  # characters of `clock` in ISO 8601 that the value says: 4, 7, 10 or 19


def _dates(tags: Tags) -> Iterator[tuple[DateTag, str, _Parsed]]:
    seen = set[tuple[str, str]]()
    for row in DATE_TAGS:
        for group, text in tags.all(row.name, row.groups):
            if (group, row.name) not in seen and (parsed := _joined(tags, row, group, text)) is not None:
                yield row, group, parsed
            if row.groups:
                seen.add((group, row.name))


def _joined(tags: Tags, row: DateTag, group: str, text: str) -> _Parsed | None:
    """Parse the value of a tag, with the year and the time that other tags of its group have."""
    time = next(tags.values(row.time, (group,)), "") if row.time else ""
    if row.year and re.fullmatch(r"\d{4}", text):
        text = f"{next(tags.values(row.year, (group,)), '')}:{text[2:]}:{text[:2]}"
        time = f"{time[:2]}:{time[2:]}"
    parsed = _parse(text)
    whole = _parse(f"{text} {time}") if time and parsed and parsed.precision < _WHOLE else None
    return whole or parsed


def _captures(tags: Tags) -> Iterator[Capture]:
    for row, group, parsed in _dates(tags):
        if not _unset(tags, row, parsed):
            found = _moment(tags, row, group, parsed)
            if found is not None:
                yield found


def _unset(tags: Tags, row: DateTag, parsed: _Parsed) -> bool:
    """Whether a clock that started at one of `EPOCHS` gave this date. A scanned picture may really be as old as
    that."""
    if parsed.precision < _WHOLE:
        return False
    if parsed.clock in FULL or (parsed.clock == MATROSKA_EPOCH and "Matroska" in row.groups):
        return True
    if row.meaning == "position":
        return _just_started(parsed.clock, GPS_EPOCH)
    if row.meaning != "taken":
        return _just_started(parsed.clock)
    # A camera with an unset clock has written CreateDate by that clock, too.
    made = (_parse(text) for text in tags.values("CreateDate"))
    return parsed.clock == EPOCHS[0] or (
        _just_started(parsed.clock) and any(one and _just_started(one.clock) for one in made)
    )


def _just_started(clock: datetime, *epochs: datetime) -> bool:
    """Whether a date is at most UNSET_DAYS after one of the `epochs` (EPOCHS without any)."""
    # A clock west of Greenwich starts on the day before.
    return any(-1 <= (clock - epoch) / timedelta(days=1) <= UNSET_DAYS for epoch in epochs or EPOCHS)


def _moment(tags: Tags, row: DateTag, group: str, parsed: _Parsed) -> Capture | None:
    tag = f"{group}:{row.name}"
    if parsed.precision < _WHOLE:
        return _capture(parsed, None, tag, "")
    offset = offset_of(parsed.zone)
    if offset is not None:
        return _capture(parsed, offset, tag, "recorded")
    header = group in QUICKTIME and row.rule == "utc"
    names = row.offsets
    if row.meaning == "taken":
        names = _zones_of_camera(tags, parsed, names)
    beside = next((text for name in names for text in tags.values(name)), "")
    if (
        parsed.zone == "Z"
        or (not parsed.zone and beside.upper() in _UTC)
        or (row.rule == "utc" and not (header and _local_clock(tags)))
    ):
        offset = _zone(tags, ()) if header else None
        if offset is None:
            return _capture(parsed, None, tag, "utc")
        return _capture(parsed._replace(clock=parsed.clock + timedelta(minutes=offset)), offset, tag, "recorded")
    offset = _zone(tags, names)
    return _capture(parsed, offset, tag, "" if offset is None else "recorded")


def _zones_of_camera(tags: Tags, taken: _Parsed, names: tuple[str, ...]) -> tuple[str, ...]:
    """The tags of `names` whose time zone may be that of the camera. OffsetTimeDigitized and OffsetTime belong to
    other dates (Exif 2.32, 4.6.5.3): where these are of another day, to a scanner or an editor."""
    if _another_day(tags, taken, ("CreateDate", "DateTimeDigitized")):
        return tuple(name for name in names if name == "OffsetTimeOriginal")
    if _another_day(tags, taken, ("ModifyDate",), ("IFD0",)):
        return tuple(name for name in names if name != "OffsetTime")
    return names


def _another_day(tags: Tags, taken: _Parsed, names: tuple[str, ...], groups: tuple[str, ...] = ()) -> bool:
    """Whether all dates of these names, of which there is one, are more than a day from `taken`."""
    told = (_parse(text) for name in names for text in tags.values(name, groups))
    apart = [abs(one.clock - taken.clock) for one in told if one and one.precision >= _WHOLE]
    return bool(apart) and min(apart) > timedelta(days=1)


def _capture(parsed: _Parsed, offset: int | None, tag: str, zone: Zone) -> Capture | None:
    try:
        seconds = parsed.clock.replace(tzinfo=timezone(timedelta(minutes=offset or 0))).timestamp()
    except (OverflowError, ValueError):
        return None
    seconds += float(f"0.{parsed.fraction or 0}")
    local = parsed.clock.isoformat()[: parsed.precision] + (f".{parsed.fraction}" if parsed.fraction else "")
    return Capture(seconds=seconds, local=local, offset=offset, tag=tag, zone=zone)


def _parse(text: str) -> _Parsed | None:
    """Parse a date as cameras write it; None when it is not one.

    Hour 24 is read as hour 0 of the same day, as some cameras write it; second 60 as the last second of its
    minute.
    """
    found = _DATE.fullmatch(_plain(text.strip()))
    if found is None or int(found["year"]) < FIRST_YEAR:
        return None
    month, day = (int((found[part] or "0").strip() or 0) for part in ("month", "day"))
    timed = month and day and found["hour"]
    hour, minute, second = (int(found[part] or 0) if timed else 0 for part in ("hour", "minute", "second"))
    hour = _hour_of_day(hour, found["early"] or found["late"] or "")
    try:
        clock = datetime(
            int(found["year"]),
            month or 1,
            (month and day) or 1,
            0 if hour == 24 else hour,
            minute,
            59 if second == 60 else second,
        )
    except ValueError:
        return None
    if not timed:
        return _Parsed(clock, "", "", 4 if not month else 7 if not day else 10)
    zone, fraction = found["zone"] or "", (found["fraction"] or "")[:6]
    if found["lacks"]:
        fraction = f"{min(0.999999, 1 - float('0.' + found['lacks'])):.6f}"[2:]
    zone = "Z" if zone in _UTC else zone.removeprefix("UTC").removeprefix("GMT")
    return _Parsed(clock, fraction.rstrip("0"), zone, 19)


def _plain(text: str) -> str:
    """A date in words, or without signs, in the form of most others; any other text as it is."""
    for told in (form.fullmatch(text.lower()) for form in _WORDS):
        if told and told["month"] in _MONTHS:
            zone = (told["before"] or told["zone"] or "").upper()
            return f"{told['year']}:{_MONTHS.index(told['month']) + 1}:{told['day']} {told['time']}{zone}"
    return _COMPACT.sub(r"\1:\2:\3 \4:\5:\6", text, count=1) if _COMPACT.match(text) else text


def _hour_of_day(hour: int, half: str) -> int:
    """The hour of the day, 0 to 23. `half`: AM or PM, also in other languages; empty for a clock of 24 hours. Some
    cameras write it beside an hour after 12, too, where it is ignored."""
    if not half or hour > 12:
        return hour
    return hour % 12 + (12 if half[0] in "Pp" or half in ("下午", "午後", "오후") else 0)


def offset_of(text: str) -> int | None:
    """Minutes east of UTC of `+02:00`, `+0200` or `+2`; None when no place on Earth has this offset."""
    found = _OFFSET.fullmatch(text)
    if found is None or int(found[3] or 0) > 59:
        return None
    minutes = (int(found[2]) * 60 + int(found[3] or 0)) * (1 if found[1] == "+" else -1)
    return minutes if SMALLEST_OFFSET <= minutes <= LARGEST_OFFSET else None


def _zone(tags: Tags, names: tuple[str, ...]) -> int | None:
    for name in (*names, "AndroidTimeZone"):
        for text in tags.values(name):
            offset = offset_of(text.removeprefix("UTC").removeprefix("GMT"))
            if offset is not None:
                return offset
    for group, text in tags.all("TimeZone"):
        if group.startswith(_MINUTES) and re.fullmatch(r"-?\d{1,3}", text):
            offset = int(text) if SMALLEST_OFFSET <= int(text) <= LARGEST_OFFSET else None
        elif group == "OpenEXR":
            # What is added to local time to get UTC (ImfStandardAttributes.h, utcOffset).
            offset = offset_of(text.translate(_OTHER_SIGN))
        else:
            offset = offset_of(text)
        if offset is not None:
            # Canon's and GoPro's offsets include daylight saving time, Nikon's do not.
            return offset + 60 * (group.startswith("Nikon") and tags.number("DaylightSavings") == 1)
    hours = tags.text("TimeZoneOffset")  # EXIF 2.1, of TIFF/EP; a second number is that of ModifyDate
    found = re.match(r"-?\d{1,2}(?= |$)", hours) if hours else None
    return int(found[0]) * 60 if found and SMALLEST_OFFSET <= int(found[0]) * 60 <= LARGEST_OFFSET else None


def _local_clock(tags: Tags) -> bool:
    maker = (tags.text("Make") or "").lower()
    return maker.startswith(_LOCAL_CLOCK) or any(group.lower().startswith(_LOCAL_CLOCK) for group in tags.groups)
