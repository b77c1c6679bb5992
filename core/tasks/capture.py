"""When a picture was taken: the best of its dates, and how far its time zone is known."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Literal

from core.models import Value
from core.tasks.tags import Tags

Zone = Literal["recorded", "utc", ""]


class Capture(Value, frozen=True, kw_only=True):
    """One moment.

    seconds: since 1970 UTC; when `zone` is "", those of the local clock as if it were UTC: at most 15 hours off.
    local: the clock at the place, `2024-05-06T07:08:09.25`; in UTC when `zone` is "utc" and `offset` None.
    offset: minutes east of UTC; None when not known.
    tag: where it was found, with its group: `ExifIFD:DateTimeOriginal`.
    zone: "recorded" in the file; "utc" by the format's rule; "" for a camera's clock of unknown zone.
    """

    seconds: float
    local: str
    offset: int | None
    tag: str
    zone: Zone


# The usual order. Names with groups are dates only there: XMP-pdf has a CreationDate, too.
_ORDER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("SubSecDateTimeOriginal", ()),
    ("SubSecCreateDate", ()),
    ("DateTimeOriginal", ()),
    ("CreationDate", ("Keys", "ItemList")),  # Apple, with its zone
    ("CreationDateValue", ()),  # Sony, with its zone
    ("ContentCreateDate", ()),
    ("CreateDate", ()),
    ("MediaCreateDate", ()),
    ("TrackCreateDate", ()),
    ("DateTimeCreated", ()),
    ("DateCreated", ("XMP-photoshop",)),
    ("DateTimeDigitized", ()),
    ("GPSDateTime", ()),
)
_OFFSETS = {
    "DateTimeOriginal": ("OffsetTimeOriginal", "OffsetTime", "OffsetTimeDigitized"),
    "CreateDate": ("OffsetTimeDigitized", "OffsetTime", "OffsetTimeOriginal"),
}

# QuickTime counts from 1904 in UTC (QuickTime File Format, "Movie Header Atoms"; exiftool's QuickTimeUTC). These
# count in the clock of the camera: Piwigo/piwigo-videojs#98 and pulsejet/memories#1256 show Nikon and GoPro, files
# of an EOS 600D show Canon. Everyone else is taken at the specification's word.
_LOCAL_CLOCK = ("canon", "nikon", "gopro")
_QUICKTIME = re.compile(r"QuickTime|Track\d+")

_DATE = re.compile(
    r"(\d{4})[:-](\d\d)[:-](\d\d)"
    r"(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*(Z|[+-]\d\d:?\d\d)?(?:\s*DST)?)?"
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")

FIRST_YEAR = 1826
"""That of the oldest photograph that is left; a scan may carry its date."""

_EPOCHS = ("1904-01-01T00:00:00", "1970-01-01T00:00:00")


def capture(tags: Tags) -> Capture | None:
    """The first date that is one, in the usual order; None when there is none."""
    return next(_captures(tags), None)


def _captures(tags: Tags) -> Iterator[Capture]:
    for name, groups in _ORDER:
        for group, text in tags.all(name, groups):
            found = _moment(tags, group, name, text)
            if found is not None:
                yield found


def _moment(tags: Tags, group: str, name: str, text: str) -> Capture | None:
    parsed = _parse(text)
    if parsed is None:
        return None
    clock, fraction, zone_text = parsed
    tag = f"{group}:{name}"
    film = _QUICKTIME.fullmatch(group) is not None
    if clock.isoformat() in _EPOCHS[: 2 if film else 1]:
        return None
    offset = offset_of(zone_text)
    if offset is not None:
        return _made(clock, fraction, offset, tag, "recorded")
    if name == "GPSDateTime":
        return _made(clock, fraction, None, tag, "utc")
    if film and not _local_clock(tags):
        offset = _zone(tags, ())
        if offset is None:
            return _made(clock, fraction, None, tag, "utc")
        return _made(clock + timedelta(minutes=offset), fraction, offset, tag, "recorded")
    offset = _zone(tags, () if film else _OFFSETS.get(name.removeprefix("SubSec"), ()))
    return _made(clock, fraction, offset, tag, "" if offset is None else "recorded")


def _made(clock: datetime, fraction: str, offset: int | None, tag: str, zone: Zone) -> Capture | None:
    try:
        seconds = clock.replace(tzinfo=timezone(timedelta(minutes=offset or 0))).timestamp()
    except (OverflowError, ValueError):
        return None
    seconds += float(f"0.{fraction or 0}")
    local = clock.isoformat() + (f".{fraction}" if fraction else "")
    return Capture(seconds=seconds, local=local, offset=offset, tag=tag, zone=zone)


def _parse(text: str) -> tuple[datetime, str, str] | None:
    """The clock, the digits of its fraction and its zone as they are written; None when that is no date."""
    found = _DATE.fullmatch(text.strip())
    if found is None or int(found[1]) < FIRST_YEAR:
        return None
    try:
        clock = datetime(*(int(part or 0) for part in found.groups()[:6]))  # type: ignore[arg-type]
    except ValueError:
        return None
    return clock, (found[7] or "")[:6].rstrip("0"), found[8] or ""


def offset_of(text: str) -> int | None:
    """Minutes east of UTC in `+02:00`, `+0200` or `Z`; None when it is none of a place on Earth."""
    if text == "Z":
        return 0
    found = _OFFSET.fullmatch(text)
    if found is None or int(found[3]) > 59:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return (-minutes if found[1] == "-" else minutes) if minutes <= 15 * 60 else None


def _zone(tags: Tags, names: tuple[str, ...]) -> int | None:
    for name in (*names, "AndroidTimeZone"):
        for text in tags.values(name):
            offset = offset_of(text)
            if offset is not None:
                return offset
    for group, text in tags.all("TimeZone"):
        if group.startswith(("Canon", "Nikon")) and re.fullmatch(r"-?\d{1,3}", text):
            # Minutes. Canon's have daylight saving in them, Nikon's have not.
            saving = group.startswith("Nikon") and tags.number("DaylightSavings") == 1
            offset = int(text) + 60 * saving
        else:
            offset = offset_of(text)
        if offset is not None:
            return offset
    hours = tags.text("TimeZoneOffset")  # EXIF 2.1, of TIFF/EP; a second number is that of ModifyDate
    found = re.match(r"-?\d{1,2}(?= |$)", hours) if hours else None
    return int(found[0]) * 60 if found else None


def _local_clock(tags: Tags) -> bool:
    maker = (tags.text("Make") or "").lower()
    return maker.startswith(_LOCAL_CLOCK) or any(group.lower().startswith(_LOCAL_CLOCK) for group in tags.groups)
